"""Phrases of ASCII characters, matched in UTF-8 text whatever the case of its letters.

What is a letter's other case is decided as Python decides it. `str.lower` turns U+212A, the Kelvin sign, into a k.
Regular expressions that ignore case take that as well, U+0130 and U+0131 for an i, and U+017F for an s.
"""

from typing import Final

import numpy as np

from pipeline.kernel import Bytes, borrowing_kernel

LETTER_I: Final = 0x69
LETTER_K: Final = 0x6B
LETTER_S: Final = 0x73


def phrase_bytes(phrase: str) -> Bytes:
    """The phrase as kernels read it: ASCII bytes, without capital letters."""
    if not phrase.isascii() or phrase != phrase.lower():
        raise ValueError(f"phrase: expected ASCII characters without capital letters; found {phrase!r}")
    return np.frombuffer(phrase.encode(), np.uint8)


@borrowing_kernel
def case_variant_width(data: Bytes, i: np.uintp, end: np.uintp, letter: np.uint8, as_regex: bool) -> np.uintp:
    """Bytes of the character at `i` if it is another case of `letter` outside of ASCII, else 0."""
    first = data[i]
    if first == np.uint8(0xE2) and letter == np.uint8(LETTER_K) and i + np.uintp(2) < end:
        is_kelvin = data[i + np.uintp(1)] == np.uint8(0x84) and data[i + np.uintp(2)] == np.uint8(0xAA)
        return np.uintp(3) if is_kelvin else np.uintp(0)
    if not as_regex or i + np.uintp(1) >= end:
        return np.uintp(0)
    second = data[i + np.uintp(1)]
    is_i = first == np.uint8(0xC4) and (second == np.uint8(0xB0) or second == np.uint8(0xB1))
    is_s = first == np.uint8(0xC5) and second == np.uint8(0xBF)
    found = (is_i and letter == np.uint8(LETTER_I)) or (is_s and letter == np.uint8(LETTER_S))
    return np.uintp(2) if found else np.uintp(0)


@borrowing_kernel
def match_phrase(data: Bytes, begin: np.uintp, end: np.uintp, phrase: Bytes, as_regex: bool) -> np.uintp:
    """Where the phrase that stands at `begin` ends; 0 where another text stands there."""
    i = begin
    for p in range(phrase.shape[0]):
        if i >= end:
            return np.uintp(0)
        wanted = phrase[np.uintp(p)]
        byte = data[i]
        if np.uint8(byte - np.uint8(0x41)) < np.uint8(26):
            byte |= np.uint8(0x20)
        width = np.uintp(1)
        if byte != wanted:
            width = case_variant_width(data, i, end, wanted, as_regex)
            if width == np.uintp(0):
                return np.uintp(0)
        i += width
    return i
