import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.url.url_filter import UrlFilter
from pipeline.operator import FileRef


@pytest.fixture
def lists(tmp_path):
    def write(**contents):
        found = {}
        for field, content in contents.items():
            path = tmp_path / f"{field}.txt"
            path.write_text("\n".join(content))
            found[field] = (FileRef(uri=path.name).pin(path),)
        return found

    return write


def batch_of(operator, urls):
    return pa.record_batch([pa.array(urls, pa.large_string())], schema=operator.requires())


def judged(operator, urls):
    """Rule and value of what is dropped, None of what is kept."""
    verdicts = operator.open()(batch_of(operator, urls))
    return [
        None if keep else (operator.rules()[rule], value)
        for keep, rule, value in zip(verdicts.keep, verdicts.rule, verdicts.value, strict=True)
    ]


def test_domains_and_what_lies_below_them(lists):
    operator = UrlFilter(**lists(domains=["bad.example", "a.good.example", "co.uk"]))
    urls = [
        "http://bad.example/x", "https://www.bad.example", "http://deep.sub.bad.example:80", "http://notbad.example",
        "http://good.example", "http://a.good.example", "http://b.co.uk/", "http://example/bad.example", "bad.example",
    ]  # fmt: skip
    assert [found is None for found in judged(operator, urls)] == [
        False, False, False, True, True, False, False, True, False,
    ]  # fmt: skip
    assert judged(operator, urls)[0] == ("domain", 1)


def test_a_listed_url_blocks_only_itself(lists):
    operator = UrlFilter(**lists(urls=["http://a.example/x/"]))
    urls = ["https://www.a.example/x#y", "http://a.example/x/y", "http://a.example", "http://a.example/X"]
    assert judged(operator, urls) == [("url", 1), None, None, None]


def test_words_as_refinedweb_counts_them(lists):
    operator = UrlFilter(**lists(strict_words=["foobar", "oba"], hard_words=["hard"], soft_words=["one", "two"]))
    assert judged(operator, ["http://a.example/xfoo-bary", "http://a.example/foo"]) == [("strict_words", 2), None]
    assert judged(operator, ["http://a.example/x-HARD.html", "http://a.example/harder"]) == [("hard_words", 1), None]
    soft = ["http://a.example/one", "http://a.example/one-one", "http://one.example/two", "http://a.example/onetwo"]
    assert judged(operator, soft) == [None, None, ("soft_words", 2), None]
    assert judged(operator.model_copy(update={"max_soft_words": 0}), soft)[0] == ("soft_words", 1)


def test_the_first_rule_decides(lists):
    operator = UrlFilter(**lists(domains=["hard.example"], hard_words=["hard"], urls=["hard.example"]))
    assert judged(operator, ["http://hard.example", "http://hard.example.org"]) == [("domain", 1), ("hard_words", 1)]


def test_documents_without_a_url_pass_unless_they_may_not(lists):
    fields = lists(domains=["bad.example"])
    assert judged(UrlFilter(**fields), [None, "", "http://bad.example"]) == [None, None, ("domain", 1)]
    assert judged(UrlFilter(drop_missing=True), [None, "", "http://bad.example"]) == [
        ("missing", 1),
        ("missing", 1),
        None,
    ]
    values = UrlFilter(**fields).open_values()(batch_of(UrlFilter(**fields), [None, "http://a.example"]))
    assert np.isnan(values[0, 1:]).all()
    assert values.tolist()[1] == [0, 0, 0, 0, 0, 0]


def test_rows_do_not_depend_on_their_batch(lists):
    operator = UrlFilter(**lists(domains=["bad.example"], soft_words=["a", "b"]))
    urls = ["http://bad.example", None, "http://x.example/a/b", "", "http://ok.example"] * 3
    measure = operator.open_values()
    whole = measure(batch_of(operator, urls))
    parts = [measure(batch_of(operator, urls).slice(row, 1)) for row in range(len(urls))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert measure(batch_of(operator, [])).shape == (0, 6)


def test_nothing_to_judge_by_is_refused():
    with pytest.raises(ValidationError, match="expected a file in one of"):
        UrlFilter()


def test_another_column(lists):
    operator = UrlFilter(url_column="source_url", **lists(domains=["bad.example"]))
    assert operator.requires().names == ["source_url"]
    assert judged(operator, ["http://bad.example"]) == [("domain", 1)]
