import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.byte_blocks import HIGHS
from pipeline.io.json_strings import NOT_PLAIN, SPILL, copy_bytes, skip_string, unescape_string

NO_BYTE = np.uint64(0)
FIRST = np.uintp(1)


def unescaped(spelled, foreign=NO_BYTE):
    """(index behind the string that `spelled` begins with, what it says); None where it is not plain."""
    data = np.frombuffer(spelled, np.uint8)
    out = np.full(len(spelled) + SPILL + 1, 0xEE, np.uint8)
    behind, end = unescape_string(data, FIRST, foreign, out, FIRST)
    assert skip_string(data, FIRST, foreign) == behind
    assert out[0] == out[-1] == 0xEE
    return None if behind == NOT_PLAIN else (behind, out[1:end].tobytes())


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])), st.booleans(), st.binary(max_size=9))
def test_a_string_says_what_it_says(text, escaped, rest):
    spelled = json.dumps(text, ensure_ascii=escaped).encode()
    assert unescaped(spelled + rest) == (len(spelled), text.encode())


@pytest.mark.parametrize("character", ["\0", "\x7f", "\x80", "߿", "ࠀ", "￿", "\U00010000", "\U0010ffff"])
def test_the_bounds_of_utf8_lengths(character):
    for spelled in (json.dumps(character), json.dumps(character).upper().replace("\\U", "\\u")):
        assert unescaped(spelled.encode()) == (len(spelled), character.encode())


@pytest.mark.parametrize(
    "ending", [b"", b"\\", b"\\u", b"\\u123", b"\n", b"\x1f", b"\\x", b"\\0", b"\\u12g4", b"\\ud800"]
)
def test_what_is_no_string_is_not_plain(ending):
    for num_before in range(20):
        before = b'"' + b"a" * num_before
        assert unescaped(before + ending) is None
        assert unescaped(before + ending + b'"' + b"b" * 8) is None or ending in (b"", b"\\")


@pytest.mark.parametrize(
    "pair", [rb"\udc00", rb"\udc00\ud800", rb"\ud800\ud800", rb"\ud800\u0041", rb"\ud800A", rb"\uD800\n"]
)
def test_half_a_surrogate_pair_is_not_plain(pair):
    assert unescaped(b'"' + pair + b'" and more') is None


def test_bytes_beyond_ascii_are_plain_unless_they_are_foreign():
    for num_before in range(20):
        spelled = b'"' + b"a" * num_before + "é".encode() + b'"'
        assert unescaped(spelled) == (len(spelled), spelled[1:-1])
        assert unescaped(spelled, HIGHS) is None
        assert unescaped(spelled.replace("é".encode(), b"e"), HIGHS) is not None


@settings(deadline=None)
@given(st.binary(max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_copies_are_copies(content, begin, end):
    begin, end = sorted((min(begin, len(content)), min(end, len(content))))
    out = np.zeros(60, np.uint8)
    behind = copy_bytes(np.frombuffer(content, np.uint8), np.uintp(begin), np.uintp(end), out, np.uintp(3))
    assert out[3:behind].tobytes() == content[begin:end]
    assert not out[behind + SPILL :].any()
