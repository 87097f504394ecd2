"""Kernels that pass over the characters of JSON strings, and write what they say.

They know plain strings alone: one that has no end, a control character, or an escape that JSON has not, half of a
surrogate pair among these, is `NOT_PLAIN`, and somebody else's to judge.
"""

from typing import Final

import numpy as np

from pipeline.byte_blocks import BLOCK, bytes_below, count_bytes, load_block, marks_below, marks_of, store_block
from pipeline.kernel import Bytes, borrowing_kernel

NOT_PLAIN: Final = np.uintp(0)
"""In place of an index. Neither a string nor a value of an object begins at the first byte."""
SPILL: Final = 8
"""So many bytes behind what they write kernels may fill with anything: they copy eight at a time."""

QUOTE: Final = np.uint8(ord('"'))
_BACKSLASH: Final = np.uint8(ord("\\"))
_U: Final = np.uint8(ord("u"))
_FIRST_PRINTABLE: Final = np.uint8(0x20)
_SHORT: Final = dict(zip(b'"\\/bfnrt', b'"\\/\b\f\n\r\t', strict=True))
_ESCAPED: Final = np.array([_SHORT.get(byte, 0) for byte in range(256)], np.uint8)
"""By the byte behind a backslash: the character that they stand for; 0 where they stand for none, or more follow."""
_NO_HEX: Final = np.uint64(1 << 16)
_ONE: Final = np.uintp(1)


@borrowing_kernel
def _special_marks(block: np.uint64, foreign: np.uint64) -> np.uint64:
    """The high bit of the first byte that ends a run of plain characters; bits above it mean nothing."""
    quotes = marks_of(block, np.uint64(0x22))
    backslashes = marks_of(block, np.uint64(0x5C))
    controls = marks_below(block, np.uint64(_FIRST_PRINTABLE))
    return quotes | backslashes | controls | (block & foreign)


@borrowing_kernel
def skip_characters(data: Bytes, i: np.uintp, foreign: np.uint64) -> np.uintp:
    """The next quote, backslash or control character from `i` on, or the end of the data.

    Args:
        data: whole lines.
        i: in a string.
        foreign: bits that no byte of eight may have, other than 0 where bytes beyond ASCII are not plain.
    """
    end = np.uintp(data.size)
    while i + BLOCK <= end:
        marks = _special_marks(load_block(data, i), foreign)
        if marks:
            return i + count_bytes(bytes_below(marks))
        i += BLOCK
    while i < end:
        byte = data[i]
        if byte in (QUOTE, _BACKSLASH) or byte < _FIRST_PRINTABLE or byte & np.uint8(foreign):
            break
        i += _ONE
    return i


@borrowing_kernel
def _hex(data: Bytes, i: np.uintp) -> np.uint64:
    """The number of the four hexadecimal digits at `i`, or `_NO_HEX`."""
    if i + np.uintp(4) > np.uintp(data.size):
        return _NO_HEX
    value = np.uint64(0)
    for k in range(4):
        byte = np.uint64(data[i + np.uintp(k)])
        digit = byte - np.uint64(0x30)
        letter = (byte | np.uint64(0x20)) - np.uint64(0x61)
        if digit < np.uint64(10):
            value = value << np.uint64(4) | digit
        elif letter < np.uint64(6):
            value = value << np.uint64(4) | (letter + np.uint64(10))
        else:
            return _NO_HEX
    return value


@borrowing_kernel
def _read_pair(data: Bytes, i: np.uintp) -> tuple[np.uintp, np.uint64]:
    """As `read_escape`, for the escapes of four digits at `i`."""
    high = _hex(data, i + np.uintp(2))
    behind = i + np.uintp(6)
    if high == _NO_HEX or high & np.uint64(0xFC00) == np.uint64(0xDC00):
        return NOT_PLAIN, np.uint64(0)
    if high & np.uint64(0xFC00) != np.uint64(0xD800):
        return behind, high
    if behind + _ONE >= np.uintp(data.size) or data[behind] != _BACKSLASH or data[behind + _ONE] != _U:
        return NOT_PLAIN, np.uint64(0)
    low = _hex(data, behind + np.uintp(2))
    if low & np.uint64(0xFC00) != np.uint64(0xDC00):  # _NO_HEX is none either
        return NOT_PLAIN, np.uint64(0)
    code = np.uint64(0x10000) + ((high & np.uint64(0x3FF)) << np.uint64(10) | (low & np.uint64(0x3FF)))
    return behind + np.uintp(6), code


