import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.text.code_fences import follow_fence, follow_fences, may_have_code
from tests.line_oracle import code_flags, lines_of

PIECES = (
    "```",
    "~~~",
    "`",
    "~",
    " ",
    "\t",
    "a",
    "\n",
    "\n",
    "\r\n",
    "```py\n",
    "```\n",
    "~~~\n",
    "````\n",
    "x ```\n",
    "中",
)
NO_FENCE = np.uint8(0), np.uintp(0)


def flags_of(text):
    flags, state = [], NO_FENCE
    for line in lines_of(text):
        data = np.frombuffer(line.removesuffix("\n").encode(), np.uint8)
        *state, is_code = follow_fence(
            data,
            np.uintp(0),
            np.uintp(len(data)),
            *(kind(value) for kind, value in zip((np.uint8, np.uintp), state, strict=True)),
        )
        flags.append(is_code)
    return flags


@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_lines_of_fences_and_inside_them_are_code(text):
    assert flags_of(text) == code_flags(lines_of(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n```py\nb\n```\nc", [0, 1, 1, 1, 0]),
        ("~~~\n```\n~~~\nc", [1, 1, 1, 0]),
        ("````\n```\n`````\nc", [1, 1, 1, 0]),
        ("```\nb\n``` c\nd", [1, 1, 1, 1]),
        ("```a``` b\nc", [0, 0]),
        ("~~~ a ~~~ `b`\nc", [1, 1]),
        ("- list\n      ```\n      b\n      ```\r\nc", [0, 1, 1, 1, 0]),
        ("``\nb", [0, 0]),
    ],
)
def test_fences_open_and_close(text, expected):
    assert flags_of(text) == [bool(flag) for flag in expected]


def test_units_of_several_lines_are_code_if_any_is():
    data = np.frombuffer(b"a\n```\nb\n\nc", np.uint8)
    begin, end = np.uintp(0), np.uintp(7)
    marker, length, has_code = follow_fences(data, begin, end, *NO_FENCE)
    assert (marker, length, has_code) == (ord("`"), 3, True)
    assert follow_fences(data, begin, np.uintp(1), *NO_FENCE)[2] is False


@given(st.text(alphabet="a`~中\n", max_size=8))
def test_only_texts_without_the_characters_have_no_code(text):
    data = np.frombuffer(text.encode(), np.uint8)
    assert may_have_code(data, np.uintp(0), np.uintp(len(data))) == ("`" in text or "~" in text)
