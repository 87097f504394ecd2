"""C4's rules for lines: which lines of a document stay, and what is cut out of them.

Lines are those of `str.splitlines()`. Every pass is linear in the bytes of the text, whatever the text is.
Letters are: D documents, R rules, M marks.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.quality.c4_phrases import CURLY_BRACKET, JAVASCRIPT, LOREM_IPSUM, POLICY, find_phrases
from operators.text.characters import (
    DECIMAL,
    Classes,
    character_classes,
    decode,
    document_text,
    skip_whitespace,
    skip_whitespace_back,
)
from operators.text.line_edits import copy_bytes, end_of_any_line, has_long_word, has_words
from operators.text.phrases import phrase_bytes
from pipeline.kernel import Bytes, Offsets, borrowing_kernel
from pipeline.operator import FloatArray

C4_LINE_RULES: Final = (
    "long_word",
    "no_terminal_mark",
    "too_few_words",
    "javascript",
    "policy",
    "citations",
    "whitespace",
)
"""What may happen to a line, as R indexes it: the first five remove it, the other two change it."""
LONG_WORD: Final = 0
NO_TERMINAL_MARK: Final = 1
TOO_FEW_WORDS: Final = 2
JAVASCRIPT_LINE: Final = 3
POLICY_LINE: Final = 4
CITATIONS: Final = 5
WHITESPACE_EDIT: Final = 6
KEPT: Final = 7

OPENING_SQUARE: Final = 0x5B
CLOSING_SQUARE: Final = 0x5D
FULL_STOP: Final = 0x2E
LINE_FEED: Final = 0x0A

EDIT_MARK: Final = phrase_bytes("[edit]")
CITATION_NEEDED: Final = phrase_bytes("[citation needed]")


class LineRules(NamedTuple):
    """The rules as kernels read them."""

    max_word_chars: np.int64
    """-1: words may have any length."""
    removes_citations: bool
    end_marks: npt.NDArray[np.uint32]
    """(M,) code points of which one must end a line; none: lines may end as they do."""
    min_words: np.uintp
    counts_words_without_citations: bool
    removed_phrases: np.uint8
    """Bits of the phrases that remove a line."""
    spared_phrases: np.uint8
    """Bits of the phrases whose lines stay, since the document goes for them."""


@borrowing_kernel
def _starts_with(data: Bytes, begin: np.uintp, end: np.uintp, prefix: Bytes) -> bool:
    if begin + np.uintp(prefix.shape[0]) > end:
        return False
    differs: np.bool_ = np.bool_(False)
    for k in range(prefix.shape[0]):
        differs |= data[begin + np.uintp(k)] != prefix[np.uintp(k)]
    return not differs


@borrowing_kernel
def _citation_width(data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes) -> np.uintp:
    """Bytes of the citation that the square bracket at `begin` opens, 0 where it opens none."""
    i = begin + np.uintp(1)
    while i < end:
        code_point, width = decode(data, i)
        if code_point == np.uint32(CLOSING_SQUARE):
            return i + np.uintp(1) - begin
        if not classes[code_point] & np.uint8(DECIMAL):
            break
        i += width
    if _starts_with(data, begin, end, EDIT_MARK):
        return np.uintp(EDIT_MARK.shape[0])
    if _starts_with(data, begin, end, CITATION_NEEDED):
        return np.uintp(CITATION_NEEDED.shape[0])
    return np.uintp(0)


@borrowing_kernel
def copy_without_citations(
    data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes, out: Bytes, at: np.uintp
) -> tuple[np.uintp, np.int64]:
    """Copies to `out[at:]` what is no citation; returns where the copy ends and how many citations there are."""
    num_citations = np.int64(0)
    i = begin
    while i < end:
        if data[i] == np.uint8(OPENING_SQUARE):
            width = _citation_width(data, i, end, classes)
            if width > np.uintp(0):
                num_citations += np.int64(1)
                i += width
                continue
        out[at] = data[i]
        at += np.uintp(1)
        i += np.uintp(1)
    return at, num_citations


@borrowing_kernel
def ends_with_mark(data: Bytes, begin: np.uintp, end: np.uintp, marks: npt.NDArray[np.uint32]) -> bool:
    """Whether one of the marks ends the line, and three full stops do not."""
    if begin == end:
        return False
    last = end - np.uintp(1)
    while data[last] & np.uint8(0xC0) == np.uint8(0x80):
        last -= np.uintp(1)
    code_point, _ = decode(data, last)
    if code_point == np.uint32(FULL_STOP) and end - begin >= np.uintp(3):
        before = end - np.uintp(3)
        if data[before] == np.uint8(FULL_STOP) and data[before + np.uintp(1)] == np.uint8(FULL_STOP):
            return False
    is_mark: np.bool_ = np.bool_(False)
    for m in range(marks.shape[0]):
        is_mark |= marks[np.uintp(m)] == code_point
    return bool(is_mark)


@borrowing_kernel
def _rule_of_phrases(found: np.uint8, rules: LineRules) -> int:
    """The rule by which a line with these phrases goes, in the order in which C4 looks for them."""
    if found & rules.spared_phrases & np.uint8(LOREM_IPSUM):
        return KEPT
    if found & rules.removed_phrases & np.uint8(JAVASCRIPT):
        return JAVASCRIPT_LINE
    if found & rules.spared_phrases & np.uint8(CURLY_BRACKET):
        return KEPT
    if found & rules.removed_phrases & np.uint8(POLICY):
        return POLICY_LINE
    return KEPT


@borrowing_kernel
def _edit_line(
    data: Bytes,
    begin: np.uintp,
    end: np.uintp,
    rules: LineRules,
    classes: Classes,
    out: Bytes,
    at: np.uintp,
) -> tuple[np.uintp, np.int64, int]:
    """Copies a stripped line to `out[at:]`; returns where the copy ends, how many citations went, and its rule."""
    none = np.int64(0)
    if rules.max_word_chars >= 0 and end - begin > np.uintp(rules.max_word_chars):  # noqa: SIM102 -- cheap test first
        if has_long_word(data, begin, end, rules.max_word_chars, classes):
            return at, none, LONG_WORD
    num_citations = none
    if rules.removes_citations:
        stop, num_citations = copy_without_citations(data, begin, end, classes, out, at)
    else:
        stop = copy_bytes(data, begin, end, out, at)
    if rules.end_marks.shape[0] > 0 and not ends_with_mark(out, at, stop, rules.end_marks):
        return at, none, NO_TERMINAL_MARK
    if rules.counts_words_without_citations:
        is_long = has_words(out, at, stop, rules.min_words, classes)
    else:
        is_long = has_words(data, begin, end, rules.min_words, classes)
    if not is_long:
        return at, none, TOO_FEW_WORDS
    rule = _rule_of_phrases(find_phrases(out, at, stop), rules)
    if rule != KEPT:
        return at, none, rule
    return stop, num_citations, KEPT


@borrowing_kernel
def _strip_document(out: Bytes, begin: np.uintp, end: np.uintp, classes: Classes) -> np.uintp:
    """Moves the stripped text in `out[begin:end]` to `begin`, and returns where it ends."""
    first = skip_whitespace(out, begin, end, classes)
    last = skip_whitespace_back(out, first, end, classes)
    if first > begin:
        for k in range(last - first):
            out[begin + np.uintp(k)] = out[first + np.uintp(k)]
    return begin + (last - first)


@borrowing_kernel
def _edit_document(
    data: Bytes,
    begin: np.uintp,
    end: np.uintp,
    rules: LineRules,
    classes: Classes,
    out: Bytes,
    at: np.uintp,
    sizes: FloatArray,
) -> np.uintp:
    """Writes the document to `out[at:]` and returns where it ends; counts into (R,) `sizes`."""
    start = at
    has_lines = False
    ends_with_kept_break = False  # the break behind the last line, if that line is kept, joins it to nothing
    line = begin
    while line < end:
        content, after = end_of_any_line(data, line, end)
        first = skip_whitespace(data, line, content, classes)
        last = skip_whitespace_back(data, first, content, classes)
        put = at
        if has_lines:
            out[put] = np.uint8(LINE_FEED)
            put += np.uintp(1)
        stop, num_citations, rule = _edit_line(data, first, last, rules, classes, out, put)
        if rule == KEPT:
            at = stop
            has_lines = True
            sizes[np.uintp(CITATIONS)] += np.float64(num_citations)
            is_stripped = first > line or last < content
            has_other_break = after > content and (
                after > content + np.uintp(1) or data[content] != np.uint8(LINE_FEED)
            )
            sizes[np.uintp(WHITESPACE_EDIT)] += np.float64(is_stripped or has_other_break)
        else:
            sizes[np.uintp(rule)] += np.float64(1)
        ends_with_kept_break = bool(rule == KEPT and after > content)
        line = after
    stop = _strip_document(out, start, at, classes)
    sizes[np.uintp(WHITESPACE_EDIT)] += np.float64(ends_with_kept_break or stop < at)
    return stop


@borrowing_kernel
def _edit_documents(
    data: Bytes,
    offsets: Offsets,
    rules: LineRules,
    classes: Classes,
    out: Bytes,
    out_offsets: Offsets,
    sizes: FloatArray,
) -> None:
    at = np.uintp(0)
    for k in range(offsets.shape[0] - 1):
        d = np.uintp(k)
        begin, end = np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)])
        at = _edit_document(data, begin, end, rules, classes, out, at, sizes[d])
        out_offsets[d + np.uintp(1)] = np.int64(at)


def edit_lines(texts: pa.Array, rules: LineRules) -> tuple[pa.Array, FloatArray]:
    """The texts after the rules, and (D, R) how many lines, or citations, each of `C4_LINE_RULES` concerned."""
    data, offsets = document_text(texts)
    out = np.empty(int(offsets[-1] - offsets[0]), np.uint8)
    out_offsets = np.zeros(len(texts) + 1, np.int64)
    sizes = np.zeros((len(texts), len(C4_LINE_RULES)))
    _edit_documents(data, offsets, rules, character_classes(), out, out_offsets, sizes)
    buffers = [None, pa.py_buffer(out_offsets), pa.py_buffer(out[: out_offsets[-1]])]
    return pa.Array.from_buffers(texts.type, len(texts), buffers), sizes
