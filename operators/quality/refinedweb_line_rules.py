"""RefinedWeb's corrections of lines: which lines of a document go, and what is cut out of others.

Lines end with line feeds alone. The rules are tried one after the other over the whole document, and its ends are
stripped behind each of them but `too_few_words`, as in DCLM: so a rule sees what the one before it has left.
Letters are: D documents, R rules, L lines of a document.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.quality.refinedweb_predicates import (
    class_fraction,
    cut_cart,
    cut_read_more,
    is_counter,
    may_have_cart,
    skip_sign_in,
)
from operators.text.characters import (
    Classes,
    character_classes,
    document_text,
    skip_whitespace,
    skip_whitespace_back,
)
from operators.text.line_edits import copy_bytes, has_words
from operators.text.regex_classes import DIGIT, UPPERCASE, regex_classes
from pipeline.kernel import Bytes, Offsets, kernel
from pipeline.operator import FloatArray

REFINEDWEB_LINE_RULES: Final = (
    "upper_case",
    "digits",
    "counter",
    "too_few_words",
    "items_in_cart",
    "read_more",
    "sign_in",
    "whitespace",
)
"""As R indexes them: the first four remove a line, the next three cut a phrase out of it."""
UPPER_CASE: Final = 0
DIGITS: Final = 1
COUNTER: Final = 2
TOO_FEW_WORDS: Final = 3
ITEMS_IN_CART: Final = 4
SIGN_IN: Final = 6
WHITESPACE_EDIT: Final = 7

LINE_FEED: Final = 0x0A
OFF: Final = -1
CAPITALS: Final = (0x41, 0x5A)
ASCII_DIGITS: Final = (0x30, 0x39)

LinePlaces = npt.NDArray[np.uintp]


class LineRules(NamedTuple):
    """The rules as kernels read them; a negative number turns a rule off."""

    max_uppercase_fraction: np.float64
    max_digit_fraction: np.float64
    removes_counters: bool
    min_words: np.int64
    max_phrase_line_words: np.int64


class Tables(NamedTuple):
    """What is known about characters."""

    characters: Classes
    regex: Classes


class Lines(NamedTuple):
    """Where the lines of one document stand in the bytes written so far. Kernels fill the first of the slots."""

    begins: LinePlaces  # (L,)
    ends: LinePlaces  # (L,)


def line_rules(
    max_uppercase_fraction: float | None,
    max_digit_fraction: float | None,
    *,
    removes_counters: bool,
    min_words: int | None,
    max_phrase_line_words: int | None,
) -> LineRules:
    """The rules from an operator's fields, of which None turns a rule off."""
    return LineRules(
        np.float64(OFF if max_uppercase_fraction is None else max_uppercase_fraction),
        np.float64(OFF if max_digit_fraction is None else max_digit_fraction),
        removes_counters,
        np.int64(OFF if min_words is None else min_words),
        np.int64(OFF if max_phrase_line_words is None else max_phrase_line_words),
    )


def load_tables() -> Tables:
    """The tables of characters."""
    return Tables(character_classes(), regex_classes())


@kernel
def _most_lines(data: Bytes, offsets: Offsets) -> np.int64:
    """Lines of the document that has most."""
    most = np.int64(1)
    for k in range(offsets.shape[0] - 1):
        num_lines = np.int64(1)
        for i in range(np.uintp(offsets[np.uintp(k)]), np.uintp(offsets[np.uintp(k + 1)])):
            num_lines += np.int64(data[np.uintp(i)] == np.uint8(LINE_FEED))
        most = max(most, num_lines)
    return most


@kernel
def _split_lines(out: Bytes, begin: np.uintp, end: np.uintp, lines: Lines) -> np.uintp:
    """Puts the lines of `out[begin:end]` into `lines` and returns how many they are: one at least."""
    num_lines = np.uintp(0)
    lines.begins[num_lines] = begin
    for i in range(begin, end):
        if out[np.uintp(i)] == np.uint8(LINE_FEED):
            lines.ends[num_lines] = np.uintp(i)
            num_lines += np.uintp(1)
            lines.begins[num_lines] = np.uintp(i) + np.uintp(1)
    lines.ends[num_lines] = end
    return num_lines + np.uintp(1)


