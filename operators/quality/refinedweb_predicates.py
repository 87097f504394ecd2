"""What RefinedWeb's corrections ask of one line, and what they cut out of it. Lines are without their line feed."""

from typing import Final

import numpy as np

from operators.text.characters import Classes, decode
from operators.text.phrases import match_phrase, phrase_bytes
from operators.text.regex_classes import DECIMAL, SPACE, WORD
from pipeline.kernel import Bytes, kernel

COUNTED_WORDS: Final = tuple(
    phrase_bytes(word)
    for word in (
        "likes", "shares", "comments", "retweets", "reposts", "quotes", "bookmarks", "upvotes", "downvotes",
        "downloads", "views", "followers",
    )
)  # fmt: skip
"""What counters count: DCLM, `counter_line_modifier`."""
CART: Final = phrase_bytes("items in cart")
READ_MORE: Final = phrase_bytes("read more")
CHARS_BEHIND_READ_MORE: Final = 3
"""DCLM's `Read more...` is a regular expression in which a full stop is any character."""
SIGN_IN: Final = phrase_bytes("sign-in")

COMMA: Final = 0x2C
FULL_STOP: Final = 0x2E
LETTERS_OF_UNITS: Final = np.frombuffer(b"kmb", np.uint8)
"""Thousand, million, billion."""


@kernel
def _ascii_range(data: Bytes, begin: np.uintp, end: np.uintp, first: np.uint8, last: np.uint8) -> tuple[np.int64, bool]:
    """How many bytes lie between two ASCII characters, and whether all are ASCII. Without branches."""
    num_found = np.int64(0)
    seen = np.uint8(0)
    for i in range(begin, end):
        byte = data[np.uintp(i)]
        num_found += np.int64(np.uint8(byte - first) <= np.uint8(last - first))
        seen |= byte
    return num_found, bool(seen < np.uint8(0x80))


@kernel
def class_fraction(
    data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes, wanted: np.uint8, ascii_range: tuple[int, int]
) -> np.float64:
    """The share of a line's characters that are of a class, of which the range has all that are ASCII."""
    num_found, is_ascii = _ascii_range(data, begin, end, np.uint8(ascii_range[0]), np.uint8(ascii_range[1]))
    if is_ascii:
        return np.float64(num_found) / np.float64(end - begin)
    num_found = np.int64(0)
    num_chars = np.int64(0)
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        i += width
        num_chars += np.int64(1)
        num_found += np.int64(classes[code_point] & wanted != np.uint8(0))
    return np.float64(num_found) / np.float64(num_chars)


@kernel
def skip_class(
    data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes, skipped: np.uint8, is_member: bool
) -> np.uintp:
    """Where the first character stands that is not of the class, or, unless `is_member`, that is; else `end`."""
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        if (classes[code_point] & skipped != np.uint8(0)) != is_member:
            return i
        i += width
    return end


@kernel
def _skip_number(data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes) -> np.uintp:
    """Where the number at `begin` ends, with the unit behind it; `begin` where none stands."""
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        is_digit = classes[code_point] & np.uint8(DECIMAL) != np.uint8(0)
        is_point = i > begin and (code_point == np.uint32(COMMA) or code_point == np.uint32(FULL_STOP))
        if not is_digit and not is_point:
            break
        i += width
    if i == begin:
        return begin
    for k in range(LETTERS_OF_UNITS.shape[0]):
        stop = match_phrase(data, i, end, LETTERS_OF_UNITS[k : k + 1], as_regex=False)
        if stop > np.uintp(0):
            return stop
    return i


@kernel
def is_counter(data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes) -> bool:
    """Whether the line is a number and what was counted, as in `1.2K likes`, and no other words."""
    first = skip_class(data, begin, end, classes, np.uint8(WORD), is_member=False)
    behind_number = _skip_number(data, first, end, classes)
    if behind_number == first:
        return False
    word = skip_class(data, behind_number, end, classes, np.uint8(SPACE), is_member=True)
    if word == behind_number:
        return False
    for counted in COUNTED_WORDS:
        stop = match_phrase(data, word, end, counted, as_regex=False)
        if stop > np.uintp(0):
            return bool(skip_class(data, stop, end, classes, np.uint8(WORD), is_member=False) == end)
    return False


@kernel
def space_width(data: Bytes, i: np.uintp, end: np.uintp, classes: Classes) -> np.uintp:
    """Bytes of the whitespace character at `i`, 0 where another one stands or the line ends."""
    if i >= end:
        return np.uintp(0)
    code_point, width = decode(data, i)
    return width if classes[code_point] & np.uint8(SPACE) else np.uintp(0)


@kernel
def may_have_cart(data: Bytes, begin: np.uintp, end: np.uintp) -> bool:
    """False only where `items in cart` does not stand in the line. Without branches."""
    found: np.bool_ = np.bool_(False)
    if end - begin < np.uintp(CART.shape[0]):
        return False
    for i in range(begin, end - np.uintp(1)):
        is_r = data[np.uintp(i)] | np.uint8(0x20) == np.uint8(0x72)
        found |= is_r & (data[np.uintp(i) + np.uintp(1)] | np.uint8(0x20) == np.uint8(0x74))
    return bool(found)


@kernel
def cut_cart(out: Bytes, begin: np.uintp, end: np.uintp, classes: Classes) -> np.uintp:
    """Cuts out `items in cart` wherever it stands, with one whitespace character before it; returns the new end."""
    at = begin
    i = begin
    while i < end:
        space = space_width(out, i, end, classes)
        stop = np.uintp(0)
        if i + space < end:
            stop = match_phrase(out, i + space, end, CART, as_regex=True)
        if stop > np.uintp(0):
            i = stop
            continue
        _, width = decode(out, i)
        for _ in range(width):
            out[at] = out[i]
            at += np.uintp(1)
            i += np.uintp(1)
    return at


@kernel
def cut_read_more(out: Bytes, begin: np.uintp, end: np.uintp, classes: Classes) -> np.uintp:
    """Cuts `read more` and three characters off the end, with one whitespace character before; returns the new end."""
    stop = end
    for _ in range(CHARS_BEHIND_READ_MORE):
        if stop == begin:
            return end
        stop -= np.uintp(1)
        while out[stop] & np.uint8(0xC0) == np.uint8(0x80):
            stop -= np.uintp(1)
    length = np.uintp(READ_MORE.shape[0])
    if stop < begin + length or match_phrase(out, stop - length, stop, READ_MORE, as_regex=True) != stop:
        return end
    phrase = stop - length
    if phrase == begin:
        return phrase
    before = phrase - np.uintp(1)
    while out[before] & np.uint8(0xC0) == np.uint8(0x80):
        before -= np.uintp(1)
    return phrase - space_width(out, before, phrase, classes)


@kernel
def skip_sign_in(data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes) -> np.uintp:
    """Where the line begins behind a leading `sign-in` and one whitespace character."""
    stop = match_phrase(data, begin, end, SIGN_IN, as_regex=True)
    if stop == np.uintp(0):
        return begin
    return stop + space_width(data, stop, end, classes)
