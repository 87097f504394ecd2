"""Which lines of a document belong to a page's interface: menus, breadcrumbs, addresses, notices, repeated lines.

Letters are: D documents, L lines of a document, I intervals of neighbouring lines that go for one reason.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.prox.line_features import (
    BLANK,
    BREADCRUMBS,
    INTERFACE,
    LINE_FEED,
    LINK,
    MAX_NOTICE_BYTES,
    MENU_WORD,
    NOTICE,
    PROSE,
    REPEATABLE,
    URL,
    Features,
    Hashes,
    Tables,
    read_lines,
)
from operators.text.characters import document_text
from operators.text.key_table import KeyTable, count_key, empty_table, find_slot, key_table_for
from pipeline.kernel import Bytes, Offsets, kernel

REASONS: Final = ("url", "breadcrumbs", "interface", "notice", "menu", "repeated")
"""Why a line goes, as codes from 1; the first that holds counts."""
URL_LINE: Final = 1
BREADCRUMB_LINE: Final = 2
INTERFACE_LINE: Final = 3
NOTICE_LINE: Final = 4
MENU_LINE: Final = 5
REPEATED_LINE: Final = 6

# Limits of our own; benchmarks/results/prox_rules.md has what they find and what they cost.
MIN_MENU_LINES: Final = 4
MIN_HEAD_LINES: Final = 5
HEADING_LINES: Final = 2
"""Lines of a menu before the first prose that stay: the title may be among them."""
MIN_MENU_WORDS: Final = 2
MIN_MENU_WORD_FRACTION: Final = 0.15
"""Evidence that a run of short lines between prose needs; before the first and behind the last, one line will do."""
MIN_REPEATS: Final = 3

SEEN: Final = np.uint32(1 << 31)

Reasons = npt.NDArray[np.uint8]
Lines = npt.NDArray[np.uint32]


class Scratch(NamedTuple):
    """Memory for the document that has most lines."""

    features: Features  # (L,)
    hashes: Hashes  # (L,)
    reasons: Reasons  # (L,)
    lowered: Bytes
    table: KeyTable


class Intervals(NamedTuple):
    """Lines that go, in order: those of document d are `num_before[d]` to `num_before[d + 1]`."""

    first_lines: Lines  # (I,)
    last_lines: Lines  # (I,) included
    reasons: Reasons  # (I,)
    num_before: npt.NDArray[np.int64]  # (D + 1,)
    num_lines: npt.NDArray[np.int64]  # (D,) of the whole document


@kernel
def _mark_lines(features: Features, num_lines: np.uintp, reasons: Reasons) -> tuple[np.int64, np.int64]:
    """Writes the reasons that a line has by itself; returns the first and the last line of prose, -1 where none is."""
    first_prose = last_prose = np.int64(-1)
    for k in range(num_lines):
        found = np.int64(features[np.uintp(k)])
        reason = 0
        if found & URL:
            reason = URL_LINE
        elif found & BREADCRUMBS:
            reason = BREADCRUMB_LINE
        elif found & NOTICE:
            reason = NOTICE_LINE
        elif found & INTERFACE:
            reason = INTERFACE_LINE
        reasons[np.uintp(k)] = np.uint8(reason)
        if found & PROSE:
            last_prose = np.int64(k)
            if first_prose < 0:
                first_prose = last_prose
    return first_prose, last_prose


@kernel
def _is_menu(num_links: np.int64, num_menu_words: np.int64, is_head: bool, is_tail: bool) -> bool:
    """Whether so many short lines, of which so many are words of menus, are a menu."""
    if is_head and num_links >= MIN_HEAD_LINES and num_menu_words >= 1:
        return True
    if num_links < MIN_MENU_LINES or num_menu_words < 1:
        return False
    return is_tail or bool(
        num_menu_words >= MIN_MENU_WORDS
        and np.float64(num_menu_words) >= MIN_MENU_WORD_FRACTION * np.float64(num_links)
    )


@kernel
def _mark_menus(
    features: Features, num_lines: np.int64, first_prose: np.int64, last_prose: np.int64, reasons: Reasons
) -> None:
    """Finds runs of lines that look like links, blank lines between them aside, and marks those that are menus."""
    i = np.int64(0)
    while i < num_lines:
        num_links = num_menu_words = np.int64(0)
        j = i
        while j < num_lines and np.int64(features[np.uintp(j)]) & (LINK | BLANK):
            num_links += np.int64(np.int64(features[np.uintp(j)]) & LINK != 0)
            num_menu_words += np.int64(np.int64(features[np.uintp(j)]) & (LINK | MENU_WORD) == LINK | MENU_WORD)
            j += 1
        is_head = bool(j <= first_prose)
        if _is_menu(num_links, num_menu_words, is_head, bool(i > last_prose)):
            num_left = num_links
            num_spared = HEADING_LINES if is_head and j >= first_prose - 1 else 0
            for k in range(i, j):
                if np.int64(features[np.uintp(k)]) & LINK:
                    if num_left > num_spared and reasons[np.uintp(k)] == 0:
                        reasons[np.uintp(k)] = np.uint8(MENU_LINE)
                    num_left -= 1
        i = j + 1


@kernel
def _mark_repeated(features: Features, num_lines: np.uintp, scratch: Scratch) -> None:
    """Marks all but the first of lines that stand there several times."""
    table = scratch.table
    mask, stamp = empty_table(num_lines, table)
    for k in range(num_lines):
        if np.int64(features[np.uintp(k)]) & REPEATABLE:
            count_key(scratch.hashes[np.uintp(k)], mask, stamp, table)
    for k in range(num_lines):
        if np.int64(features[np.uintp(k)]) & REPEATABLE:
            slot = find_slot(scratch.hashes[np.uintp(k)], mask, stamp, table)
            if table.counts[slot] & SEEN:
                if scratch.reasons[np.uintp(k)] == 0:
                    scratch.reasons[np.uintp(k)] = np.uint8(REPEATED_LINE)
            elif table.counts[slot] >= np.uint32(MIN_REPEATS):
                table.counts[slot] |= SEEN


@kernel
def _put_intervals(
    features: Features, num_lines: np.uintp, reasons: Reasons, intervals: Intervals, at: np.uintp
) -> np.uintp:
    """Writes the lines that go from slot `at` on; returns the next slot. Blank lines between two that go, go too."""
    begin = at
    for k in range(num_lines):
        i = np.uintp(k)
        if reasons[i] == 0:
            continue
        extends = False
        if at > begin and intervals.reasons[at - np.uintp(1)] == reasons[i]:
            extends = True
            for between in range(intervals.last_lines[at - np.uintp(1)] + np.uint32(1), k):
                extends = extends and np.int64(features[np.uintp(between)]) & BLANK != 0
        if not extends:
            intervals.first_lines[at] = np.uint32(k)
            intervals.reasons[at] = reasons[i]
            at += np.uintp(1)
        intervals.last_lines[at - np.uintp(1)] = np.uint32(k)
    return at


@kernel
def _find(data: Bytes, offsets: Offsets, tables: Tables, scratch: Scratch, intervals: Intervals) -> None:
    at = np.uintp(0)
    for document in range(offsets.shape[0] - 1):
        d = np.uintp(document)
        begin, end = np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)])
        features, reasons = scratch.features, scratch.reasons
        num_lines = read_lines(data, begin, end, tables, scratch.lowered, features, scratch.hashes)
        first_prose, last_prose = _mark_lines(features, num_lines, reasons)
        if first_prose >= 0:
            _mark_menus(features, np.int64(num_lines), first_prose, last_prose, reasons)
            _mark_repeated(features, num_lines, scratch)
            at = _put_intervals(features, num_lines, reasons, intervals, at)
        intervals.num_lines[d] = np.int64(num_lines)
        intervals.num_before[d + np.uintp(1)] = np.int64(at)


@kernel
def _count_lines(data: Bytes, offsets: Offsets, num_lines: npt.NDArray[np.int64]) -> None:
    for document in range(offsets.shape[0] - 1):
        d = np.uintp(document)
        num_lines[d] = np.int64(1)
        for i in range(np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)])):
            num_lines[d] += np.int64(data[np.uintp(i)] == np.uint8(LINE_FEED))


def find_interface_lines(texts: pa.Array, tables: Tables) -> Intervals:
    """The lines of each text that belong to a page's interface. A text without prose has none."""
    data, offsets = document_text(texts)
    num_lines = np.zeros(len(texts), np.int64)
    _count_lines(data, offsets, num_lines)
    most, total = int(num_lines.max(initial=1)), int(num_lines.sum())
    scratch = Scratch(
        np.empty(most, np.uint16),
        np.empty(most, np.uint64),
        np.empty(most, np.uint8),
        np.empty(MAX_NOTICE_BYTES, np.uint8),
        key_table_for(most),
    )
    intervals = Intervals(
        np.empty(total, np.uint32),
        np.empty(total, np.uint32),
        np.empty(total, np.uint8),
        np.zeros(len(texts) + 1, np.int64),
        num_lines,
    )
    _find(data, offsets, tables, scratch, intervals)
    return intervals
