import numpy as np
import pytest

from operators.text.treebank_rules import treebank_rules
from operators.text.treebank_urls import is_url


def judged(text: str) -> bool:
    data = np.frombuffer(text.encode(), np.uint8)
    return bool(is_url(data, np.uintp(0), np.uintp(len(data)), treebank_rules().flags))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com", "https://example.com:8080/a?b#c", "example.com", "a-b.example.co.uk/x", "mailto:a@b.cd",
        "user:pass@example.com", "git+ssh://a@example.org/x", "1.2.3.4", "http://223.255.255.254:80/", "8.08.8.8/a",
        "x@y@example.com", "a/b@example.com", "bücher.de", "a_b.com?x", "9.de", "foo:bar@1.2.3.4", "例え.テスト",
    ],
)  # fmt: skip
def test_urls_are_known(url):
    assert judged(url)


@pytest.mark.parametrize(
    "text",
    [
        "http://", "example", "example.c", "example.Com", "lower.Upper", ".com", "a..com", "-a.com", "a-.com",
        "_a.com", "a.com:1", "a.com:123456", "a.com:80x", "a.com!", "10.1.2.3", "127.0.0.1", "192.168.1.1",
        "169.254.1.1", "172.16.0.1", "172.31.9.9", "224.1.1.1", "0.1.1.1", "1.2.3.0", "1.2.3.255", "1.2.3",
        "1.2.3.4.5", "1.256.1.1", "1.001.1.1", "01.1.1.1", "1.1.1.01", "a" * 65 + ".com", "a." + "b" * 64, "@", "a@",
        "a.com@", "x://1", "",
    ],
)  # fmt: skip
def test_other_texts_are_not(text):
    assert not judged(text)


def test_private_neighbours_are_public():
    assert [judged(f"{address}/a") for address in ("172.15.0.1", "172.32.0.1", "192.167.1.1", "11.0.0.1")] == [True] * 4


def test_labels_and_domains_hold_as_many_characters_as_the_rule_says():
    assert judged("a" * 64 + ".com")
    assert judged("a." + "b" * 63)
