"""Special tokens in texts, counted as a regular expression counts them."""

import re

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from operators.tokenize.special_strings import count_special, special_strings

LETTERS = "<s/>é|"


def count(strings: list[str], texts: list[str]) -> list[int]:
    return count_special(special_strings(strings), pa.array(texts, pa.large_string())).tolist()


@given(
    strings=st.lists(st.text(LETTERS, max_size=4), max_size=6),
    texts=st.lists(st.text(LETTERS, max_size=40), max_size=5),
    begin=st.integers(0, 2),
)
@example(strings=["<", "<s>"], texts=["<s><<s"], begin=0)
@example(strings=["é"], texts=["a" * 21 + "é"], begin=0)
def test_from_left_to_right_and_the_longest_first(strings: list[str], texts: list[str], begin: int) -> None:
    wanted = sorted({string for string in strings if string}, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, wanted))) if wanted else re.compile(r"(?!)")
    column = pa.array(texts, pa.large_string()).slice(begin)
    expected = [len(pattern.findall(text)) for text in texts[begin:]]
    assert count_special(special_strings(strings), column).tolist() == expected


@pytest.mark.parametrize("text", ["", "<", "<s", "s>", "x" * 100])
def test_parts_are_none(text: str) -> None:
    assert count(["<s>", "</s>"], [text]) == [0]


def test_a_string_does_not_go_on_in_the_next_document() -> None:
    assert count(["<s>"], ["<s", ">", "a<s>"]) == [0, 0, 1]
