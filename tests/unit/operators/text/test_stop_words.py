import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.statistics import Wanted, text_statistics
from operators.text.stop_words import StopWordCounts, cased_forms, check_stop_words, stop_word_table
from operators.text.word_unit import unit_scanner

WORDS = ("the", "of", "漢", "être", "I")
texts = st.lists(st.sampled_from([*WORDS, "The", "OF", "oF", "ÊTRE", "i", "x", "the,"]), max_size=12).map(" ".join)


def expected_counts(text, words):
    found = text.split()
    folded = {word.lower() for word in words}
    return [
        len(set(words) & set(found)),
        sum(word in words for word in found),
        sum(word.lower() in folded for word in found),
    ]


def counted(documents, words):
    found = text_statistics(
        pa.array(documents, pa.large_string()),
        Wanted(stop_words=True),
        scanner=unit_scanner("whitespace"),
        stop_words=stop_word_table(words, any_case=True),
        short_line_chars=0,
    )
    return [[int(found[name][d]) for name in StopWordCounts._fields] for d in range(len(documents))]


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(texts, max_size=4), st.lists(st.sampled_from(WORDS), unique=True, min_size=1))
def test_counts_agree_with_python(documents, words):
    assert counted(documents, tuple(words)) == [expected_counts(text, words) for text in documents]


def test_a_document_does_not_know_what_the_one_before_held():
    assert counted(["the of", "the", "", "the of"], ("the", "of")) == [[2, 2, 2], [1, 1, 1], [0, 0, 0], [2, 2, 2]]


def test_many_stop_words_are_all_found():
    words = tuple(f"w{k}" for k in range(3000))
    assert counted([" ".join(words)], words) == [[3000, 3000, 3000]]


def test_without_stop_words_none_are_found():
    assert counted(["the of"], ()) == [[0, 0, 0]]


def test_spellings_differ_in_case_alone():
    assert cased_forms("of") == ("of", "oF", "Of", "OF")
    assert cased_forms("ß1") == ("ß1",)  # its upper case is two letters, of another word
    with pytest.raises(ValueError, match="at most 4096 spellings"):
        cased_forms("thirteenchars")


@pytest.mark.parametrize("words", [("of the",), ("a", "a"), ("",), (" a",)])
def test_what_no_text_can_hold_is_refused(words):
    with pytest.raises(ValueError, match="stop_words: expected"):
        check_stop_words(words)
