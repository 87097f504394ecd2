"""Counts of a document's paragraphs that repeat: what stands between runs of two or more line feeds.

Paragraphs are compared by 64-bit hashes: different ones of a document count as equal with a chance of about 2**-64 a
pair. Knows no threshold. Letters are: D documents.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from operators.text.characters import Classes, skip_whitespace, skip_whitespace_back
from operators.text.feed_line_statistics import NEWLINE, hash_line
from operators.text.key_table import KeyTable, add_key, empty_table
from pipeline.hashing import WORD_MULTIPLIER
from pipeline.kernel import Bytes, borrowing_kernel

Counts = npt.NDArray[np.int64]


class ParagraphCounts(NamedTuple):
    """(D,) each; of the text without the whitespace around it."""

    num_paragraphs: Counts
    num_duplicate_paragraphs: Counts
    """Paragraphs that an earlier one equals."""
    duplicate_paragraph_chars: Counts


@borrowing_kernel
def count_breaks(data: Bytes, begin: np.uintp, end: np.uintp) -> np.uintp:
    """How many line feeds follow a line feed: no fewer than there are breaks between paragraphs."""
    num_breaks = np.uintp(0)
    if begin == end:  # the range below would wrap around
        return num_breaks
    for i in range(begin, end - np.uintp(1)):
        is_feed = data[np.uintp(i)] == np.uint8(NEWLINE)
        num_breaks += np.uintp(is_feed & (data[np.uintp(i) + np.uintp(1)] == np.uint8(NEWLINE)))
    return num_breaks


@borrowing_kernel
def count_paragraphs(
    data: Bytes,
    begin: np.uintp,
    end: np.uintp,
    classes: Classes,
    table: KeyTable,
    d: np.uintp,
    counts: ParagraphCounts,
) -> None:
    """Counts the paragraphs of document `d`, of which nothing is counted yet."""
    i = skip_whitespace(data, begin, end, classes)
    last = skip_whitespace_back(data, i, end, classes)
    max_paragraphs = min(count_breaks(data, i, last), (last - i) // np.uintp(3)) + np.uintp(1)
    mask, stamp = empty_table(max_paragraphs, table)
    paragraph_hash = np.uint64(0)
    num_chars = np.int64(0)
    while True:
        i, line_hash, line_chars = hash_line(data, i, last)
        paragraph_hash = (paragraph_hash ^ line_hash) * WORD_MULTIPLIER
        paragraph_hash ^= paragraph_hash >> np.uint64(32)
        num_chars += line_chars
        line_feed = i
        while i < last and data[i] == np.uint8(NEWLINE):
            i += np.uintp(1)
        if i - line_feed == np.uintp(1):  # the paragraph goes on
            num_chars += np.int64(1)
            continue
        counts.num_paragraphs[d] += np.int64(1)
        if add_key(paragraph_hash, mask, stamp, table):
            counts.num_duplicate_paragraphs[d] += np.int64(1)
            counts.duplicate_paragraph_chars[d] += num_chars
        if i == last:
            return
        paragraph_hash = np.uint64(0)
        num_chars = np.int64(0)
