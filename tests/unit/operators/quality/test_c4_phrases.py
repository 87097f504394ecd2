import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.quality.c4_phrases import (
    CURLY_BRACKET,
    JAVASCRIPT,
    LOREM_IPSUM,
    POLICY,
    POLICY_PHRASES,
    find_phrases,
)

PIECES = (
    *POLICY_PHRASES, "lorem ipsum", "javascript", "{", "[", "use ", "s", " ", "cookies", "coo\u212aies", "policy", "İ",
    "é", "\xaai", "x" * 31, "java", "ter", "ms of use",
)  # fmt: skip


def by_definition(text):
    lower = text.lower()
    return (
        LOREM_IPSUM * ("lorem ipsum" in lower)
        | JAVASCRIPT * ("javascript" in lower)
        | CURLY_BRACKET * ("{" in text)
        | POLICY * any(phrase in lower for phrase in POLICY_PHRASES)
    )


def found_in(text):
    data = np.frombuffer(text.encode(), np.uint8)
    return int(find_phrases(data, np.uintp(0), np.uintp(len(data))))


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.booleans())
def test_phrases_are_found_whatever_their_case(text, upper):
    text = text.upper() if upper else text
    assert found_in(text) == by_definition(text)


@pytest.mark.parametrize("phrase", [*POLICY_PHRASES, "javascript", "lorem ipsum", "{", "use coo\u212aies"])
@pytest.mark.parametrize("before", range(0, 70, 7))
def test_a_phrase_is_found_wherever_it_stands(phrase, before):
    data = np.frombuffer(("x" * before + phrase + "y" * 70).encode(), np.uint8)
    inside = find_phrases(data, np.uintp(before), np.uintp(before + len(phrase.encode())))
    assert int(inside) == by_definition(phrase)
    assert int(find_phrases(data, np.uintp(before), np.uintp(before + len(phrase.encode()) - 1))) == 0
    assert int(find_phrases(data, np.uintp(before + 1), np.uintp(len(data)))) == 0
