"""Counts that MAP-NEO's rules for documents are made of, by kernels over Arrow buffers. Knows no threshold.

Most are taken over the text in the normal form NFKC, some over the text as it is. Letters are: D documents.
"""

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from operators.text.characters import NUM_CODE_POINTS, Classes, count_characters, decode, document_text, longest_text
from operators.text.line_statistics import line_break_width
from operators.text.regex_classes import DIGIT, SPACE, WORD, regex_classes
from operators.text.whitespace_words import Words
from operators.text.word_unit import WordTables, WordUnit, scan_unit_words, unit_scanner
from operators.text.written_text import written_text
from pipeline.kernel import Bytes, Offsets, kernel

Counts = npt.NDArray[np.int64]
CharacterCounts = npt.NDArray[np.uint32]

LINE_FEED: Final = 0x0A
HASH: Final = 0x23
FULL_STOP: Final = 0x2E
ELLIPSIS: Final = 0x2026
LEFT_BRACKET: Final = 0x3010
RIGHT_BRACKET: Final = 0x3011
SENTENCE_BREAKS: Final = (0x21, 0x22, FULL_STOP, 0x3B, 0x3F, ELLIPSIS)
"""! " . ; ? and U+2026."""
BULLETS: Final = (
    0x00B7, 0x2013, 0x2022, 0x2023, 0x203B, 0x25A0, 0x25A1, 0x25AA, 0x25AB, 0x25B6, 0x25C0, 0x25CB, 0x25CF, 0x25E6,
    0x27A2,
)  # fmt: skip
"""What MAP-NEO takes for bullets, with a middle dot and an en dash among them."""
FOLD_ENDINGS: Final = ("readmore", "展开", "更多", "。。。")
"""Ends of lines that fold more text away: "unfold", "more"."""


class Endings(NamedTuple):
    """Ends of lines, as bytes one after another, and where each begins and the last ends."""

    data: Bytes
    offsets: Offsets


class MapNeoCounts(NamedTuple):
    """What was counted in D documents, (D,) each; int64, `entropy` float64."""

    num_chars: Counts
    """Characters of the text as it is."""
    num_normal_chars: Counts
    """Characters of the normal form, as are all that follow up to `entropy`."""
    num_bracketed_chars: Counts
    """Between U+3010 and the next U+3011 of the line."""
    num_unpunctuated_chars: Counts
    r"""Characters of the regular expression `[\w\s]`."""
    num_digits: Counts
    num_punctuation_marks: Counts
    """Of ASCII."""
    num_distinct_chars: Counts
    num_lines: Counts
    num_bullet_lines: Counts
    num_folded_lines: Counts
    entropy: npt.NDArray[np.float64]
    """Of the distribution of characters, in nats, summed in the order in which they first occur."""
    num_words: Counts
    """Words of the normal form without punctuation."""
    num_word_chars: Counts
    num_sentences: Counts
    """Of the text as it is, as are the counts that follow."""
    num_hash_runs: Counts
    num_ellipses: Counts
    """Runs of U+2026, and of two full stops or more."""


@kernel
def count_characters_of(
    data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes, d: np.uintp, counts: MapNeoCounts, clean: Bytes
) -> np.uintp:
    """Counts the characters of document `d` by class; writes it to `clean` without punctuation, returns the length."""
    length = np.uintp(0)
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        found = classes[code_point]
        if found & np.uint8(WORD | SPACE):
            counts.num_unpunctuated_chars[d] += np.int64(1)
            counts.num_digits[d] += np.int64(found & np.uint8(DIGIT) != 0)
            for k in range(width):
                clean[length] = data[i + np.uintp(k)]
                length += np.uintp(1)
        # of what is left, the printable ASCII characters are punctuation; an underscore is that and a word character
        is_ascii_mark = code_point > np.uint32(0x20) and code_point < np.uint32(0x7F) and not found & np.uint8(WORD)
        counts.num_punctuation_marks[d] += np.int64(is_ascii_mark or code_point == np.uint32(0x5F))
        counts.num_normal_chars[d] += np.int64(1)
        i += width
    return length


@kernel
def measure_distribution(
    data: Bytes, begin: np.uintp, end: np.uintp, occurrences: CharacterCounts, d: np.uintp, counts: MapNeoCounts
) -> None:
    """Counts distinct characters and sums up the entropy; `occurrences` are 0 before and after."""
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        occurrences[code_point] += np.uint32(1)
        i += width
    total = np.float64(counts.num_normal_chars[d])
    entropy = 0.0
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        if occurrences[code_point] != np.uint32(0):
            share = np.float64(occurrences[code_point]) / total
            entropy += share * math.log(share)
            counts.num_distinct_chars[d] += np.int64(1)
            occurrences[code_point] = np.uint32(0)
        i += width
    counts.entropy[d] = -entropy


@kernel
def count_bracketed(data: Bytes, begin: np.uintp, end: np.uintp) -> np.int64:
    """Characters between a left bracket and the next right one, if that stands in the same line."""
    num_bracketed = np.int64(0)
    num_open = np.int64(-1)  # characters since the left bracket
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        if num_open < np.int64(0):
            num_open = np.int64(0) if code_point == np.uint32(LEFT_BRACKET) else np.int64(-1)
        elif code_point == np.uint32(RIGHT_BRACKET):
            num_bracketed += num_open
            num_open = np.int64(-1)
        elif code_point == np.uint32(LINE_FEED):
            num_open = np.int64(-1)
        else:
            num_open += np.int64(1)
        i += width
    return num_bracketed


