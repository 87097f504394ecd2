"""Fenced code in Markdown: which lines are code. Fences of backticks and of tildes, as CommonMark has them."""

from typing import Final

import numpy as np

from operators.text.units import CARRIAGE_RETURN, end_of_line
from pipeline.kernel import Bytes, kernel

SPACE: Final = np.uint8(0x20)
TAB: Final = np.uint8(0x09)
BACKTICK: Final = np.uint8(0x60)
TILDE: Final = np.uint8(0x7E)
MIN_FENCE: Final = np.uintp(3)
"""Backticks or tildes of a fence at least: CommonMark 0.31, section 4.5. Unlike there, a fence may be indented by any
white space, since fences stand in lists too."""


@kernel
def follow_fence(
    data: Bytes, begin: np.uintp, end: np.uintp, marker: np.uint8, length: np.uintp
) -> tuple[np.uint8, np.uintp, bool]:
    """Carries the state of code fences over one line: (open marker or 0, its length, whether the line is code).

    The lines of the fence itself are code too. An unclosed fence lasts to the end of the text.
    """
    inside = marker != np.uint8(0)
    i = begin
    while i < end and (data[i] == SPACE or data[i] == TAB):
        i += np.uintp(1)
    if i == end or not (data[i] == marker if inside else (data[i] == BACKTICK or data[i] == TILDE)):
        return marker, length, inside
    found = data[i]
    start = i
    while i < end and data[i] == found:
        i += np.uintp(1)
    run = i - start
    if inside:
        while i < end and (data[i] == SPACE or data[i] == TAB or data[i] == CARRIAGE_RETURN):
            i += np.uintp(1)
        if run >= length and i == end:
            return np.uint8(0), np.uintp(0), True
        return marker, length, True
    if run < MIN_FENCE:
        return marker, length, False
    if found == BACKTICK:  # ```code``` in a line opens nothing
        while i < end:
            if data[i] == BACKTICK:
                return marker, length, False
            i += np.uintp(1)
    return found, run, True


@kernel
def may_have_code(data: Bytes, begin: np.uintp, end: np.uintp) -> bool:
    """Whether there is any character that fences are made of. Without branches, so it costs next to nothing."""
    found = False
    for i in range(begin, end):
        byte = data[np.uintp(i)]
        found |= (byte == BACKTICK) | (byte == TILDE)
    return found


@kernel
def follow_fences(
    data: Bytes, begin: np.uintp, end: np.uintp, marker: np.uint8, length: np.uintp
) -> tuple[np.uint8, np.uintp, bool]:
    """Carries the state of code fences over the lines of one unit, as `follow_fence`; whether any line is code."""
    has_code = False
    line = begin
    while line < end:
        stop = end_of_line(data, line, end)
        marker, length, is_code = follow_fence(data, line, stop, marker, length)
        has_code = has_code or is_code
        line = stop + np.uintp(1)
    return marker, length, has_code
