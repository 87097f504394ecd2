"""Kernels that pass over JSON values as RFC 8259 has them, and say of what kind they are.

They know plain values alone: what is broken, unusual or nested deeply is `NOT_PLAIN`, and somebody else's to judge. No
plain value holds a newline, so kernels never leave the line that they are in.
"""

from typing import Final

import numpy as np

from pipeline.byte_blocks import load_part
from pipeline.io.json_strings import NOT_PLAIN, QUOTE, skip_string
from pipeline.kernel import Bytes, borrowing_kernel

NULL: Final = np.uint8(1)
STRING: Final = np.uint8(2)
INTEGER: Final = np.uint8(4)
"""Of at most 18 digits, so that it is an int64; and no -0, so that it has one spelling."""
NUMBER: Final = np.uint8(8)
"""Another number that surely is a float64: a short one, and no power of ten beyond 99."""
BOOLEAN: Final = np.uint8(16)
OTHER: Final = np.uint8(32)
"""Objects, arrays, and numbers that may be beyond float64."""

MAX_DEPTH: Final = 64
"""Whether each of the open values is an object stands in one bit of a number."""
_MAX_INTEGER_DIGITS: Final = np.uintp(18)
_MAX_NUMBER_BYTES: Final = np.uintp(32)
_MAX_EXPONENT_DIGITS: Final = np.uintp(2)

OPEN_OBJECT: Final = np.uint8(ord("{"))
CLOSE_OBJECT: Final = np.uint8(ord("}"))
OPEN_ARRAY: Final = np.uint8(ord("["))
CLOSE_ARRAY: Final = np.uint8(ord("]"))
COLON: Final = np.uint8(ord(":"))
COMMA: Final = np.uint8(ord(","))
_MINUS: Final = np.uint8(ord("-"))
_PLUS: Final = np.uint8(ord("+"))
_POINT: Final = np.uint8(ord("."))
_ZERO: Final = np.uint8(ord("0"))
_LOWER_CASE: Final = np.uint8(0x20)
_E: Final = np.uint8(ord("e"))
_F: Final = np.uint8(ord("f"))
_N: Final = np.uint8(ord("n"))
_T: Final = np.uint8(ord("t"))
_NULL_WORD: Final = np.uint64(int.from_bytes(b"null", "little"))
_TRUE_WORD: Final = np.uint64(int.from_bytes(b"true", "little"))
_FALSE_WORD: Final = np.uint64(int.from_bytes(b"false", "little"))
_ONE: Final = np.uintp(1)


@borrowing_kernel
def skip_spaces(data: Bytes, i: np.uintp) -> np.uintp:
    """The next byte from `i` on that is no space within a line, or the end of the data."""
    while i < np.uintp(data.size) and (data[i] == np.uint8(0x20) or data[i] == np.uint8(9) or data[i] == np.uint8(13)):
        i += _ONE
    return i


@borrowing_kernel
def _skip_digits(data: Bytes, i: np.uintp) -> np.uintp:
    while i < np.uintp(data.size) and np.uint8(data[i] - _ZERO) < np.uint8(10):
        i += _ONE
    return i


@borrowing_kernel
def _is_at(data: Bytes, i: np.uintp, byte: np.uint8) -> bool:
    return bool(i < np.uintp(data.size) and data[i] == byte)


@borrowing_kernel
def skip_number(data: Bytes, i: np.uintp) -> tuple[np.uintp, np.uint8]:
    """The index behind the number at `i`, and its kind."""
    begin = i
    is_negative = _is_at(data, i, _MINUS)
    i += np.uintp(is_negative)
    first = i
    i = _skip_digits(data, i)
    num_digits = i - first
    is_zero = _is_at(data, first, _ZERO)
    if num_digits == np.uintp(0) or (is_zero and num_digits > _ONE):
        return NOT_PLAIN, OTHER
    kind = INTEGER
    if num_digits > _MAX_INTEGER_DIGITS or (is_negative and is_zero):
        kind = NUMBER
    if _is_at(data, i, _POINT):
        fraction = i + _ONE
        i = _skip_digits(data, fraction)
        kind = NUMBER
        if i == fraction:
            return NOT_PLAIN, OTHER
    if i < np.uintp(data.size) and data[i] | _LOWER_CASE == _E:
        i += _ONE
        if i < np.uintp(data.size) and data[i] in (_PLUS, _MINUS):
            i += _ONE
        exponent = i
        i = _skip_digits(data, exponent)
        kind = NUMBER
        if i == exponent:
            return NOT_PLAIN, OTHER
        if i - exponent > _MAX_EXPONENT_DIGITS:
            kind = OTHER
    if i - begin > _MAX_NUMBER_BYTES:
        kind = OTHER
    return i, kind


