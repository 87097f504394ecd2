"""What operators that edit lines share: where lines end, questions about their words, and copying."""

import numpy as np

from operators.text.characters import WHITESPACE, Classes, decode
from operators.text.line_statistics import line_break_width
from pipeline.kernel import Bytes, borrowing_kernel


@borrowing_kernel
def end_of_any_line(data: Bytes, begin: np.uintp, end: np.uintp) -> tuple[np.uintp, np.uintp]:
    """Where the line at `begin` ends, as `str.splitlines` says, and where the next one begins."""
    i = begin
    while i < end:
        byte = data[i]
        if byte < np.uint8(0x20) or byte == np.uint8(0xC2) or byte == np.uint8(0xE2):
            width = line_break_width(data, i, end)
            if width > np.uintp(0):
                return i, i + width
        i += np.uintp(1)
    return end, end


@borrowing_kernel
def has_long_word(data: Bytes, begin: np.uintp, end: np.uintp, max_chars: np.int64, classes: Classes) -> bool:
    """Whether a word between whitespace has more characters than `max_chars`."""
    num_chars = np.int64(0)
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        i += width
        if classes[code_point] & np.uint8(WHITESPACE):
            num_chars = np.int64(0)
        else:
            num_chars += np.int64(1)
            if num_chars > max_chars:
                return True
    return False


@borrowing_kernel
def has_words(data: Bytes, begin: np.uintp, end: np.uintp, min_words: np.uintp, classes: Classes) -> bool:
    """Whether there are at least `min_words` words between whitespace. Reads no further than it must."""
    num_words = np.uintp(0)
    in_word = False
    i = begin
    while i < end and num_words < min_words:
        code_point, width = decode(data, i)
        is_space = classes[code_point] & np.uint8(WHITESPACE) != 0
        if not is_space and not in_word:
            num_words += np.uintp(1)
        in_word = not is_space
        i += width
    return bool(num_words >= min_words)


@borrowing_kernel
def copy_bytes(data: Bytes, begin: np.uintp, end: np.uintp, out: Bytes, at: np.uintp) -> np.uintp:
    """Copies to `out[at:]`; returns where the copy ends."""
    for k in range(end - begin):
        out[at + np.uintp(k)] = data[begin + np.uintp(k)]
    return at + (end - begin)
