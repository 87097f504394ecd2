# ruff: noqa: RUF001 -- look-alike characters are what the rules are about
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.sentences import count_sentences, sentence_scratch, sentence_tables

texts = st.text(st.sampled_from("ab 1.!?。！…')\n\u00a0漢"))


def count(text: str, unit) -> int:
    data = np.frombuffer(text.encode(), np.uint8)
    scratch = sentence_scratch(unit, len(data))
    return int(count_sentences(data, np.uintp(0), np.uintp(len(data)), sentence_tables(unit), scratch))


@pytest.mark.parametrize(
    ("text", "terminal", "cjk", "spacy"),
    [
        ("", 0, 0, 0),
        (" \n ", 0, 0, 0),
        ("One", 1, 1, 1),
        ("One. Two", 2, 2, 2),
        ("One.  Two. ", 2, 2, 2),
        ("One... Two", 2, 2, 1),
        ("Is it 3.5? Yes!", 2, 2, 2),
        ("See example.com. Or not.", 2, 2, 2),
        ("Mr. Smith e.g. left.", 3, 3, 1),
        ('He said "No." And left.', 1, 1, 2),
        ("a.B", 1, 1, 1),
        ("ab.B", 1, 1, 2),
        ("One. ) Two", 2, 2, 2),
        ("One.  ) Two", 2, 2, 2),
        ("One. )", 1, 1, 1),
        ("One.  )", 1, 1, 2),
        ("...", 0, 0, 1),
        ("一。二！三", 1, 3, 1),
        ("一。”二？！三……", 1, 3, 1),
        ("一.二", 1, 1, 2),
        ("一!二", 1, 2, 1),
    ],
)
def test_sentences_are_counted_by_the_rule(text, terminal, cjk, spacy):
    assert (count(text, "terminal"), count(text, "cjk"), count(text, "spacy")) == (terminal, cjk, spacy)


@settings(deadline=None, derandomize=True)
@given(texts, st.sampled_from(["terminal", "cjk", "spacy"]))
def test_counts_never_exceed_the_characters_and_whitespace_around_changes_nothing(text, unit):
    found = count(text, unit)
    assert found <= len(text.strip())
    assert count(f" \n{text}\n ", unit) == found


@settings(deadline=None, derandomize=True)
@given(texts, texts)
def test_a_word_with_a_full_stop_between_two_texts_parts_their_sentences(first, second):
    joined = count(f"{first} a.\n{second}", "terminal")
    assert joined == count(f"{first} a.", "terminal") + count(second, "terminal")
