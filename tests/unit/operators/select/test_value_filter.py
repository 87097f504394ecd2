"""Documents with one of some values stay."""

import pyarrow as pa

from operators.select.value_filter import ValueFilter


def test_listed_values_stay() -> None:
    operator = ValueFilter(column="part", values=("a", "b"))
    rows = pa.record_batch([pa.array(["a", "c", None, "b", ""], pa.large_string())], schema=operator.requires())
    verdicts = operator.open()(rows)
    assert verdicts.keep.tolist() == [True, False, False, True, False]
    assert [operator.rules()[rule] for rule in verdicts.rule] == ["other_value"] * 5


def test_sources_are_values_too() -> None:
    operator = ValueFilter(column="source", values=("web",))
    assert operator.requires().field("source").type == pa.string()
    rows = pa.record_batch([pa.array(["web", "book"], pa.string())], schema=operator.requires())
    assert operator.open()(rows).keep.tolist() == [True, False]