@borrowing_kernel
def _skip_word(data: Bytes, i: np.uintp, word: np.uint64, num_bytes: np.uintp) -> np.uintp:
    """The index behind `word`, if it stands at `i`."""
    behind = i + num_bytes
    is_there = behind <= np.uintp(data.size) and load_part(data, i, behind) == word
    return behind if is_there else NOT_PLAIN


@borrowing_kernel
def _skip_scalar(data: Bytes, i: np.uintp, foreign: np.uint64) -> tuple[np.uintp, np.uint8]:
    """As `skip_value`, for a value that is neither object nor array."""
    byte = data[i]
    if byte == QUOTE:
        return skip_string(data, i + _ONE, foreign), STRING
    if byte == _N:
        return _skip_word(data, i, _NULL_WORD, np.uintp(4)), NULL
    if byte == _T:
        return _skip_word(data, i, _TRUE_WORD, np.uintp(4)), BOOLEAN
    if byte == _F:
        return _skip_word(data, i, _FALSE_WORD, np.uintp(5)), BOOLEAN
    return skip_number(data, i)


@borrowing_kernel
def skip_name(data: Bytes, i: np.uintp, foreign: np.uint64) -> np.uintp:
    """The index of the value of the member whose name begins at `i`; `NOT_PLAIN` where no name does."""
    if not _is_at(data, i, QUOTE):
        return NOT_PLAIN
    i = skip_string(data, i + _ONE, foreign)
    if i == NOT_PLAIN:
        return NOT_PLAIN
    i = skip_spaces(data, i)
    if not _is_at(data, i, COLON):
        return NOT_PLAIN
    return skip_spaces(data, i + _ONE)


@borrowing_kernel
def _closing(opened: np.uint64) -> np.uint8:
    """The bracket that closes the innermost of the open values."""
    return CLOSE_OBJECT if opened & np.uint64(1) else CLOSE_ARRAY


@borrowing_kernel
def _begin_item(data: Bytes, i: np.uintp, opened: np.uint64, foreign: np.uint64) -> np.uintp:
    """The index of the next value in the innermost of the open ones, behind its name in an object."""
    i = skip_spaces(data, i)
    return skip_name(data, i, foreign) if opened & np.uint64(1) else i


@borrowing_kernel
def _skip_nested(data: Bytes, i: np.uintp, foreign: np.uint64) -> np.uintp:
    """The index behind the object or array at `i`."""
    opened = np.uint64(0)  # a bit for each value that is open, the innermost lowest: 1 for an object
    depth = 0
    while i != NOT_PLAIN and i < np.uintp(data.size):
        if data[i] in (OPEN_OBJECT, OPEN_ARRAY):
            if depth == MAX_DEPTH:
                return NOT_PLAIN
            depth += 1
            opened = opened << np.uint64(1) | np.uint64(data[i] == OPEN_OBJECT)
            i = skip_spaces(data, i + _ONE)
            if not _is_at(data, i, _closing(opened)):
                i = _begin_item(data, i, opened, foreign)
                continue
        else:
            i, _ = _skip_scalar(data, i, foreign)
            if i == NOT_PLAIN:
                return NOT_PLAIN
            i = skip_spaces(data, i)
        while _is_at(data, i, _closing(opened)):
            opened >>= np.uint64(1)
            depth -= 1
            if depth == 0:
                return i + _ONE
            i = skip_spaces(data, i + _ONE)
        i = _begin_item(data, i + _ONE, opened, foreign) if _is_at(data, i, COMMA) else NOT_PLAIN
    return NOT_PLAIN


@borrowing_kernel
def skip_value(data: Bytes, i: np.uintp, foreign: np.uint64) -> tuple[np.uintp, np.uint8]:
    """The index behind the value that begins at `i`, or `NOT_PLAIN`; and its kind."""
    if i >= np.uintp(data.size):
        return NOT_PLAIN, OTHER
    if data[i] in (OPEN_OBJECT, OPEN_ARRAY):
        return _skip_nested(data, i, foreign), OTHER
    return _skip_scalar(data, i, foreign)
