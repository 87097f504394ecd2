import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.text.characters import character_classes
from operators.text.line_edits import copy_bytes, end_of_any_line, has_long_word, has_words

TEXTS = st.text("ab é中\u3000 \n\r\v\f\x1c\x85\u2028", max_size=20)


def bounds(text):
    data = np.frombuffer(text.encode(), np.uint8)
    return data, np.uintp(0), np.uintp(len(data))


@given(TEXTS)
def test_lines_are_those_of_splitlines(text):
    data, begin, end = bounds(text)
    lines = []
    while begin < end:
        content, after = end_of_any_line(data, begin, end)
        lines.append((bytes(data[begin:content]).decode(), bytes(data[begin:after]).decode()))
        begin = np.uintp(after)
    assert lines == list(zip(text.splitlines(), text.splitlines(keepends=True), strict=True))


@given(TEXTS, st.integers(0, 4))
def test_words_are_those_of_split(text, number):
    words = text.split()
    assert has_words(*bounds(text), np.uintp(number), character_classes()) is (len(words) >= number)
    longest = max(map(len, words), default=0)
    assert has_long_word(*bounds(text), np.int64(number), character_classes()) is (longest > number)


@pytest.mark.parametrize("at", [0, 2])
def test_bytes_may_move_forward_in_their_own_array(at):
    out = np.frombuffer(b"abcdef", np.uint8).copy()
    assert int(copy_bytes(out, np.uintp(2), np.uintp(5), out, np.uintp(at))) == at + 3
    assert bytes(out[at : at + 3]) == b"cde"
