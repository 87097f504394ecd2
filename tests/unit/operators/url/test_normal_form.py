import pytest

from operators.url.normal_form import normal_word, parent_domains, split_url, words_of


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://www.Example.com/A/b?q=1#top", ("example.com", "/A/b?q=1")),
        ("http://user:secret@example.com:8080/", ("example.com", "")),
        ("//example.com", ("example.com", "")),
        ("example.com/a/", ("example.com", "/a")),
        ("https://bücher.example./x", ("xn--bcher-kva.example", "/x")),
        ("http://[2001:db8::1]:80/x", ("[2001:db8::1]", "/x")),
        (" HTTP://EXAMPLE.COM?q ", ("example.com", "?q")),
        ("https://example.com\\@evil.example", ("example.com", "\\@evil.example")),
        ("http://" + "ü" * 70 + ".example", ("ü" * 70 + ".example", "")),
        ("", ("", "")),
    ],
)
def test_one_spelling(url, expected):
    assert split_url(url) == expected


def test_a_url_in_normal_form_stays():
    for url in ("example.com/A?q", "xn--bcher-kva.example/x"):
        assert "".join(split_url(url)) == url


def test_parents_are_all_domains_above():
    assert list(parent_domains("a.b.co.uk")) == ["a.b.co.uk", "b.co.uk", "co.uk", "uk"]
    assert list(parent_domains("")) == []


def test_words_are_runs_of_letters_and_digits():
    assert words_of("https://A-b.c/d_e%20F9?é") == ["https", "a", "b", "c", "d", "e", "20f9"]
    assert normal_word(" Hot-Rod 9 ") == "hotrod9"
