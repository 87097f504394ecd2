import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.characters import ALPHABETIC, CONTENT, WHITESPACE, character_classes
from operators.text.whitespace_words import scan_words, word_hashes, words_for

SPACES = " \n\t\x0b\x1c\x1f\x85\xa0\u2003\u2028\u3000"
texts = st.text(
    st.one_of(st.sampled_from(SPACES + "ab-1é漢\u0301\U0001f600"), st.characters(exclude_categories=["Cs"]))
)


def scan(text: str):
    data = np.frombuffer(text.encode(), np.uint8)
    words = words_for(len(data))
    num_words = scan_words(data, np.uintp(0), np.uintp(len(data)), character_classes(), words)
    return [array[:num_words].tolist() for array in words[:3]]


@settings(deadline=None, derandomize=True)
@given(texts)
def test_words_are_those_of_split(text):
    hashes, num_chars, classes = scan(text)
    expected = text.split()
    assert num_chars == [len(word) for word in expected]
    assert [bool(seen & ALPHABETIC) for seen in classes] == [any(map(str.isalpha, word)) for word in expected]
    assert not any(seen & WHITESPACE for seen in classes)
    # equal words have equal hashes, different words different ones
    assert len(set(zip(hashes, expected, strict=True))) == len(set(hashes)) == len(set(expected))


def test_room_is_enough_for_the_most_words_that_bytes_can_hold():
    for text in ("a", "a b", "a b ", "a b c"):
        assert len(scan(text)[0]) == len(text.split()) <= len(words_for(len(text)).hashes)


def test_symbols_alone_are_no_content():
    assert [bool(seen & CONTENT) for seen in scan("-- ... a- \u0301 1 \u2026")[2]] == [
        False,
        False,
        True,
        True,
        True,
        False,
    ]


def test_order_of_letters_changes_the_hash():
    hashes = scan("ab ba abc cab a aa aaa \0a \0\0a")[0]
    assert len(set(hashes)) == len(hashes)


def test_hashes_of_a_word_list_are_those_of_the_text():
    assert word_hashes(("of", "the")).tolist() == scan("of the")[0]
    assert word_hashes(()).tolist() == []


@pytest.mark.parametrize("words", [("of the",), ("", "a"), ("a\u2003b", "c")])
def test_word_list_with_whitespace_is_refused(words):
    with pytest.raises(ValueError, match=f"expected {len(words)} words without whitespace"):
        word_hashes(words)
