import pyarrow as pa
import pytest

from operators.quality.c4_paragraphs import C4Paragraphs
from tests.golden_rows import golden_rows


def kept(operator, texts):
    return operator.open()(pa.record_batch([pa.array(texts, pa.large_string())], names=["text"])).keep.tolist()


def test_decisions_are_those_of_the_reference():
    rows = golden_rows("c4")
    found = kept(C4Paragraphs(), [row["input"] for row in rows])
    assert dict(zip([row["name"] for row in rows], found, strict=True)) == {
        row["name"]: "dropped_by" not in row["paragraphs"] for row in rows
    }
    assert 0 < sum(found) < len(found)


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("abc", 1), ("abc\nab\n abc", 2), ("ab\r\n  x\n", 2), ("éé\n", 0)]
)
def test_the_value_is_the_number_of_long_lines(text, count):
    operator = C4Paragraphs(min_paragraph_chars=3)
    values = operator.open_measure()(pa.record_batch([pa.array([text], pa.large_string())], names=["text"]))
    assert values.tolist() == [[count]]


def test_every_line_is_long_without_a_length():
    assert kept(C4Paragraphs(min_paragraph_chars=0, min_paragraphs=2), ["", "\n"]) == [False, True]
