"""Counts of a document's words: how many, of which classes, how long, how often. Knows no threshold and no word unit.

Letters are: D documents, W words of a document.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from operators.text.characters import ALPHABETIC, CONTENT, HASH_OR_ELLIPSIS, LOWERCASE, UPPERCASE
from operators.text.key_table import KeyTable, count_key, empty_table
from operators.text.whitespace_words import Words
from pipeline.kernel import borrowing_kernel

Counts = npt.NDArray[np.int64]
Measures = npt.NDArray[np.float64]
Marks = npt.NDArray[np.uint32]


class WordCounts(NamedTuple):
    """Counts by class, (D,) each."""

    num_words: Counts
    word_chars: Counts
    num_content_words: Counts
    """Words with a character that is no symbol."""
    content_word_chars: Counts
    num_alphabetic_words: Counts
    """Words with a letter."""
    num_uppercase_words: Counts
    """Words that `str.isupper` holds for: with a cased character, and none that is not upper case."""
    num_symbol_words: Counts
    """Words with `#` or U+2026."""


class FrequencyCounts(NamedTuple):
    """What follows from how often each word occurs, (D,) each."""

    num_distinct_words: Counts
    word_entropy: Measures
    """In nats: the sum of -p log p over the distinct words; 0 without words."""


@borrowing_kernel
def count_words(words: Words, num_words: np.uintp, d: np.uintp, counts: WordCounts) -> None:
    """Counts the words of document `d` by their classes."""
    word_chars = np.int64(0)
    num_content = np.int64(0)
    content_chars = np.int64(0)
    num_alphabetic = np.int64(0)
    num_uppercase = np.int64(0)
    num_symbol = np.int64(0)
    for w in range(num_words):
        classes = words.classes[np.uintp(w)]
        num_chars = np.int64(words.num_chars[np.uintp(w)])
        is_content = np.int64((classes & np.uint8(CONTENT)) != np.uint8(0))
        word_chars += num_chars
        num_content += is_content
        content_chars += is_content * num_chars
        num_alphabetic += np.int64((classes & np.uint8(ALPHABETIC)) != np.uint8(0))
        num_uppercase += np.int64((classes & np.uint8(UPPERCASE | LOWERCASE)) == np.uint8(UPPERCASE))
        num_symbol += np.int64((classes & np.uint8(HASH_OR_ELLIPSIS)) != np.uint8(0))
    counts.num_words[d] = np.int64(num_words)
    counts.word_chars[d] = word_chars
    counts.num_content_words[d] = num_content
    counts.content_word_chars[d] = content_chars
    counts.num_alphabetic_words[d] = num_alphabetic
    counts.num_uppercase_words[d] = num_uppercase
    counts.num_symbol_words[d] = num_symbol


@borrowing_kernel
def median_word_chars(words: Words, num_words: np.uintp, lengths: Marks) -> np.float64:
    """The median of the words' lengths, the mean of the middle two where there is no middle one; 0 without words.

    `lengths` counts words by length: zeros before and after, as long as the longest document and one more.
    """
    if num_words == np.uintp(0):
        return np.float64(0)
    for w in range(num_words):
        lengths[np.uintp(words.num_chars[np.uintp(w)])] += np.uint32(1)
    low_rank = (num_words - np.uintp(1)) // np.uintp(2)
    high_rank = num_words // np.uintp(2)
    length = np.uintp(0)
    num_shorter = np.uintp(lengths[0])
    while num_shorter <= low_rank:
        length += np.uintp(1)
        num_shorter += np.uintp(lengths[length])
    low = length
    while num_shorter <= high_rank:
        length += np.uintp(1)
        num_shorter += np.uintp(lengths[length])
    for w in range(num_words):
        lengths[np.uintp(words.num_chars[np.uintp(w)])] = np.uint32(0)
    return np.float64(low + length) / np.float64(2)


@borrowing_kernel
def count_frequencies(
    words: Words, num_words: np.uintp, table: KeyTable, slots: Marks, d: np.uintp, counts: FrequencyCounts
) -> None:
    """Counts how often each word of document `d` occurs. Sums stand in the order of first occurrences."""
    mask, stamp = empty_table(num_words, table)
    num_distinct = np.int64(0)
    for w in range(num_words):
        slot = count_key(words.hashes[np.uintp(w)], mask, stamp, table)
        num_distinct += np.int64(table.counts[slot] == np.uint32(1))
        slots[np.uintp(w)] = np.uint32(slot)
    entropy = np.float64(0)
    for w in range(num_words):
        slot = np.uintp(slots[np.uintp(w)])
        if table.counts[slot] > np.uint32(0):
            share = np.float64(table.counts[slot]) / np.float64(num_words)
            entropy -= share * np.log(share)
            table.counts[slot] = np.uint32(0)
    counts.num_distinct_words[d] = num_distinct
    counts.word_entropy[d] = entropy
