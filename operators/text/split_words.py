"""Words that were found beforehand, by something that is no kernel: the batch's text comes with a list of breaks.

Letters are: B breaks.
"""

import numpy as np
import numpy.typing as npt

from operators.text.characters import WHITESPACE, Classes, decode
from operators.text.sorted_values import num_below
from operators.text.whitespace_words import Words, words_for
from pipeline.hashing import WORD_MULTIPLIER
from pipeline.kernel import Bytes, borrowing_kernel

Breaks = npt.NDArray[np.int64]
"""(B,) ascending, read-only: the bytes of the batch's data before which a word ends."""


def split_words_for(max_bytes: int) -> Words:
    """Room for the words of a document of `max_bytes`, each of which may be a word."""
    return words_for(2 * max_bytes)


@borrowing_kernel
def scan_split_words(
    data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes, breaks: Breaks, words: Words
) -> np.uintp:
    """As `scan_words`, for words that end at breaks as well as at whitespace."""
    next_break = num_below(breaks, np.int64(begin) + np.int64(1))
    num_words = np.uintp(0)
    word_hash = np.uint64(0)
    num_chars = np.uint32(0)
    seen = np.uint8(0)
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        found = classes[code_point]
        i += width
        is_last = i == end or found & np.uint8(WHITESPACE) != 0
        if not found & np.uint8(WHITESPACE):
            word_hash = (word_hash + np.uint64(code_point) + np.uint64(1)) * WORD_MULTIPLIER
            num_chars += np.uint32(1)
            seen |= found
        while next_break < np.uintp(breaks.shape[0]) and np.uintp(breaks[next_break]) <= i:
            next_break += np.uintp(1)
            is_last = True
        if is_last and num_chars > np.uint32(0):
            words.hashes[num_words] = word_hash
            words.num_chars[num_words] = num_chars
            words.classes[num_words] = seen
            num_words += np.uintp(1)
            word_hash = np.uint64(0)
            num_chars = np.uint32(0)
            seen = np.uint8(0)
    return num_words
