"""How many sentences a text has, by three named rules.

- `terminal`: a sentence ends with a word, between whitespace, whose last character is `.`, `!` or `?`.
- `cjk`: a sentence ends with a run of U+3002, U+FF01, U+FF1F, U+FF61, U+2026, `!` and `?`, wherever it stands, or at a
  `.` before whitespace or the end, so that numbers stay whole.
- `spacy`: what spaCy's Sentencizer makes of `treebank` words: a sentence ends with a word that is a mark such as `.`,
  and the words of punctuation that follow it. Whitespace other than one space is a word that no sentence ends with.

For the first two a sentence has a letter or a digit; for `spacy` anything but whitespace. Source of the third: spaCy
3.8.18, which datatrove 0.10.1 counts the sentences of a line of C4 with. There a line without text has one.
"""

from typing import Final, Literal, NamedTuple

import numpy as np

from operators.text.characters import (
    ALPHABETIC,
    DECIMAL,
    WHITESPACE,
    Classes,
    character_classes,
    decode,
)
from operators.text.treebank_chunks import split_chunk
from operators.text.treebank_rules import (
    PUNCTUATION,
    SENTENCE_END,
    TreebankRules,
    no_treebank_rules,
    treebank_rules,
)
from operators.text.whitespace_words import Ends, Joins
from pipeline.kernel import Bytes, borrowing_kernel, inline_kernel

SentenceUnit = Literal["terminal", "cjk", "spacy"]

TERMINAL_UNIT: Final = 0
CJK_UNIT: Final = 1
SPACY_UNIT: Final = 2
_UNITS: Final[dict[SentenceUnit, int]] = {"terminal": TERMINAL_UNIT, "cjk": CJK_UNIT, "spacy": SPACY_UNIT}

SPACE: Final = 0x20
EXCLAMATION_MARK: Final = 0x21
FULL_STOP: Final = 0x2E
QUESTION_MARK: Final = 0x3F
CJK_ENDS: Final = (EXCLAMATION_MARK, QUESTION_MARK, 0x2026, 0x3002, 0xFF01, 0xFF1F, 0xFF61)


class SentenceTables(NamedTuple):
    """What `count_sentences` reads beside the text. The same types whatever the unit."""

    unit: np.uint8
    classes: Classes
    treebank: TreebankRules  # empty but for `spacy`


class SentenceScratch(NamedTuple):
    """Memory for the words of one chunk, (W,) each."""

    ends: Ends
    joins: Joins


def sentence_tables(unit: SentenceUnit) -> SentenceTables:
    """The tables of a unit, for any text."""
    rules = treebank_rules() if unit == "spacy" else no_treebank_rules()
    return SentenceTables(np.uint8(_UNITS[unit]), character_classes(), rules)


def sentence_scratch(unit: SentenceUnit, max_bytes: int) -> SentenceScratch:
    """Memory to count the sentences of texts of up to `max_bytes`."""
    capacity = max_bytes + 1 if unit == "spacy" else 0
    return SentenceScratch(np.empty(capacity, np.uint32), np.empty(capacity, np.uint16))


@borrowing_kernel
def count_sentences(
    data: Bytes, begin: np.uintp, end: np.uintp, tables: SentenceTables, scratch: SentenceScratch
) -> np.uintp:
    """The sentences of `data[begin:end]`; 0 where there is nothing but whitespace."""
    if tables.unit == np.uint8(SPACY_UNIT):
        return count_spacy_sentences(data, begin, end, tables.treebank, scratch)
    return count_ended_sentences(data, begin, end, tables.classes, tables.unit == np.uint8(CJK_UNIT))


@inline_kernel
def is_cjk_end(code_point: np.uint32) -> bool:
    """Whether a sentence of the unit `cjk` ends there, whatever follows."""
    found = False
    for mark in CJK_ENDS:
        found |= code_point == np.uint32(mark)
    return found


@borrowing_kernel
def count_ended_sentences(data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes, is_cjk: bool) -> np.uintp:
    """As `count_sentences`, for `terminal` and `cjk`."""
    num_sentences = np.uintp(0)
    has_content = False
    ends_word = False  # whether the character before ends a sentence if its word ends
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        i += width
        found = classes[code_point]
        is_mark = code_point == np.uint32(EXCLAMATION_MARK) or code_point == np.uint32(QUESTION_MARK)
        is_end = (is_cjk and is_cjk_end(code_point)) or (ends_word and found & np.uint8(WHITESPACE) != 0)
        if is_end and has_content:
            num_sentences += np.uintp(1)
            has_content = False
        ends_word = is_mark or code_point == np.uint32(FULL_STOP)
        has_content = has_content or found & np.uint8(ALPHABETIC | DECIMAL) != 0
    if has_content:
        num_sentences += np.uintp(1)
    return num_sentences


@borrowing_kernel
def count_spacy_sentences(
    data: Bytes, begin: np.uintp, end: np.uintp, rules: TreebankRules, scratch: SentenceScratch
) -> np.uintp:
    """As `count_sentences`, for `spacy`."""
    num_sentences = np.uintp(0)
    begins = True  # whether the next word begins a sentence, whatever it is
    is_ended = False  # whether a word has ended the sentence
    i = begin
    while i < end:
        space = i
        only_spaces = True
        has_marks = False
        code_point, width = decode(data, i)
        while i < end and rules.flags[code_point] & np.uint32(WHITESPACE):
            only_spaces = only_spaces and code_point == np.uint32(SPACE)
            i += width
            if i < end:
                code_point, width = decode(data, i)
        if i == end:
            break
        is_word = i > space and not (only_spaces and i - space == np.uintp(1))
        if is_word and is_ended:
            begins = True
            is_ended = False
        chunk = i
        goes_on = rules.flags[code_point] & np.uint32(PUNCTUATION | SENTENCE_END) != 0
        while i < end and not rules.flags[code_point] & np.uint32(WHITESPACE):
            has_marks = has_marks or rules.flags[code_point] & np.uint32(SENTENCE_END) != 0
            i += width
            if i < end:
                code_point, width = decode(data, i)
        if begins:
            num_sentences += np.uintp(1)
            begins = False
        if is_ended and not goes_on:
            num_sentences += np.uintp(1)
            is_ended = False
        if has_marks or is_ended:
            num_begun, is_ended = begun_sentences(data, chunk, i, is_ended, rules, scratch)
            num_sentences += num_begun
    return num_sentences


@borrowing_kernel
def begun_sentences(
    data: Bytes, chunk: np.uintp, end: np.uintp, is_ended: bool, rules: TreebankRules, scratch: SentenceScratch
) -> tuple[np.uintp, bool]:
    """Sentences that begin with a word of the chunk, and whether one is ended behind it."""
    num_begun = np.uintp(0)
    num_words = split_chunk(data, chunk, end, rules, scratch.ends, scratch.joins)
    i = chunk
    for k in range(num_words):
        word_end = chunk + np.uintp(scratch.ends[np.uintp(k)])
        code_point, width = decode(data, i)
        is_end = i + width == word_end and rules.flags[code_point] & np.uint32(SENTENCE_END) != 0
        is_punctuation = True
        while i < word_end:
            code_point, width = decode(data, i)
            is_punctuation = is_punctuation and rules.flags[code_point] & np.uint32(PUNCTUATION) != 0
            i += width
        if is_end:
            is_ended = True
        elif is_ended and not is_punctuation:
            num_begun += np.uintp(1)
            is_ended = False
    return num_begun, is_ended
