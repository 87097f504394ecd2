"""MAP-NEO's rules for lines, as kernels over Arrow buffers. Letters are: D documents, L lines."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.text.characters import Classes, decode, document_text, longest_text
from operators.text.regex_classes import SPACE, WORD, regex_classes
from operators.text.sorted_values import num_below
from operators.text.units import CARRIAGE_RETURN, end_of_line
from operators.text.whitespace_words import Hashes, Words
from operators.text.word_unit import UnitScanner, WordTables, scan_unit_words
from operators.text.written_text import written_text
from pipeline.kernel import Bytes, Offsets, kernel

KEPT: Final = 0
EMPTY: Final = 1
NO_END_MARK: Final = 2
JAVASCRIPT: Final = 3
TOO_FEW_WORDS: Final = 4
LOREM_IPSUM: Final = 5
BAD_WORD: Final = 6
LINE_RULES: Final = ("empty_lines", "no_end_mark", "javascript", "too_few_words", "lorem_ipsum", "bad_words")
"""Named by the numbers above, less one; tried in this order."""

JAVASCRIPT_SPELLINGS: Final = ("javascript", "Javascript", "JAVASCRIPT")
LOREM_IPSUM_SPELLINGS: Final = ("lorem ipsum", "Lorem ipsum", "Lorem Ipsum", "LOREM IPSUM")

Counts = npt.NDArray[np.int64]
Marks = npt.NDArray[np.uint32]


class Lines(NamedTuple):
    """The lines of a batch, in order."""

    begins: Offsets  # (L,)
    ends: Offsets  # (L,) without the line break
    num_lines: Counts  # (D,) of each document
    broken: npt.NDArray[np.uint8]  # (L,) the number of the rule that a line breaks, or KEPT


@kernel
def count_lines(data: Bytes, offsets: Offsets, num_lines: Counts) -> None:
    """Fills `num_lines`. Nothing behind the last line feed is no line."""
    for document in range(num_lines.shape[0]):
        d = np.uintp(document)
        i, end = np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)])
        while i < end:
            i = end_of_line(data, i, end) + np.uintp(1)
            num_lines[d] += np.int64(1)


@kernel
def find_lines(data: Bytes, offsets: Offsets, lines: Lines) -> None:
    """Fills `begins` and `ends`. A carriage return before a line feed belongs to the line break."""
    found = np.uintp(0)
    for document in range(lines.num_lines.shape[0]):
        i, end = np.uintp(offsets[np.uintp(document)]), np.uintp(offsets[np.uintp(document + 1)])
        while i < end:
            stop = end_of_line(data, i, end)
            content = stop
            if stop < end and stop > i and data[stop - np.uintp(1)] == np.uint8(CARRIAGE_RETURN):
                content -= np.uintp(1)
            lines.begins[found] = np.int64(i)
            lines.ends[found] = np.int64(content)
            found += np.uintp(1)
            i = stop + np.uintp(1)


@kernel
def holds_phrase(data: Bytes, begin: np.uintp, end: np.uintp, phrases: Bytes, phrase_offsets: Offsets) -> bool:
    """Whether one of the phrases stands in a line. They are few and short, and rarely more than their first byte is."""
    for k in range(phrase_offsets.shape[0] - 1):
        first, last = np.uintp(phrase_offsets[np.uintp(k)]), np.uintp(phrase_offsets[np.uintp(k + 1)])
        i = begin
        while i + (last - first) <= end:
            j = np.uintp(0)
            while j < last - first and data[i + j] == phrases[first + j]:
                j += np.uintp(1)
            if j == last - first:
                return True
            i += np.uintp(1)
    return False


@kernel
def ends_with_mark(data: Bytes, begin: np.uintp, end: np.uintp, end_marks: Marks) -> bool:
    """Whether the last character of a line is one of the marks."""
    i = end - np.uintp(1)
    while i > begin and (data[i] & np.uint8(0xC0)) == np.uint8(0x80):
        i -= np.uintp(1)
    code_point, _ = decode(data, i)
    found = False
    for mark in end_marks:
        found |= bool(code_point == mark)
    return found


@kernel
def judge_ends(data: Bytes, lines: Lines, end_marks: Marks, phrases: Bytes, phrase_offsets: Offsets) -> None:
    """Marks lines that are empty, that no mark ends, or that name JavaScript."""
    for line in range(lines.begins.shape[0]):
        k = np.uintp(line)
        begin, end = np.uintp(lines.begins[k]), np.uintp(lines.ends[k])
        if begin == end:
            lines.broken[k] = EMPTY
        elif end_marks.shape[0] > 0 and not ends_with_mark(data, begin, end, end_marks):
            lines.broken[k] = NO_END_MARK
        elif holds_phrase(data, begin, end, phrases, phrase_offsets):
            lines.broken[k] = JAVASCRIPT


@kernel
def judge_phrases(data: Bytes, lines: Lines, phrases: Bytes, phrase_offsets: Offsets) -> None:
    """Marks lines, of those still kept, that hold `lorem ipsum`."""
    for line in range(lines.begins.shape[0]):
        k = np.uintp(line)
        if lines.broken[k] == KEPT and holds_phrase(
            data, np.uintp(lines.begins[k]), np.uintp(lines.ends[k]), phrases, phrase_offsets
        ):
            lines.broken[k] = LOREM_IPSUM


@kernel
def put_kept_lines(
    data: Bytes, lines: Lines, without_marks: bool, classes: Classes, out: Bytes, out_offsets: Offsets, spaces: Counts
) -> None:
    """Writes every line to `out` as a text, empty if not kept; `spaces` (L,) takes how much whitespace it has."""
    at = np.uintp(0)
    for line in range(lines.begins.shape[0]):
        k = np.uintp(line)
        i, end = np.uintp(lines.begins[k]), np.uintp(lines.ends[k])
        while lines.broken[k] == KEPT and i < end:
            code_point, width = decode(data, i)
            spaces[k] += np.int64(classes[code_point] & np.uint8(SPACE) != 0)
            if not without_marks or classes[code_point] & np.uint8(WORD | SPACE):
                for j in range(i, i + width):
                    out[at] = data[np.uintp(j)]
                    at += np.uintp(1)
            i += width
        out_offsets[k + np.uintp(1)] = np.int64(at)


@kernel
def judge_word_counts(
    data: Bytes,
    offsets: Offsets,
    unit: np.uint8,
    tables: WordTables,
    words: Words,
    spaces: Counts,
    min_words: np.int64,
    lines: Lines,
) -> None:
    """Marks lines, of those still kept, of too few words. A character of whitespace is one of them, as in jieba."""
    for line in range(lines.begins.shape[0]):
        k = np.uintp(line)
        if lines.broken[k] == KEPT:
            begin, end = np.uintp(offsets[k]), np.uintp(offsets[k + np.uintp(1)])
            num_words = np.int64(scan_unit_words(data, begin, end, unit, tables, words))
            if num_words + spaces[k] < min_words:
                lines.broken[k] = TOO_FEW_WORDS


@kernel
def judge_words(
    data: Bytes, offsets: Offsets, unit: np.uint8, tables: WordTables, words: Words, bad_words: Hashes, lines: Lines
) -> None:
    """Marks lines, of those still kept, with a word of the ascending `bad_words`."""
    for line in range(lines.begins.shape[0]):
        k = np.uintp(line)
        if lines.broken[k] != KEPT:
            continue
        begin, end = np.uintp(offsets[k]), np.uintp(offsets[k + np.uintp(1)])
        num_words = scan_unit_words(data, begin, end, unit, tables, words)
        for w in range(num_words):
            word = words.hashes[np.uintp(w)]
            place = num_below(bad_words, word)
            if place < np.uintp(bad_words.shape[0]) and bad_words[place] == word:
                lines.broken[k] = BAD_WORD


class LineRules(NamedTuple):
    """What lines are held against."""

    end_marks: Marks  # none: the rule is off
    min_words: int
    scanner: UnitScanner
    bad_words: Hashes  # ascending


def judged_lines(texts: pa.Array, rules: LineRules) -> Lines:
    """The lines of a large_string array, with the rule that each breaks."""
    data, offsets = document_text(texts)
    num_lines = np.zeros(len(texts), np.int64)
    count_lines(data, offsets, num_lines)
    total = int(num_lines.sum())
    lines = Lines(np.zeros(total, np.int64), np.zeros(total, np.int64), num_lines, np.zeros(total, np.uint8))
    find_lines(data, offsets, lines)
    judge_ends(data, lines, rules.end_marks, *_phrases(JAVASCRIPT_SPELLINGS))
    cleaned, spaces = _kept_lines(data, lines, without_marks=True)
    words = rules.scanner.words_for(longest_text(document_text(cleaned)[1]))
    tables = rules.scanner.tables_for(cleaned)
    judge_word_counts(
        *document_text(cleaned), rules.scanner.unit, tables, words, spaces, np.int64(rules.min_words), lines
    )
    judge_phrases(data, lines, *_phrases(LOREM_IPSUM_SPELLINGS))
    if len(rules.bad_words):
        kept, _ = _kept_lines(data, lines, without_marks=False)
        words = rules.scanner.words_for(longest_text(document_text(kept)[1]))
        tables = rules.scanner.tables_for(kept)
        judge_words(*document_text(kept), rules.scanner.unit, tables, words, rules.bad_words, lines)
    return lines


def _phrases(phrases: tuple[str, ...]) -> tuple[Bytes, Offsets]:
    return document_text(pa.array(phrases, pa.large_string()))


def _kept_lines(data: Bytes, lines: Lines, *, without_marks: bool) -> tuple[pa.Array, Counts]:
    total = len(lines.begins)
    out = np.empty(int((lines.ends - lines.begins).sum()), np.uint8)
    out_offsets, spaces = np.zeros(total + 1, np.int64), np.zeros(total, np.int64)
    put_kept_lines(data, lines, without_marks, regex_classes(), out, out_offsets, spaces)
    return written_text(out, out_offsets), spaces