@kernel
def _is_dropped(out: Bytes, begin: np.uintp, end: np.uintp, rule: int, rules: LineRules, tables: Tables) -> bool:
    """Whether one of the rules that remove lines removes this one, which is not empty."""
    if rule == UPPER_CASE:
        return bool(
            class_fraction(out, begin, end, tables.regex, np.uint8(UPPERCASE), CAPITALS) > rules.max_uppercase_fraction
        )
    if rule == DIGITS:
        return bool(
            class_fraction(out, begin, end, tables.regex, np.uint8(DIGIT), ASCII_DIGITS) > rules.max_digit_fraction
        )
    if rule == COUNTER:
        return is_counter(out, begin, end, tables.regex)
    return not has_words(out, begin, end, np.uintp(rules.min_words), tables.characters)


@kernel
def _cut_phrase(out: Bytes, begin: np.uintp, end: np.uintp, rule: int, tables: Tables) -> tuple[np.uintp, np.uintp]:
    """Where the line begins and ends without the phrase of a rule."""
    if rule == ITEMS_IN_CART:
        return begin, cut_cart(out, begin, end, tables.regex)
    if rule == SIGN_IN:
        return skip_sign_in(out, begin, end, tables.regex), end
    return begin, cut_read_more(out, begin, end, tables.regex)


@kernel
def _remove_lines(
    out: Bytes, lines: Lines, num_lines: np.uintp, rule: int, rules: LineRules, tables: Tables
) -> np.uintp:
    """Takes the lines that a rule removes out of `lines`; returns how many stay."""
    num_kept = np.uintp(0)
    for index in range(num_lines):
        begin, end = lines.begins[np.uintp(index)], lines.ends[np.uintp(index)]
        if begin < end and _is_dropped(out, begin, end, rule, rules, tables):
            continue
        lines.begins[num_kept] = begin
        lines.ends[num_kept] = end
        num_kept += np.uintp(1)
    return num_kept


@kernel
def _may_have_phrase(out: Bytes, begin: np.uintp, end: np.uintp, rule: int, tables: Tables) -> bool:
    """False only where the phrase of a rule does not stand in the line, and the line is not blank: a cheap test."""
    if skip_whitespace(out, begin, end, tables.characters) == end:
        return True
    if rule == ITEMS_IN_CART:
        return may_have_cart(out, begin, end)
    if rule == SIGN_IN:
        return bool(skip_sign_in(out, begin, end, tables.regex) > begin)
    return bool(cut_read_more(out, begin, end, tables.regex) < end)


@kernel
def _cut_phrases(
    out: Bytes, lines: Lines, num_lines: np.uintp, rule: int, rules: LineRules, tables: Tables
) -> tuple[np.uintp, np.int64]:
    """Cuts the phrase of a rule out of short lines; returns how many lines stay, and how many were changed or went."""
    classes = tables.characters
    too_many_words = np.uintp(rules.max_phrase_line_words) + np.uintp(1)
    num_kept = np.uintp(0)
    num_edited = np.int64(0)
    for index in range(num_lines):
        begin, end = lines.begins[np.uintp(index)], lines.ends[np.uintp(index)]
        is_candidate = begin < end and _may_have_phrase(out, begin, end, rule, tables)
        if is_candidate and not has_words(out, begin, end, too_many_words, classes):
            new_begin, new_end = _cut_phrase(out, begin, end, rule, tables)
            is_blank = skip_whitespace(out, new_begin, new_end, classes) == new_end
            num_edited += np.int64(is_blank or new_begin != begin or new_end != end)
            if is_blank:
                continue
            begin, end = new_begin, new_end
        lines.begins[num_kept] = begin
        lines.ends[num_kept] = end
        num_kept += np.uintp(1)
    return num_kept, num_edited


