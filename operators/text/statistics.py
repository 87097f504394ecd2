"""Counts that quality rules are made of: words, symbols and lines of each document, by kernels over Arrow buffers.

Words are those of `str.split()`, lines those of `str.splitlines()`. Every pass is linear in the bytes of the text,
whatever the text is. Knows no threshold. Letters are: D documents, K stop words.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.text.characters import (
    ALPHABETIC,
    CONTENT,
    Classes,
    character_classes,
    document_text,
    longest_text,
    skip_whitespace,
    skip_whitespace_back,
)
from operators.text.kernel import Bytes, Offsets, inline_kernel, kernel
from operators.text.whitespace_words import Hashes, Words, scan_words, word_hashes, words_for

Counts = npt.NDArray[np.int64]

HASH: Final = 0x23
HYPHEN: Final = 0x2D
FULL_STOP: Final = 0x2E
THREE_FULL_STOPS: Final = 0x2E2E2E
ELLIPSIS_BYTES: Final = 0xE280A6
"""U+2026 in UTF-8."""
BULLET_BYTES: Final = 0xE280A2
"""U+2022 in UTF-8."""


class QualityCounts(NamedTuple):
    """What was counted in D documents, (D,) int64 each."""

    num_words: Counts
    num_content_words: Counts
    """Words with a character that is no symbol."""
    content_chars: Counts
    """Characters of those words."""
    num_alphabetic_words: Counts
    """Words with a letter."""
    num_stop_words: Counts
    """Distinct stop words that occur."""
    num_hashes: Counts
    num_ellipses: Counts
    """`...`, without overlaps, and U+2026."""
    num_lines: Counts
    num_bullet_lines: Counts
    """Lines whose first character after whitespace is `-` or U+2022."""
    num_ellipsis_lines: Counts
    """Lines that end in an ellipsis before whitespace."""


@kernel
def count_words(words: Words, num_words: np.uintp, d: np.uintp, counts: QualityCounts) -> None:
    """Counts the words of document `d` by their classes."""
    num_content = np.int64(0)
    content_chars = np.int64(0)
    num_alphabetic = np.int64(0)
    for w in range(num_words):
        classes = words.classes[np.uintp(w)]
        if classes & np.uint8(CONTENT):
            num_content += np.int64(1)
            content_chars += np.int64(words.num_chars[np.uintp(w)])
        if classes & np.uint8(ALPHABETIC):
            num_alphabetic += np.int64(1)
    counts.num_words[d] = np.int64(num_words)
    counts.num_content_words[d] = num_content
    counts.content_chars[d] = content_chars
    counts.num_alphabetic_words[d] = num_alphabetic


@kernel
def count_stop_words(words: Words, num_words: np.uintp, stop_words: Hashes) -> np.int64:
    """How many of the (K,) `stop_words` occur."""
    num_found = np.int64(0)
    for k in range(stop_words.shape[0]):
        for w in range(num_words):
            if words.hashes[np.uintp(w)] == stop_words[np.uintp(k)]:
                num_found += np.int64(1)
                break
    return num_found


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


@kernel
def count_hashes(data: Bytes, begin: np.uintp, end: np.uintp) -> np.int64:
    """How many hash signs there are."""
    num_hashes = np.int64(0)
    for i in range(begin, end):
        num_hashes += np.int64(data[np.uintp(i)] == np.uint8(HASH))
    return num_hashes


@kernel
def count_ellipses(data: Bytes, begin: np.uintp, end: np.uintp) -> np.int64:
    """How often `...`, without overlaps, and U+2026 occur."""
    num_ellipses = np.int64(0)
    # the last two and this byte as one number, and full stops in a row: no branch, since text would mispredict it
    window = np.uint32(0)
    run = np.uint32(0)
    for i in range(begin, end):
        byte = np.uint32(data[np.uintp(i)])
        window = ((window << np.uint32(8)) | byte) & np.uint32(0xFFFFFF)
        run = (run + np.uint32(1)) * np.uint32(byte == np.uint32(FULL_STOP))
        found = run == np.uint32(3)
        run *= np.uint32(not found)
        num_ellipses += np.int64(found) + np.int64(window == np.uint32(ELLIPSIS_BYTES))
    return num_ellipses


@kernel
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


@kernel
def begins_with_bullet(data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes) -> bool:
    """Whether a hyphen or U+2022 is the first character of a line after whitespace."""
    i = skip_whitespace(data, begin, end, classes)
    return bool(i < end and (data[i] == np.uint8(HYPHEN) or three_bytes(data, i, end) == np.uint32(BULLET_BYTES)))


@kernel
def ends_with_ellipsis(data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes) -> bool:
    """Whether three full stops or U+2026 are the last of a line before whitespace."""
    i = skip_whitespace_back(data, begin, end, classes)
    if i - begin < np.uintp(3):
        return False
    last = three_bytes(data, i - np.uintp(3), i)
    return bool(last == np.uint32(ELLIPSIS_BYTES) or last == np.uint32(THREE_FULL_STOPS))


@kernel
def count_lines(
    data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes, d: np.uintp, counts: QualityCounts
) -> None:
    """Counts the lines of document `d`. Empty lines count; nothing after the last break is no line."""
    num_lines = np.int64(0)
    num_bullets = np.int64(0)
    num_ellipses = np.int64(0)
    line = begin
    i = begin
    while line < end:
        byte = data[i] if i < end else np.uint8(0)
        # most bytes are neither control characters nor lead bytes of a break: this test alone passes over them
        if i < end and byte >= np.uint8(0x20) and byte != np.uint8(0xC2) and byte != np.uint8(0xE2):
            i += np.uintp(1)
            continue
        width = line_break_width(data, i, end) if i < end else np.uintp(1)
        if width == np.uintp(0):
            i += np.uintp(1)
            continue
        num_lines += np.int64(1)
        num_bullets += np.int64(begins_with_bullet(data, line, i, classes))
        num_ellipses += np.int64(ends_with_ellipsis(data, line, i, classes))
        i += width
        line = i
    counts.num_lines[d] = num_lines
    counts.num_bullet_lines[d] = num_bullets
    counts.num_ellipsis_lines[d] = num_ellipses


@kernel
def count_documents(
    data: Bytes, offsets: Offsets, classes: Classes, stop_words: Hashes, words: Words, counts: QualityCounts
) -> None:
    """Fills `counts` for every document."""
    for k in range(offsets.shape[0] - 1):
        d = np.uintp(k)
        begin = np.uintp(offsets[d])
        end = np.uintp(offsets[d + np.uintp(1)])
        num_words = scan_words(data, begin, end, classes, words)
        count_words(words, num_words, d, counts)
        counts.num_stop_words[d] = count_stop_words(words, num_words, stop_words)
        counts.num_hashes[d] = count_hashes(data, begin, end)
        counts.num_ellipses[d] = count_ellipses(data, begin, end)
        count_lines(data, begin, end, classes, d, counts)


def quality_counts(texts: pa.Array, stop_words: tuple[str, ...]) -> QualityCounts:
    """Counts of every text of a large_string array. An empty text has no words and no lines."""
    data, offsets = document_text(texts)
    counts = QualityCounts(*(np.zeros(len(texts), np.int64) for _ in QualityCounts._fields))
    count_documents(
        data, offsets, character_classes(), word_hashes(stop_words), words_for(longest_text(offsets)), counts
    )
    return counts
