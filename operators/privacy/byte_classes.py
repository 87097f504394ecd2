"""What the kernels of this folder know about single bytes, and sets of ASCII words that they look up by hash."""

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.kernel import Bytes, borrowing_kernel, inline_kernel

WordSet = npt.NDArray[np.uint64]  # (W,) sorted hashes of lower-case words
Span = tuple[np.uintp, np.uintp]
"""First byte and the byte behind the last; (0, 0) where there is nothing."""

DIGIT: Final = 1
UPPER: Final = 2
LOWER: Final = 4
HEX: Final = 8
LOCAL: Final = 16
"""ASCII characters that the part of an e-mail address before the `@` may have here: of those that RFC 5322 allows, the
ones that mailbox providers hand out. The others (`=`, `/`, `{` and so on) stand beside addresses more often than in
them."""
LABEL: Final = 32
"""Letters, digits and the hyphen: labels of host names."""
TOKEN: Final = 64
"""Letters, digits, hyphen and underscore: base64url, and most access tokens."""
LETTER: Final = UPPER | LOWER
ALNUM: Final = LETTER | DIGIT

_DIGITS: Final = "0123456789"
_UPPER: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MEMBERS: Final = (
    (DIGIT, _DIGITS),
    (UPPER, _UPPER),
    (LOWER, _UPPER.lower()),
    (HEX, _DIGITS + "abcdefABCDEF"),
    (LOCAL, _DIGITS + _UPPER + _UPPER.lower() + "._%+-'"),
    (LABEL, _DIGITS + _UPPER + _UPPER.lower() + "-"),
    (TOKEN, _DIGITS + _UPPER + _UPPER.lower() + "-_"),
)

_FNV_OFFSET: Final = 0xCBF29CE484222325
_FNV_PRIME: Final = 0x100000001B3


def byte_classes() -> Bytes:
    """The class bits of every byte, (256,) uint8."""
    classes = np.zeros(256, np.uint8)
    for bit, members in _MEMBERS:
        classes[np.frombuffer(members.encode(), np.uint8)] |= np.uint8(bit)
    return classes


def word_set(words: Iterable[str]) -> WordSet:
    """The hashes of ASCII words, which match whatever their case."""
    hashes = []
    for word in words:
        spelled = np.frombuffer(word.encode("ascii"), np.uint8)
        hashes.append(lower_hash(spelled, np.uintp(0), np.uintp(len(spelled))))
    return np.array(sorted(hashes), np.uint64)


@inline_kernel
def is_in(data: Bytes, i: np.uintp, bits: int, classes: Bytes) -> bool:
    """Whether byte `i` has any of the class bits."""
    return bool(classes[data[i]] & np.uint8(bits) != np.uint8(0))


@borrowing_kernel
def lower_hash(data: Bytes, begin: np.uintp, end: np.uintp) -> np.uint64:
    """FNV-1a over `data[begin:end]`, ASCII letters in lower case."""
    state = np.uint64(_FNV_OFFSET)
    for i in range(begin, end):
        byte = data[np.uintp(i)]
        is_upper = np.uint8(byte - np.uint8(ord("A"))) < np.uint8(26)
        state = (state ^ np.uint64(byte | np.uint8(np.uint8(is_upper) << np.uint8(5)))) * np.uint64(_FNV_PRIME)
    return state


@borrowing_kernel
def holds(words: WordSet, data: Bytes, begin: np.uintp, end: np.uintp) -> bool:
    """Whether `data[begin:end]` is a word of the set."""
    wanted = lower_hash(data, begin, end)
    low, high = np.uintp(0), np.uintp(words.shape[0])
    while low < high:
        middle = (low + high) >> np.uintp(1)
        if words[middle] < wanted:
            low = middle + np.uintp(1)
        else:
            high = middle
    return bool(low < np.uintp(words.shape[0]) and words[low] == wanted)


MAX_GAP: Final = 4
"""Characters between a word and the number that it is said of, at most: `version: "1.2.3.4"`."""
MAX_WORD: Final = 16


@borrowing_kernel
def word_before(data: Bytes, floor: np.uintp, start: np.uintp, classes: Bytes) -> Span:
    """The ASCII word before `start`, across spaces, quotes and the like; an empty span where there is none.

    Looks back at no more than MAX_GAP + MAX_WORD bytes and not beyond `floor`.
    """
    end = start
    while end > floor and start - end < np.uintp(MAX_GAP) and _is_gap(data[end - np.uintp(1)]):
        end -= np.uintp(1)
    begin = end
    while begin > floor and end - begin < np.uintp(MAX_WORD) and is_in(data, begin - np.uintp(1), LETTER, classes):
        begin -= np.uintp(1)
    return begin, end


@inline_kernel
def _is_gap(byte: np.uint8) -> bool:
    return bool(
        byte == np.uint8(ord(" "))
        or byte == np.uint8(ord(":"))
        or byte == np.uint8(ord("="))
        or byte == np.uint8(ord('"'))
        or byte == np.uint8(ord("'"))
        or byte == np.uint8(ord("("))
        or byte == np.uint8(ord("#"))
        or byte == np.uint8(ord("."))
    )