@kernel
def ends_with_any(data: Bytes, begin: np.uintp, end: np.uintp, endings: Endings) -> bool:
    """Whether a line ends with one of the endings."""
    for k in range(endings.offsets.shape[0] - 1):
        first = np.uintp(endings.offsets[np.uintp(k)])
        num_bytes = np.uintp(endings.offsets[np.uintp(k + 1)]) - first
        if end - begin < num_bytes:
            continue
        is_equal = True
        for j in range(num_bytes):
            is_equal &= bool(data[end - num_bytes + np.uintp(j)] == endings.data[first + np.uintp(j)])
        if is_equal:
            return True
    return False


@kernel
def begins_with_bullet(data: Bytes, begin: np.uintp, end: np.uintp) -> bool:
    """Whether a line begins with a bullet, without whitespace before it."""
    if begin == end or data[begin] < np.uint8(0x80):
        return False
    code_point, _ = decode(data, begin)
    found = False
    for bullet in BULLETS:
        found |= bool(code_point == np.uint32(bullet))
    return found


@kernel
def count_lines(
    data: Bytes, begin: np.uintp, end: np.uintp, endings: Endings, d: np.uintp, counts: MapNeoCounts
) -> None:
    """Counts the lines of document `d`, as `str.splitlines` finds them."""
    line = begin
    i = begin
    while line < end:
        width = np.uintp(1) if i == end else line_break_width(data, i, end)
        if width == np.uintp(0):
            i += np.uintp(1)
            continue
        counts.num_lines[d] += np.int64(1)
        counts.num_bullet_lines[d] += np.int64(begins_with_bullet(data, line, i))
        counts.num_folded_lines[d] += np.int64(ends_with_any(data, line, i, endings))
        i += width
        line = i


@kernel
def is_sentence_break(code_point: np.uint32) -> bool:
    """Whether a sentence ends at a character."""
    found = False
    for mark in SENTENCE_BREAKS:
        found |= bool(code_point == np.uint32(mark))
    return found


@kernel
def count_marks(
    data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes, d: np.uintp, counts: MapNeoCounts
) -> None:
    """Counts sentences, runs of hashes and ellipses of document `d`."""
    has_text = False
    run = np.int64(0)  # how often the last character has stood in a row
    before = np.uint32(0)
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        run = run + np.int64(1) if code_point == before else np.int64(1)
        before = code_point
        counts.num_hash_runs[d] += np.int64(code_point == np.uint32(HASH) and run == np.int64(1))
        counts.num_ellipses[d] += np.int64(
            (code_point == np.uint32(ELLIPSIS) and run == np.int64(1))
            or (code_point == np.uint32(FULL_STOP) and run == np.int64(2))
        )
        if is_sentence_break(code_point):
            counts.num_sentences[d] += np.int64(has_text)
            has_text = False
        elif not classes[code_point] & np.uint8(SPACE):
            has_text = True
        i += width
    counts.num_sentences[d] += np.int64(has_text)


@kernel
def count_text(data: Bytes, offsets: Offsets, classes: Classes, counts: MapNeoCounts) -> None:
    """Fills what is counted over the text as it is."""
    for k in range(offsets.shape[0] - 1):
        d = np.uintp(k)
        begin, end = np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)])
        counts.num_chars[d] = count_characters(data, begin, end)
        count_marks(data, begin, end, classes, d, counts)


@kernel
def count_normal_text(
    data: Bytes,
    offsets: Offsets,
    classes: Classes,
    endings: Endings,
    occurrences: CharacterCounts,
    clean: Bytes,
    clean_offsets: Offsets,
    counts: MapNeoCounts,
) -> None:
    """Fills what is counted over the normal form, and writes it without punctuation to `clean`."""
    at = np.uintp(0)
    for k in range(offsets.shape[0] - 1):
        d = np.uintp(k)
        begin, end = np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)])
        at += count_characters_of(data, begin, end, classes, d, counts, clean[at:])
        clean_offsets[d + np.uintp(1)] = np.int64(at)
        measure_distribution(data, begin, end, occurrences, d, counts)
        counts.num_bracketed_chars[d] = count_bracketed(data, begin, end)
        count_lines(data, begin, end, endings, d, counts)


@kernel
def count_words(
    data: Bytes, offsets: Offsets, unit: np.uint8, tables: WordTables, words: Words, counts: MapNeoCounts
) -> None:
    """Fills the counts of words."""
    for k in range(offsets.shape[0] - 1):
        d = np.uintp(k)
        begin, end = np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)])
        num_words = scan_unit_words(data, begin, end, unit, tables, words)
        counts.num_words[d] = np.int64(num_words)
        for w in range(num_words):
            counts.num_word_chars[d] += np.int64(words.num_chars[np.uintp(w)])


def map_neo_counts(texts: pa.Array, word_unit: WordUnit) -> MapNeoCounts:
    """Counts of every text of a large_string array."""
    zeros = {name: np.zeros(len(texts), np.int64) for name in MapNeoCounts._fields if name != "entropy"}
    counts = MapNeoCounts(**zeros, entropy=np.zeros(len(texts), np.float64))
    classes = regex_classes()
    count_text(*document_text(texts), classes, counts)
    normal, offsets = document_text(pc.utf8_normalize(texts, "NFKC"))
    clean = np.empty(int(offsets[-1] - offsets[0]), np.uint8)
    clean_offsets = np.zeros(len(texts) + 1, np.int64)
    endings = Endings(*document_text(pa.array(FOLD_ENDINGS, pa.large_string())))
    occurrences = np.zeros(NUM_CODE_POINTS, np.uint32)
    count_normal_text(normal, offsets, classes, endings, occurrences, clean, clean_offsets, counts)
    cleaned = written_text(clean, clean_offsets)
    scanner = unit_scanner(word_unit)
    words = scanner.words_for(longest_text(clean_offsets))
    count_words(*document_text(cleaned), scanner.unit, scanner.tables_for(cleaned), words, counts)
    return counts
