import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.io.json_strings import NOT_PLAIN
from pipeline.io.json_values import BOOLEAN, INTEGER, MAX_DEPTH, NULL, NUMBER, OTHER, STRING, skip_value

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def skipped(spelled):
    """(index behind the value that `spelled` begins with, its kind); None where it is not plain."""
    behind, kind = skip_value(np.frombuffer(b":" + spelled, np.uint8), np.uintp(1), np.uint64(0))
    return None if behind == NOT_PLAIN else (behind - 1, kind)


@settings(deadline=None)
@given(JSON, st.sampled_from([(",", ":"), (" , ", "\t:\r")]), st.sampled_from([b"", b",", b" ]", b"}", b"\n[1]"]))
def test_any_value_is_passed_over(value, separators, rest):
    spelled = json.dumps(value, separators=separators).encode()
    behind, kind = skipped(spelled + rest)
    assert behind == len(spelled)
    kinds = {str: STRING, int: INTEGER | NUMBER | OTHER, float: NUMBER | OTHER, bool: BOOLEAN, type(None): NULL}
    assert kind & kinds.get(type(value), OTHER)


@settings(deadline=None)
@given(st.lists(JSON, min_size=1) | st.dictionaries(st.text(), JSON, min_size=1), st.integers(0, 1 << 20))
def test_no_beginning_of_a_value_is_plain(value, place):
    spelled = json.dumps(value).encode()
    assert skipped(spelled[: place % len(spelled)]) is None


@pytest.mark.parametrize(
    ("spelled", "kind"),
    [
        (b"0", INTEGER),
        (b"-7", INTEGER),
        (b"9" * 18, INTEGER),
        (b"-" + b"9" * 18, INTEGER),
        (b"9" * 19, NUMBER),
        (b"-0", NUMBER),
        (b"0.0", NUMBER),
        (b"1e5", NUMBER),
        (b"-1.5E+99", NUMBER),
        (b"1e100", OTHER),
        (b"1" * 32, NUMBER),
        (b"1" * 33, OTHER),
        (b"null", NULL),
        (b"true", BOOLEAN),
        (b"false", BOOLEAN),
        (b'"null"', STRING),
        (b"[]", OTHER),
        (b"{ }", OTHER),
    ],
)
def test_kinds(spelled, kind):
    for rest in (b"", b",", b" }", b"]"):
        assert skipped(spelled + rest) == (len(spelled), kind)


BROKEN = [
    b"", b"-", b"+1", b"01", b"-01", b"1.", b".5", b"1.e1", b"1e", b"1e+", b"NaN", b"Infinity", b"nul", b"True",
    b"fals", b"[1,]", b"[,1]", b"[1 2]", b"[1}", b"{1}", b'{"a"}', b'{"a":}', b'{"a":1,}', b'{"a" 1}', b'{"a":1]',
    b"{a:1}", b"[\n]", b'["\n"]', b"'a'", b"]", b"}", b":", b",",
]  # fmt: skip


@pytest.mark.parametrize("spelled", BROKEN)
def test_what_is_no_value_is_not_plain(spelled):
    assert skipped(spelled) is None
    assert skipped(b'{"a":' + spelled + b"}") is None


def test_nesting_is_plain_up_to_a_depth():
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        for inner in (b"1", b"[]", b"{}"):
            depth = MAX_DEPTH - (inner != b"1")
            spelled = opening * depth + inner + closing * depth
            assert skipped(spelled) == (len(spelled), OTHER)
            assert skipped(opening + spelled + closing) is None


def test_brackets_close_what_they_opened():
    assert skipped(b'[{"a":[{}]}]x') == (12, OTHER)
    assert skipped(b'[{"a":[{}}]]') is None
