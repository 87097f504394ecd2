"""Words as `str.split()` finds them, between Unicode whitespace, each with a hash, its length and its classes.

Words are compared by a 64-bit hash, never by their text: two different words of one document count as equal with a
chance of about 2**-64 a pair. Letters are: W words.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from operators.text.characters import WHITESPACE, Classes, character_classes, decode
from pipeline.hashing import WORD_MULTIPLIER
from pipeline.kernel import Bytes, borrowing_kernel

Hashes = npt.NDArray[np.uint64]
Ends = npt.NDArray[np.uint32]
Joins = npt.NDArray[np.uint16]


class Words(NamedTuple):
    """The words of one document. Kernels fill the first of the slots and say how many."""

    hashes: Hashes  # (W,)
    num_chars: npt.NDArray[np.uint32]  # (W,)
    classes: npt.NDArray[np.uint8]  # (W,) class bits that any character of the word has
    ends: Ends  # (W,) or none: scratch of word units that split what stands between whitespace
    joins: Joins  # (W,) or none: scratch likewise


def words_for(max_bytes: int) -> Words:
    """Room for the words of a document of `max_bytes`: each takes a byte at least, and one more before the next."""
    capacity = max_bytes // 2 + 1
    return Words(
        hashes=np.empty(capacity, np.uint64),
        num_chars=np.empty(capacity, np.uint32),
        classes=np.empty(capacity, np.uint8),
        ends=np.empty(0, np.uint32),
        joins=np.empty(0, np.uint16),
    )


@borrowing_kernel
def scan_words(data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes, words: Words) -> np.uintp:
    """Puts the words of `data[begin:end]` into `words` and returns how many they are."""
    num_words = np.uintp(0)
    word_hash = np.uint64(0)
    num_chars = np.uint32(0)
    seen = np.uint8(0)
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        found = classes[code_point]
        i += width
        if not found & np.uint8(WHITESPACE):
            word_hash = (word_hash + np.uint64(code_point) + np.uint64(1)) * WORD_MULTIPLIER
            num_chars += np.uint32(1)
            seen |= found
            if i < end:
                continue
        if num_chars > np.uint32(0):
            words.hashes[num_words] = word_hash
            words.num_chars[num_words] = num_chars
            words.classes[num_words] = seen
            num_words += np.uintp(1)
            word_hash = np.uint64(0)
            num_chars = np.uint32(0)
            seen = np.uint8(0)
    return num_words


def word_hashes(words: tuple[str, ...]) -> Hashes:
    """The hashes that `scan_words` gives to these words, (W,) uint64. None of them may hold whitespace."""
    data = np.frombuffer(" ".join(words).encode(), np.uint8)
    scratch = words_for(len(data))
    num_words = scan_words(data, np.uintp(0), np.uintp(len(data)), character_classes(), scratch)
    if num_words != len(words):
        raise ValueError(f"word list: expected {len(words)} words without whitespace; found {num_words} words")
    return scratch.hashes[:num_words].copy()
