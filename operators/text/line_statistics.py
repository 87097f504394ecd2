"""Counts of a document's lines as `str.splitlines()` cuts them: how many begin with a bullet or end in an ellipsis.

Knows no threshold. Letters are: D documents.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from operators.text.characters import Classes, skip_whitespace, skip_whitespace_back
from pipeline.byte_blocks import BLOCK, break_marks, bytes_below, count_bytes, load_block
from pipeline.kernel import Bytes, borrowing_kernel, inline_kernel

Counts = npt.NDArray[np.int64]

HYPHEN: Final = 0x2D
THREE_FULL_STOPS: Final = 0x2E2E2E
ELLIPSIS_BYTES: Final = 0xE280A6
"""U+2026 in UTF-8."""
BULLET_BYTES: Final = 0xE280A2
"""U+2022 in UTF-8."""


class LineCounts(NamedTuple):
    """(D,) each."""

    num_lines: Counts
    num_bullet_lines: Counts
    """Lines whose first character after whitespace is `-` or U+2022."""
    num_ellipsis_lines: Counts
    """Lines that end in an ellipsis before whitespace."""


@inline_kernel
def three_bytes(data: Bytes, i: np.uintp, end: np.uintp) -> np.uint32:
    """The three bytes from `i` as one number; 0 where fewer are left."""
    if i + np.uintp(2) >= end:
        return np.uint32(0)
    return (
        (np.uint32(data[i]) << np.uint32(16))
        | (np.uint32(data[i + np.uintp(1)]) << np.uint32(8))
        | np.uint32(data[i + np.uintp(2)])
    )


@borrowing_kernel
def line_break_width(data: Bytes, i: np.uintp, end: np.uintp) -> np.uintp:
    """Bytes of the line break that begins at `i`, 0 where there is none; CR LF is one break."""
    byte = data[i]
    if byte == np.uint8(0x0D) and i + np.uintp(1) < end and data[i + np.uintp(1)] == np.uint8(0x0A):
        return np.uintp(2)
    if np.uint8(0x0A) <= byte <= np.uint8(0x0D) or np.uint8(0x1C) <= byte <= np.uint8(0x1E):
        return np.uintp(1)
    if byte == np.uint8(0xC2) and data[i + np.uintp(1)] == np.uint8(0x85):  # U+0085, next line
        return np.uintp(2)
    if byte == np.uint8(0xE2) and data[i + np.uintp(1)] == np.uint8(0x80):  # U+2028 and U+2029, separators
        last = data[i + np.uintp(2)]
        return np.uintp(3) if last == np.uint8(0xA8) or last == np.uint8(0xA9) else np.uintp(0)
    return np.uintp(0)


@borrowing_kernel
def begins_with_bullet(data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes) -> bool:
    """Whether a hyphen or U+2022 is the first character of a line after whitespace."""
    i = skip_whitespace(data, begin, end, classes)
    return bool(i < end and (data[i] == np.uint8(HYPHEN) or three_bytes(data, i, end) == np.uint32(BULLET_BYTES)))


@borrowing_kernel
def ends_with_ellipsis(data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes) -> bool:
    """Whether three full stops or U+2026 are the last of a line before whitespace."""
    i = skip_whitespace_back(data, begin, end, classes)
    if i - begin < np.uintp(3):
        return False
    last = three_bytes(data, i - np.uintp(3), i)
    return bool(last == np.uint32(ELLIPSIS_BYTES) or last == np.uint32(THREE_FULL_STOPS))


@borrowing_kernel
def next_line_break(data: Bytes, begin: np.uintp, end: np.uintp) -> tuple[np.uintp, np.uintp]:
    """Where the first line break from `begin` on begins and ends; `end` twice where there is none."""
    i = begin
    while i < end:
        if i + BLOCK <= end:
            marks = break_marks(load_block(data, i))
            if marks == np.uint64(0):
                i += BLOCK
                continue
            i += count_bytes(bytes_below(marks))
        width = line_break_width(data, i, end)
        if width > np.uintp(0):
            return i, i + width
        i += np.uintp(1)
    return end, end


@borrowing_kernel
def count_lines(data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes, d: np.uintp, counts: LineCounts) -> None:
    """Counts the lines of document `d`. Empty lines count; nothing after the last break is no line."""
    num_lines = np.int64(0)
    num_bullets = np.int64(0)
    num_ellipses = np.int64(0)
    line = begin
    while line < end:
        stop, after = next_line_break(data, line, end)
        num_lines += np.int64(1)
        num_bullets += np.int64(begins_with_bullet(data, line, stop, classes))
        num_ellipses += np.int64(ends_with_ellipsis(data, line, stop, classes))
        line = after
    counts.num_lines[d] = num_lines
    counts.num_bullet_lines[d] = num_bullets
    counts.num_ellipsis_lines[d] = num_ellipses
