import numpy as np

from operators.text.characters import character_classes
from operators.text.split_words import scan_split_words
from operators.text.whitespace_words import word_hashes, words_for


def scan(text: str, breaks: list[int], begin: int = 0):
    data = np.frombuffer(text.encode(), np.uint8)
    words = words_for(2 * len(data))
    num_words = scan_split_words(
        data, np.uintp(begin), np.uintp(len(data)), character_classes(), np.array(breaks, np.int64), words
    )
    return words.hashes[:num_words].tolist(), words.num_chars[:num_words].tolist()


def test_words_end_at_breaks_and_at_whitespace():
    hashes, num_chars = scan("我爱北京 a天", [3, 6, 12, 14, 17])
    assert hashes == word_hashes(("我", "爱", "北京", "a", "天")).tolist()
    assert num_chars == [1, 1, 2, 1, 1]


def test_breaks_beside_whitespace_make_no_words():
    assert scan("ab cd ", [2, 3, 5, 6]) == scan("ab cd", [])


def test_breaks_before_the_range_are_passed_over():
    hashes, _ = scan("我爱北京", [3, 6, 12], begin=6)
    assert hashes == word_hashes(("北京",)).tolist()


def test_without_breaks_words_are_those_of_split():
    assert scan("one two", [])[0] == word_hashes(("one", "two")).tolist()
