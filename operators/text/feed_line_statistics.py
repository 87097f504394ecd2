r"""Counts of a document's lines between line feeds, in one pass: short ones, ended ones, and those that repeat.

Rules disagree about which of the pieces between line feeds are lines, and all of them are counted here:

    feed lines   every piece, the empty ones too: `str.split("\n")`
    run lines    what stands between runs of line feeds: no empty piece but at the start and end of the text
    text lines   the pieces that hold something but whitespace

Lines are compared by 64-bit hashes: different ones of a document count as equal with a chance of about 2**-64 a pair.
Knows no threshold. Letters are: D documents.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from operators.text.characters import TERMINAL, Classes, decode, skip_whitespace
from operators.text.key_table import KeyTable, count_key, empty_table
from operators.text.line_statistics import ELLIPSIS_BYTES, HYPHEN, three_bytes
from pipeline.byte_blocks import (
    BLOCK,
    bytes_below,
    count_bytes,
    count_continuations,
    load_block,
    load_rest,
    marks_of,
)
from pipeline.hashing import WORD_MULTIPLIER
from pipeline.kernel import Bytes, borrowing_kernel

Counts = npt.NDArray[np.int64]

NEWLINE: Final = 0x0A
ASTERISK: Final = 0x2A


class FeedLineCounts(NamedTuple):
    """(D,) each."""

    num_newlines: Counts
    """Line feeds; there is one feed line more."""
    num_starred_feed_lines: Counts
    """Feed lines that begin with `*` or `-`."""
    num_ellipsis_feed_lines: Counts
    """Feed lines that end in U+2026."""
    num_repeated_feed_lines: Counts
    """Feed lines that occur more than once, each occurrence."""
    repeated_feed_line_chars: Counts
    num_run_lines: Counts
    num_duplicate_run_lines: Counts
    """Run lines that an earlier one equals."""
    duplicate_run_line_chars: Counts
    num_text_lines: Counts
    num_terminal_text_lines: Counts
    """Text lines whose last character is of the class TERMINAL."""
    num_short_text_lines: Counts
    duplicate_text_line_chars: Counts
    """Characters of text lines that an earlier one equals."""


@borrowing_kernel
def count_newlines(data: Bytes, begin: np.uintp, end: np.uintp) -> np.uintp:
    """How many line feeds there are."""
    num_newlines = np.uintp(0)
    for i in range(begin, end):
        num_newlines += np.uintp(data[np.uintp(i)] == np.uint8(NEWLINE))
    return num_newlines


@borrowing_kernel
def hash_line(data: Bytes, begin: np.uintp, end: np.uintp) -> tuple[np.uintp, np.uint64, np.int64]:
    """The line that begins at `begin`: where its line feed is, or `end`; its hash; its characters."""
    line_hash = np.uint64(0)
    num_continuations = np.int64(0)
    i = begin
    while True:
        left = end - i
        block = load_block(data, i) if left >= BLOCK else load_rest(data, i, end)
        marks = marks_of(block, np.uint64(NEWLINE))
        length = min(left, BLOCK)
        if marks != np.uint64(0):
            mask = bytes_below(marks)
            length = count_bytes(mask)  # zeros of a part are no line feeds
            block &= mask
        num_continuations += count_continuations(block)
        if length > np.uintp(0):  # a line feed just behind a block adds nothing, as the end of the text does not
            # a product alone would leave differences in the last byte to few bits
            line_hash = (line_hash ^ block) * WORD_MULTIPLIER
            line_hash ^= line_hash >> np.uint64(32)
        i += length
        if length < BLOCK or i == end:
            break
    num_bytes = np.int64(i - begin)
    # blocks end in zeros where a line does, so its length tells it from one that goes on with zeros
    return i, (line_hash + np.uint64(num_bytes)) * WORD_MULTIPLIER, num_bytes - num_continuations


@borrowing_kernel
def ends_with_terminal(data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes) -> bool:
    """Whether the last character of a line, which is not empty, is of the class TERMINAL."""
    last = end - np.uintp(1)
    while last > begin and (data[last] & np.uint8(0xC0)) == np.uint8(0x80):
        last -= np.uintp(1)
    code_point, _ = decode(data, last)
    return bool(classes[code_point] & np.uint8(TERMINAL))


@borrowing_kernel
def ends_with_ellipsis_character(data: Bytes, begin: np.uintp, end: np.uintp) -> bool:
    """Whether U+2026 is the last character of a line."""
    if end - begin < np.uintp(3):
        return False
    return bool(three_bytes(data, end - np.uintp(3), end) == np.uint32(ELLIPSIS_BYTES))


@borrowing_kernel
def count_feed_lines(
    data: Bytes,
    begin: np.uintp,
    end: np.uintp,
    classes: Classes,
    short_line_chars: np.int64,
    table: KeyTable,
    d: np.uintp,
    counts: FeedLineCounts,
) -> None:
    """Counts the lines of document `d`."""
    num_newlines = count_newlines(data, begin, end)
    mask, stamp = empty_table(min(num_newlines + np.uintp(1), (end - begin) // np.uintp(2) + np.uintp(1)), table)
    # sums are local: an array that is taken out of a tuple costs an atomic operation each time
    num_filled, num_starred, num_elliptic = np.int64(0), np.int64(0), np.int64(0)
    num_repeated, repeated_chars = np.int64(0), np.int64(0)
    num_duplicate, duplicate_chars = np.int64(0), np.int64(0)
    num_text, num_terminal, num_short, duplicate_text_chars = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    line = begin
    while line < end:
        stop, line_hash, num_chars = hash_line(data, line, end)
        if stop > line:
            slot = count_key(line_hash, mask, stamp, table)
            times = np.int64(table.counts[slot]) - np.int64(1)  # how often it came before
            is_duplicate = np.int64(times > np.int64(0))
            # the second occurrence tells that the first repeats too
            num_occurrences = is_duplicate + np.int64(times == np.int64(1))
            num_filled += np.int64(1)
            num_duplicate += is_duplicate
            duplicate_chars += is_duplicate * num_chars
            num_repeated += num_occurrences
            repeated_chars += num_occurrences * num_chars
            num_starred += np.int64(data[line] == np.uint8(ASTERISK) or data[line] == np.uint8(HYPHEN))
            num_elliptic += np.int64(ends_with_ellipsis_character(data, line, stop))
            is_text = np.int64(skip_whitespace(data, line, stop, classes) < stop)
            num_text += is_text
            num_terminal += is_text * np.int64(ends_with_terminal(data, line, stop, classes))
            num_short += is_text * np.int64(num_chars <= short_line_chars)
            duplicate_text_chars += is_text * is_duplicate * num_chars
        line = stop + np.uintp(1)
    num_empty = np.int64(num_newlines) + np.int64(1) - num_filled
    # a run of line feeds leaves an empty piece before it at the start of the text, behind it at the end
    begins_empty = np.int64(begin == end or data[begin] == np.uint8(NEWLINE))
    ends_empty = np.int64(begin < end and data[end - np.uintp(1)] == np.uint8(NEWLINE))
    counts.num_newlines[d] = np.int64(num_newlines)
    counts.num_starred_feed_lines[d] = num_starred
    counts.num_ellipsis_feed_lines[d] = num_elliptic
    counts.num_repeated_feed_lines[d] = num_repeated + num_empty * np.int64(num_empty > np.int64(1))
    counts.repeated_feed_line_chars[d] = repeated_chars
    counts.num_run_lines[d] = num_filled + begins_empty + ends_empty
    counts.num_duplicate_run_lines[d] = num_duplicate + begins_empty * ends_empty
    counts.duplicate_run_line_chars[d] = duplicate_chars
    counts.num_text_lines[d] = num_text
    counts.num_terminal_text_lines[d] = num_terminal
    counts.num_short_text_lines[d] = num_short
    counts.duplicate_text_line_chars[d] = duplicate_text_chars