@borrowing_kernel
def read_escape(data: Bytes, i: np.uintp) -> tuple[np.uintp, np.uint64]:
    """The index behind the escape that begins at `i`, of both where two make a character, and the character."""
    if i + _ONE >= np.uintp(data.size):
        return NOT_PLAIN, np.uint64(0)
    byte = data[i + _ONE]
    if byte == _U:
        return _read_pair(data, i)
    code = _ESCAPED[byte]
    return i + np.uintp(2) if code else NOT_PLAIN, np.uint64(code)


@borrowing_kernel
def skip_string(data: Bytes, i: np.uintp, foreign: np.uint64) -> np.uintp:
    """The index behind the closing quote of the string whose characters begin at `i`."""
    while True:
        i = skip_characters(data, i, foreign)
        if i >= np.uintp(data.size):
            return NOT_PLAIN
        if data[i] == QUOTE:
            return i + _ONE
        if data[i] != _BACKSLASH:
            return NOT_PLAIN
        i, _ = read_escape(data, i)
        if i == NOT_PLAIN:
            return NOT_PLAIN


@borrowing_kernel
def copy_bytes(data: Bytes, begin: np.uintp, end: np.uintp, out: Bytes, o: np.uintp) -> np.uintp:
    """Copies `data[begin:end]` to `out` from `o` on, and up to `SPILL` bytes more; the index behind it there."""
    behind = o + (end - begin)
    while begin < end and begin + BLOCK <= np.uintp(data.size):
        store_block(out, o, load_block(data, begin))
        begin += BLOCK
        o += BLOCK
    while begin < end:
        out[o] = data[begin]
        begin += _ONE
        o += _ONE
    return behind


@borrowing_kernel
def _copy_characters(
    data: Bytes, i: np.uintp, foreign: np.uint64, out: Bytes, o: np.uintp
) -> tuple[np.uintp, np.uintp]:
    """As `skip_characters`, and copies what it passes to `out` from `o` on; also gives the index behind it there."""
    while i + BLOCK <= np.uintp(data.size):
        block = load_block(data, i)
        store_block(out, o, block)
        marks = _special_marks(block, foreign)
        if marks:
            num_plain = count_bytes(bytes_below(marks))
            return i + num_plain, o + num_plain
        i += BLOCK
        o += BLOCK
    behind = skip_characters(data, i, foreign)
    return behind, copy_bytes(data, i, behind, out, o)


@borrowing_kernel
def write_character(code: np.uint64, out: Bytes, o: np.uintp) -> np.uintp:
    """Writes a character as UTF-8 to `out` at `o`; the index behind it there."""
    if code < np.uint64(0x80):
        out[o] = np.uint8(code)
        return o + _ONE
    num_following = np.uintp(1) + np.uintp(code >= np.uint64(0x800)) + np.uintp(code >= np.uint64(0x10000))
    lead = np.uint64(0xF00) >> np.uint64(num_following + _ONE)  # as many ones as the character has bytes
    out[o] = np.uint8(lead & np.uint64(0xFF) | code >> np.uint64(np.uintp(6) * num_following))
    for k in range(num_following):
        shift = np.uint64(np.uintp(6) * (num_following - _ONE - np.uintp(k)))
        out[o + _ONE + np.uintp(k)] = np.uint8(np.uint64(0x80) | (code >> shift & np.uint64(0x3F)))
    return o + _ONE + num_following


@borrowing_kernel
def unescape_string(data: Bytes, i: np.uintp, foreign: np.uint64, out: Bytes, o: np.uintp) -> tuple[np.uintp, np.uintp]:
    """As `skip_string`, and writes what the string says to `out` from `o` on; also gives the index behind it there.

    Up to `SPILL` bytes more are written.
    """
    while True:
        i, o = _copy_characters(data, i, foreign, out, o)
        if i >= np.uintp(data.size):
            return NOT_PLAIN, o
        if data[i] == QUOTE:
            return i + _ONE, o
        if data[i] != _BACKSLASH:
            return NOT_PLAIN, o
        i, code = read_escape(data, i)
        if i == NOT_PLAIN:
            return NOT_PLAIN, o
        o = write_character(code, out, o)
