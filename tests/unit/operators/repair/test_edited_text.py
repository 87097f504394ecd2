"""Replacing some texts of a column, and counting the lines that differ."""

import numpy as np
import pyarrow as pa
import pytest

from operators.repair.edited_text import count_changed_lines, text_edits, with_replaced
from pipeline.document import TEXT_TYPE


def texts(*values: str) -> pa.Array:
    return pa.array(values, TEXT_TYPE)


def test_marked_texts_are_replaced_in_order():
    is_changed = np.array([False, True, False, True])
    expected = ["a", "é", "c", ""]
    for changed in (texts("é", ""), ["é".encode(), b""]):
        assert with_replaced(texts("a", "b", "c", "d"), is_changed, changed).to_pylist() == expected
    column = texts("a")
    assert with_replaced(column, np.array([False]), []) is column


@pytest.mark.parametrize(
    ("old", "new", "num_lines"),
    [
        ("", "", 0),
        ("a\nb\nc", "a\nb\nc", 0),
        ("a\nb\nc", "a\nB\nc", 1),
        ("ab\n\nc", "a\n\ncd", 2),
        ("a\nb", "a\n", 1),
        ("x\ny\n", "xx\nyy\n", 2),
    ],
)
def test_lines_that_differ_are_counted(old: str, new: str, num_lines: int):
    counts = count_changed_lines(texts("zero", old, "one").slice(1), texts(new, "one"))
    assert counts.tolist() == [num_lines, 0]


def test_edits_replace_the_text_alone():
    schema = pa.schema([pa.field("text", TEXT_TYPE, nullable=False), pa.field("n", pa.int64())])
    batch = pa.record_batch([texts("a"), pa.array([1])], schema=schema)
    edits = text_edits(batch, texts("b"), np.ones((1, 1)))
    assert edits.columns.schema == pa.schema([schema.field("text")])
    assert edits.columns.to_pydict() == {"text": ["b"]}
