import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.phrase_automaton import count_phrases, phrase_automaton
from operators.text.regex_classes import regex_classes

LETTERS = "abé中_ ."


def count(text, phrases, *, must_be_apart):
    data = np.frombuffer(f"a{text}a".encode(), np.uint8)  # what stands around the text must not matter
    automaton = phrase_automaton(phrases)
    return count_phrases(data, np.uintp(1), np.uintp(len(data) - 1), automaton, regex_classes(), must_be_apart)


@settings(max_examples=300, deadline=None)
@given(st.text(LETTERS, max_size=12), st.lists(st.text(LETTERS, min_size=1, max_size=4), max_size=5))
def test_phrases_are_found_as_by_regular_expressions(text, phrases):
    ends = {k for k in range(len(text) + 1) for phrase in phrases if text[:k].endswith(phrase)}
    apart = {k for k in ends for phrase in phrases if re.search(rf"(?:\W|^){re.escape(phrase)}\Z", text[:k])}
    apart = {k for k in apart if not re.match(r"\w", text[k:])}
    assert count(text, phrases, must_be_apart=False) == len(ends)
    assert count(text, phrases, must_be_apart=True) == len(apart)


def test_a_shorter_phrase_that_ends_where_a_longer_one_does():
    assert count("xab b", ["xab", "ab", "b"], must_be_apart=True) == 2
    assert count("yxab", ["xab", "ab", "b"], must_be_apart=True) == 0
    assert count("xa b", ["xa b", "b"], must_be_apart=True) == 1
    assert count("yxa b", ["xa b", "b"], must_be_apart=True) == 1
