"""The phrases that C4's rules look for, found in one pass."""

from typing import Final

import numpy as np

from operators.text.phrases import match_phrase, phrase_bytes
from pipeline.kernel import Bytes, borrowing_kernel, inline_kernel

LOREM_IPSUM: Final = 1
JAVASCRIPT: Final = 2
CURLY_BRACKET: Final = 4
POLICY: Final = 8

POLICY_PHRASES: Final = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)
"""Raffel et al. 2019, section 2.2; the phrases are those of TensorFlow Datasets, `c4_utils`."""

OPENING_BRACKET: Final = 0x7B
BLOCK: Final = 32
"""Bytes that are searched for the pairs of letters at once."""

LOREM_IPSUM_BYTES: Final = phrase_bytes("lorem ipsum")
JAVASCRIPT_BYTES: Final = phrase_bytes("javascript")
TERMS_BYTES: Final = phrase_bytes(POLICY_PHRASES[0])
PRIVACY_BYTES: Final = phrase_bytes(POLICY_PHRASES[1])
COOKIE_POLICY_BYTES: Final = phrase_bytes(POLICY_PHRASES[2])
USES_COOKIES_BYTES: Final = phrase_bytes(POLICY_PHRASES[3])
USE_OF_COOKIES_BYTES: Final = phrase_bytes(POLICY_PHRASES[4])
USE_COOKIES_BYTES: Final = phrase_bytes(POLICY_PHRASES[5])


@inline_kernel
def _may_have_phrase(data: Bytes, begin: np.uintp) -> np.bool_:
    """False only where none of the pairs by which phrases are found begins in the block. Without branches."""
    found: np.bool_ = np.bool_(False)
    for k in range(BLOCK):
        first = data[begin + np.uintp(k)] | np.uint8(0x20)
        second = data[begin + np.uintp(k + 1)] | np.uint8(0x20)
        found |= data[begin + np.uintp(k)] == np.uint8(OPENING_BRACKET)
        found |= (second == np.uint8(0x61)) & (first == np.uint8(0x6A))  # ja
        found |= (second == np.uint8(0x73)) & ((first == np.uint8(0x70)) | (first == np.uint8(0x6D)))  # ps, ms
        found |= (second == np.uint8(0x79)) & (first == np.uint8(0x63))  # cy
        # ki, with the Kelvin sign's last byte for the k too
        found |= (second == np.uint8(0x69)) & ((first == np.uint8(0x6B)) | (first == np.uint8(0xAA)))
    return found


@inline_kernel
def _stands_around(data: Bytes, begin: np.uintp, i: np.uintp, end: np.uintp, phrase: Bytes, before: int) -> np.bool_:
    """Whether the phrase begins `before` bytes before `i`."""
    distance = np.uintp(before)
    return np.bool_(
        i >= begin + distance and match_phrase(data, i - distance, end, phrase, as_regex=False) > np.uintp(0)
    )


@borrowing_kernel
def _policy_at(data: Bytes, begin: np.uintp, i: np.uintp, end: np.uintp) -> np.bool_:
    """Whether a phrase about cookies has its k at `i`."""
    return (
        _stands_around(data, begin, i, end, COOKIE_POLICY_BYTES, 3)
        or _stands_around(data, begin, i, end, USES_COOKIES_BYTES, 8)
        or _stands_around(data, begin, i, end, USE_OF_COOKIES_BYTES, 10)
        or _stands_around(data, begin, i, end, USE_COOKIES_BYTES, 7)
    )


@borrowing_kernel
def _phrase_at(data: Bytes, begin: np.uintp, i: np.uintp, end: np.uintp) -> np.uint8:
    """The bit of the phrase that is found by the character at `i`, or 0."""
    letter = data[i] | np.uint8(0x20)
    found = np.uint8(0)
    if data[i] == np.uint8(OPENING_BRACKET):
        found = np.uint8(CURLY_BRACKET)
    elif letter == np.uint8(0x6A):  # j of javascript
        found = np.uint8(JAVASCRIPT) * np.uint8(_stands_around(data, begin, i, end, JAVASCRIPT_BYTES, 0))
    elif letter == np.uint8(0x70):  # p of ipsum
        found = np.uint8(LOREM_IPSUM) * np.uint8(_stands_around(data, begin, i, end, LOREM_IPSUM_BYTES, 7))
    elif letter == np.uint8(0x6D):  # m of terms
        found = np.uint8(POLICY) * np.uint8(_stands_around(data, begin, i, end, TERMS_BYTES, 3))
    elif letter == np.uint8(0x63):  # second c of privacy
        found = np.uint8(POLICY) * np.uint8(_stands_around(data, begin, i, end, PRIVACY_BYTES, 5))
    elif letter == np.uint8(0x6B):  # k of cookie
        found = np.uint8(POLICY) * np.uint8(_policy_at(data, begin, i, end))
    elif letter == np.uint8(0xAA) and i >= begin + np.uintp(2):  # the Kelvin sign begins two bytes before
        found = np.uint8(POLICY) * np.uint8(_policy_at(data, begin, i - np.uintp(2), end))
    return found


@borrowing_kernel
def find_phrases(data: Bytes, begin: np.uintp, end: np.uintp) -> np.uint8:
    """The bits of the phrases that occur in `data[begin:end]`."""
    found = np.uint8(0)
    i = begin
    while i < end:
        stop = min(i + np.uintp(BLOCK), end)
        if i + np.uintp(BLOCK) < np.uintp(data.shape[0]) and not _may_have_phrase(data, i):
            i = stop
            continue
        while i < stop:
            found |= _phrase_at(data, begin, i, end)
            i += np.uintp(1)
    return found