@kernel
def _strip_lines(out: Bytes, lines: Lines, num_lines: np.uintp, classes: Classes) -> tuple[np.uintp, bool]:
    """Takes blank lines and whitespace off both ends; returns how many lines stay, and whether anything went."""
    first = np.uintp(0)
    while first < num_lines:
        begin = skip_whitespace(out, lines.begins[first], lines.ends[first], classes)
        if begin < lines.ends[first]:
            break
        first += np.uintp(1)
    if first == num_lines:
        is_empty = num_lines == np.uintp(0) or (
            num_lines == np.uintp(1) and lines.begins[np.uintp(0)] == lines.ends[np.uintp(0)]
        )
        return np.uintp(0), not is_empty
    last = num_lines
    end = skip_whitespace_back(out, lines.begins[last - np.uintp(1)], lines.ends[last - np.uintp(1)], classes)
    while end == lines.begins[last - np.uintp(1)]:
        last -= np.uintp(1)
        end = skip_whitespace_back(out, lines.begins[last - np.uintp(1)], lines.ends[last - np.uintp(1)], classes)
    changed = (
        first > np.uintp(0) or last < num_lines or lines.begins[first] < begin or lines.ends[last - np.uintp(1)] > end
    )
    lines.begins[first] = begin
    lines.ends[last - np.uintp(1)] = end
    if first > np.uintp(0):
        for index in range(last - first):
            lines.begins[np.uintp(index)] = lines.begins[first + np.uintp(index)]
            lines.ends[np.uintp(index)] = lines.ends[first + np.uintp(index)]
    return last - first, bool(changed)


@kernel
def _is_on(rule: int, rules: LineRules) -> bool:
    if rule == UPPER_CASE:
        return bool(rules.max_uppercase_fraction >= 0)
    if rule == DIGITS:
        return bool(rules.max_digit_fraction >= 0)
    if rule == COUNTER:
        return rules.removes_counters
    if rule == TOO_FEW_WORDS:
        return bool(rules.min_words >= 0)
    return bool(rules.max_phrase_line_words >= 0)


@kernel
def _edit_document(
    out: Bytes,
    begin: np.uintp,
    end: np.uintp,
    rules: LineRules,
    tables: Tables,
    lines: Lines,
    sizes: FloatArray,
) -> np.uintp:
    """Edits the document that stands in `out[begin:end]` and returns where it ends; counts into (R,) `sizes`."""
    num_lines = _split_lines(out, begin, end, lines)
    for rule in range(WHITESPACE_EDIT):
        if not _is_on(rule, rules):
            continue
        if rule < ITEMS_IN_CART:
            num_kept = _remove_lines(out, lines, num_lines, rule, rules, tables)
            sizes[np.uintp(rule)] = np.float64(num_lines - num_kept)
        else:
            num_kept, num_edited = _cut_phrases(out, lines, num_lines, rule, rules, tables)
            sizes[np.uintp(rule)] = np.float64(num_edited)
        num_lines = num_kept
        if rule != TOO_FEW_WORDS:
            num_lines, is_stripped = _strip_lines(out, lines, num_lines, tables.characters)
            if is_stripped:
                sizes[np.uintp(WHITESPACE_EDIT)] = np.float64(1)
    at = begin
    for index in range(num_lines):
        if index > 0:
            out[at] = np.uint8(LINE_FEED)
            at += np.uintp(1)
        at = copy_bytes(out, lines.begins[np.uintp(index)], lines.ends[np.uintp(index)], out, at)
    return at


@kernel
def _edit_documents(
    data: Bytes,
    offsets: Offsets,
    rules: LineRules,
    tables: Tables,
    lines: Lines,
    out: Bytes,
    out_offsets: Offsets,
    sizes: FloatArray,
) -> None:
    at = np.uintp(0)
    for k in range(offsets.shape[0] - 1):
        d = np.uintp(k)
        stop = copy_bytes(data, np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)]), out, at)
        at = _edit_document(out, at, stop, rules, tables, lines, sizes[d])
        out_offsets[d + np.uintp(1)] = np.int64(at)


def edit_lines(texts: pa.Array, rules: LineRules) -> tuple[pa.Array, FloatArray]:
    """The texts after the rules, and (D, R) how many lines each of `REFINEDWEB_LINE_RULES` removed or changed."""
    data, offsets = document_text(texts)
    num_lines = int(_most_lines(data, offsets))
    lines = Lines(np.empty(num_lines, np.uintp), np.empty(num_lines, np.uintp))
    out = np.empty(int(offsets[-1] - offsets[0]), np.uint8)
    out_offsets = np.zeros(len(texts) + 1, np.int64)
    sizes = np.zeros((len(texts), len(REFINEDWEB_LINE_RULES)))
    _edit_documents(data, offsets, rules, load_tables(), lines, out, out_offsets, sizes)
    buffers = [None, pa.py_buffer(out_offsets), pa.py_buffer(out[: out_offsets[-1]])]
    return pa.Array.from_buffers(texts.type, len(texts), buffers), sizes
