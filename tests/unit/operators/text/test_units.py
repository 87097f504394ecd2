import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.text.units import cut_units
from pipeline.document import TEXT_TYPE
from tests.line_oracle import PIECES, units_of, without

UNITS = ("line", "paragraph")
TEXTS = st.lists(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), max_size=5)


def cut(texts, ordinals, unit, offset=0):
    """`texts` without `ordinals`, a list for each; the first `offset` of the column are sliced off."""
    column = pa.array(["before"] * offset + texts, TEXT_TYPE).slice(offset)
    bounds = np.cumsum([0, *map(len, ordinals)])
    drop = np.array([ordinal for found in ordinals for ordinal in found], np.uint32)
    result = cut_units(column, bounds, drop, unit=unit)
    result.validate(full=True)
    return result.to_pylist()


@pytest.mark.parametrize("unit", UNITS)
@given(texts=TEXTS, data=st.data(), offset=st.integers(0, 2))
def test_the_named_units_go_and_the_others_stay(unit, texts, data, offset):
    ordinals = [
        sorted(data.draw(st.sets(st.integers(0, len(found) - 1)))) if (found := units_of(text, unit)) else []
        for text in texts
    ]
    expected = [without(text, gone, unit) if gone else text for text, gone in zip(texts, ordinals, strict=True)]
    assert cut(texts, ordinals, unit, offset) == expected


@pytest.mark.parametrize(
    ("text", "gone", "left"),
    [
        ("a\nb\nc\n", [1], "a\nc\n"),
        ("a\nb\nc\n", [2], "a\nb\n"),
        ("a\nb\nc", [2], "a\nb"),
        ("a\r\nb\r\nc", [2], "a\r\nb"),
        ("a\r\nb\nc\r\n", [2], "a\r\nb\r\n"),
        ("a\nb", [0, 1], ""),
        ("a\n\nb", [1], "a\nb"),
        ("a\u2028b\x0bc\rd\ne", [0], "e"),
    ],
)
def test_lines_end_with_a_line_feed_alone(text, gone, left):
    assert cut([text], [gone], "line") == [left]


@pytest.mark.parametrize(
    ("text", "gone", "left"),
    [
        ("a\nb\n\nc\n", [0], "c\n"),
        ("a\nb\n\nc\n", [1], "a\nb\n"),
        ("a\n \t\u3000\n\nb\n\nc", [1], "a\n \t\u3000\n\nc"),
        ("\n\na\n\nb", [0], "b"),
        ("a\n\nb\n\n", [1], "a\n\n"),
        ("a\n\n\nb", [1], "a"),
    ],
)
def test_blank_lines_part_paragraphs(text, gone, left):
    assert cut([text], [gone], "paragraph") == [left]


def test_a_text_without_the_unit_is_another_text():
    with pytest.raises(ValueError, match=r"row 1: expected the lines that it is to lose; found fewer"):
        cut(["a\nb", "a\nb"], [[1], [2]], "line")
