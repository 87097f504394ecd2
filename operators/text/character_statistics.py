"""Counts of a document's characters: symbols, Unicode categories, distinct ones. Knows no threshold.

Letters are: D documents.
"""

import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from operators.text.characters import NUM_CODE_POINTS, count_characters, decode
from operators.text.line_statistics import ELLIPSIS_BYTES, three_bytes
from pipeline.byte_blocks import BLOCK, load_block, marks_of
from pipeline.kernel import Bytes, borrowing_kernel

Counts = npt.NDArray[np.int64]

HASH: Final = 0x23
FULL_STOP: Final = 0x2E
ELLIPSIS_LEAD: Final = 0xE2
"""The first byte of U+2026 in UTF-8."""
CATEGORIES: Final = ("Lu", "Nd", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po")
"""General categories of Unicode that are counted, in the order of the fields of CategoryCounts."""


class SymbolCounts(NamedTuple):
    """(D,) each."""

    num_chars: Counts
    num_hashes: Counts
    num_ellipses: Counts
    """`...`, without overlaps, and U+2026."""


class CategoryCounts(NamedTuple):
    """Characters by general category of Unicode, (D,) each."""

    num_uppercase_letters: Counts  # Lu
    num_digits: Counts  # Nd
    num_connector_punctuation: Counts  # Pc
    num_dash_punctuation: Counts  # Pd
    num_open_punctuation: Counts  # Ps
    num_close_punctuation: Counts  # Pe
    num_initial_punctuation: Counts  # Pi
    num_final_punctuation: Counts  # Pf
    num_other_punctuation: Counts  # Po


@lru_cache(maxsize=1)
def character_categories() -> Bytes:
    """The place of every code point's category in CATEGORIES, len(CATEGORIES) for others. Shared: read it only."""
    places = {category: place for place, category in enumerate(CATEGORIES)}
    found = (places.get(unicodedata.category(chr(code)), len(CATEGORIES)) for code in range(NUM_CODE_POINTS))
    categories = np.fromiter(found, np.uint8, NUM_CODE_POINTS)
    categories.flags.writeable = False
    return categories


@borrowing_kernel
def count_hashes(data: Bytes, begin: np.uintp, end: np.uintp) -> np.int64:
    """How many hash signs there are."""
    num_hashes = np.int64(0)
    for i in range(begin, end):
        num_hashes += np.int64(data[np.uintp(i)] == np.uint8(HASH))
    return num_hashes


@borrowing_kernel
def count_ellipses(data: Bytes, begin: np.uintp, end: np.uintp) -> np.int64:
    """How often `...`, without overlaps, and U+2026 occur."""
    num_ellipses = np.int64(0)
    run = np.uint32(0)  # full stops in a row
    i = begin
    while i < end:
        if i + BLOCK <= end:
            block = load_block(data, i)
            found = marks_of(block, np.uint64(FULL_STOP)) | marks_of(block, np.uint64(ELLIPSIS_LEAD))
            if found == np.uint64(0):
                run = np.uint32(0)
                i += BLOCK
                continue
        for k in range(i, min(i + BLOCK, end)):
            byte = data[np.uintp(k)]
            run = (run + np.uint32(1)) * np.uint32(byte == np.uint8(FULL_STOP))
            if run == np.uint32(3):
                num_ellipses += np.int64(1)
                run = np.uint32(0)
            elif byte == np.uint8(ELLIPSIS_LEAD):
                num_ellipses += np.int64(three_bytes(data, np.uintp(k), end) == np.uint32(ELLIPSIS_BYTES))
        i = min(i + BLOCK, end)
    return num_ellipses


@borrowing_kernel
def count_symbols(data: Bytes, begin: np.uintp, end: np.uintp, d: np.uintp, counts: SymbolCounts) -> None:
    """Counts characters, hash signs and ellipses of document `d`."""
    counts.num_chars[d] = count_characters(data, begin, end)
    counts.num_hashes[d] = count_hashes(data, begin, end)
    counts.num_ellipses[d] = count_ellipses(data, begin, end)


@borrowing_kernel
def count_categories(
    data: Bytes,
    begin: np.uintp,
    end: np.uintp,
    categories: Bytes,
    by_category: Counts,
    d: np.uintp,
    counts: CategoryCounts,
) -> None:
    """Counts the characters of document `d` by category; `by_category` is scratch, one longer than CATEGORIES."""
    by_category[:] = 0
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        by_category[np.uintp(categories[code_point])] += np.int64(1)
        i += width
    counts.num_uppercase_letters[d] = by_category[0]
    counts.num_digits[d] = by_category[1]
    counts.num_connector_punctuation[d] = by_category[2]
    counts.num_dash_punctuation[d] = by_category[3]
    counts.num_open_punctuation[d] = by_category[4]
    counts.num_close_punctuation[d] = by_category[5]
    counts.num_initial_punctuation[d] = by_category[6]
    counts.num_final_punctuation[d] = by_category[7]
    counts.num_other_punctuation[d] = by_category[8]


@borrowing_kernel
def count_unique_characters(data: Bytes, begin: np.uintp, end: np.uintp, d: np.uintp, last_seen: Counts) -> np.int64:
    """How many different characters document `d` has.

    `last_seen` says of every code point in which document it was seen last, counted from 1; 0 in none.
    """
    num_unique = np.int64(0)
    ordinal = np.int64(d) + np.int64(1)
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        num_unique += np.int64(last_seen[code_point] != ordinal)
        last_seen[code_point] = ordinal
        i += width
    return num_unique
