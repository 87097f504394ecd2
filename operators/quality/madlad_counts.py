"""Counts of sentences that MADLAD-400 finds questionable, by kernels over Arrow buffers. Knows no limit of documents.

Letters are: D documents.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.text.characters import Classes, decode, document_text
from operators.text.regex_classes import ALPHANUMERIC, DECIMAL, SPACE, UPPERCASE, WORD, regex_classes
from pipeline.kernel import Bytes, Offsets, kernel

Counts = npt.NDArray[np.int64]

MIN_LIST_TOKENS: Final = 12
MAX_CAPITAL_FRACTION: Final = 0.5
MIN_SENTENCE_CHARS: Final = 20
MAX_SENTENCE_CHARS: Final = 500
TECHNICAL_CHARS: Final = b"0123456789{}+/()>"
MAX_TECHNICAL_FRACTION: Final = 0.2
# those five: Kudugunta et al. 2023, arXiv 2309.04662, section 2.3, and the data set's card

LIST_CASE: Final = 1
ABNORMAL_LENGTH: Final = 2
TECHNICAL: Final = 4
CURSED: Final = 8

CURSED_PHRASES: Final = (
    " №", "���", "aute irure dolor ", " sunt in culpa qui ", "orem ipsum ", " quis nostrud ", " adipisicing ",
    " dolore eu ", " cupidatat ", "autem vel eum", "wisi enim ad", " sex ", " porn ", "黄色电影", "mp3", "ownload",
    "Episode", "Develop", "Facebook", " crusher ", " xxx ",
)  # fmt: skip
ESCAPED_PHRASES: Final = ("Vol.", " Ep.", " шт.")
"""Written as regular expressions in the list, with an escaped full stop."""
ENDING_PHRASES: Final = (" nr.", "|", " г.", " кг.")  # noqa: RUF001 -- Cyrillic
"""At the end of a sentence; all but the first with whitespace behind, or none."""
NUM_STRICT_ENDINGS: Final = 1
NUM_SPELLED: Final = 9
"""How often what the patterns of short words look for stands in a row."""

FULL_STOP: Final = 0x2E
COMMA: Final = 0x2C
SPACE_BYTE: Final = 0x20
LINE_FEED: Final = 0x0A
MIDDLE_OF_WORDS: Final = (0x27, 0x2E, 0x3A, 0xB7, 0x2018, 0x2019)
"""Between two letters: apostrophes, full stop, colon, middle dot."""
MIDDLE_OF_NUMBERS: Final = (0x27, 0x2C, 0x2E, 0x3B, 0x2018, 0x2019)


class MadladCounts(NamedTuple):
    """What was counted in D documents, (D,) int64 each."""

    num_sentences: Counts
    num_questionable: Counts
    """Sentences of any of the kinds asked for."""
    num_list_case: Counts
    num_abnormal_length: Counts
    num_technical: Counts
    num_cursed: Counts


class Phrases(NamedTuple):
    """Phrases as bytes one after another, and where each begins and the last ends."""

    data: Bytes
    offsets: Offsets
    can_begin: npt.NDArray[np.bool_]  # (256,) whether a phrase begins with a byte


class Patterns(NamedTuple):
    """What makes a sentence cursed, and the classes of characters."""

    phrases: Phrases
    endings: Phrases
    classes: Classes


@kernel
def is_one_of(code_point: np.uint32, marks: tuple[int, ...]) -> bool:
    """Whether a character is one of the marks."""
    found = False
    for mark in marks:
        found |= bool(code_point == np.uint32(mark))
    return found


@kernel
def is_inside_token(
    data: Bytes, i: np.uintp, end: np.uintp, code_point: np.uint32, before: np.uint8, classes: Classes
) -> bool:
    """Whether a character that ends at byte `i` joins the token before it, whose last has classes `before`, to more."""
    if i >= end:
        return False
    after = classes[decode(data, i)[0]]
    if before & np.uint8(DECIMAL) and after & np.uint8(DECIMAL):
        return is_one_of(code_point, MIDDLE_OF_NUMBERS)
    is_between_letters = before & after & np.uint8(ALPHANUMERIC) and not (before | after) & np.uint8(DECIMAL)
    return bool(is_between_letters) and is_one_of(code_point, MIDDLE_OF_WORDS)


@kernel
def is_list_case(data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes) -> bool:
    """Whether a sentence has enough tokens, and most begin with a capital letter.

    Tokens are words after Unicode's default rules: runs of letters, digits and underscores, over one mark between two
    letters or two digits.
    """
    num_tokens = 0
    num_capitals = 0
    before = np.uint8(0)
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        found = classes[code_point]
        i += width
        if found & np.uint8(WORD):
            if before == np.uint8(0):
                num_tokens += 1
                num_capitals += int(found & np.uint8(UPPERCASE) != 0)
            before = found
        elif not is_inside_token(data, i, end, code_point, before, classes):
            before = np.uint8(0)
    return num_tokens >= MIN_LIST_TOKENS and num_capitals > MAX_CAPITAL_FRACTION * num_tokens


@kernel
def stands_at(data: Bytes, i: np.uintp, end: np.uintp, phrases: Phrases, k: np.uintp) -> bool:
    """Whether phrase `k` stands at byte `i`."""
    first, last = np.uintp(phrases.offsets[k]), np.uintp(phrases.offsets[k + np.uintp(1)])
    if end - i < last - first:
        return False
    j = np.uintp(0)
    while j < last - first and data[i + j] == phrases.data[first + j]:
        j += np.uintp(1)
    return bool(j == last - first)


@kernel
def has_phrase(data: Bytes, begin: np.uintp, end: np.uintp, phrases: Phrases) -> bool:
    """Whether one of the phrases stands in a sentence."""
    for byte in range(begin, end):
        i = np.uintp(byte)
        if phrases.can_begin[data[i]]:
            for k in range(phrases.offsets.shape[0] - 1):
                if stands_at(data, i, end, phrases, np.uintp(k)):
                    return True
    return False


@kernel
def has_ending(data: Bytes, begin: np.uintp, end: np.uintp, patterns: Patterns) -> bool:
    """Whether a sentence ends with one of the endings."""
    endings = patterns.endings
    stripped = end
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        i += width
        if not patterns.classes[code_point] & np.uint8(SPACE):
            stripped = i
    for k in range(endings.offsets.shape[0] - 1):
        num_bytes = np.uintp(endings.offsets[np.uintp(k + 1)] - endings.offsets[np.uintp(k)])
        stop = end if k < NUM_STRICT_ENDINGS else stripped
        if stop >= begin + num_bytes and stands_at(data, stop - num_bytes, stop, endings, np.uintp(k)):
            return True
    return False


@kernel
def has_spelled_words(data: Bytes, begin: np.uintp, end: np.uintp, num_chars: int, allows_spaces: bool) -> bool:
    """Whether nine times in a row a space stands before `num_chars` characters.

    They may be anything but line feeds if spaces are allowed, and else anything but spaces.
    """
    i = begin
    while i < end:
        if data[i] != np.uint8(SPACE_BYTE):
            i += np.uintp(1)
            continue
        num_found, left = 0, 0  # `left`: characters to come of the current word
        run = i
        while run < end and num_found < NUM_SPELLED:
            code_point, width = decode(data, run)
            if left == 0:
                if code_point != np.uint32(SPACE_BYTE):
                    break
                left = num_chars
            else:
                forbidden = np.uint32(LINE_FEED) if allows_spaces else np.uint32(SPACE_BYTE)
                if code_point == forbidden:
                    break
                left -= 1
                num_found += int(left == 0)
            run += width
        if num_found == NUM_SPELLED:
            return True
        i += np.uintp(1)
    return False


@kernel
def has_comma_list(data: Bytes, begin: np.uintp, end: np.uintp) -> bool:
    """Whether a comma is followed four times by a space, two characters and one or two commas."""
    for byte in range(begin, end):
        i = np.uintp(byte)
        if data[i] != np.uint8(COMMA):
            continue
        i += np.uintp(1)
        num_found = 0
        while num_found < 4 and i < end and data[i] == np.uint8(SPACE_BYTE):
            i += np.uintp(1)
            for _ in range(2):
                if i < end and data[i] != np.uint8(LINE_FEED):
                    i += decode(data, i)[1]
                else:
                    i = end
            if i >= end or data[i] != np.uint8(COMMA):
                break
            i += np.uintp(1)
            num_found += 1
            if num_found < 4 and i < end and data[i] == np.uint8(COMMA):
                i += np.uintp(1)
        if num_found == 4:
            return True
    return False


@kernel
def is_cursed(data: Bytes, begin: np.uintp, end: np.uintp, patterns: Patterns) -> bool:
    """Whether one of the listed patterns stands in a sentence."""
    return bool(
        has_phrase(data, begin, end, patterns.phrases)
        or has_ending(data, begin, end, patterns)
        or has_spelled_words(data, begin, end, 3, True)
        or has_spelled_words(data, begin, end, 4, True)
        or has_spelled_words(data, begin, end, 1, False)
        or has_comma_list(data, begin, end)
    )


@kernel
def skip_spaces(data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes) -> np.uintp:
    """Where the first character that is no whitespace begins, or `end`."""
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        if not classes[code_point] & np.uint8(SPACE):
            return i
        i += width
    return end


@kernel
def judge_sentence(
    data: Bytes,
    begin: np.uintp,
    stop: np.uintp,
    end: np.uintp,
    kinds: np.uint8,
    patterns: Patterns,
    d: np.uintp,
    counts: MadladCounts,
) -> None:
    """Counts a sentence of document `d`, whose end marks are at `data[stop:end]`, if there is more than those."""
    classes = patterns.classes
    if skip_spaces(data, begin, stop, classes) == stop:
        return
    num_chars = 0
    num_technical = 0
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        num_chars += 1
        for byte in TECHNICAL_CHARS:
            num_technical += int(code_point == np.uint32(byte))
        i += width
    list_case = is_list_case(data, begin, end, classes)
    abnormal_length = num_chars < MIN_SENTENCE_CHARS or num_chars > MAX_SENTENCE_CHARS
    technical = num_technical > MAX_TECHNICAL_FRACTION * num_chars
    cursed = is_cursed(data, begin, end, patterns)
    found = LIST_CASE * list_case | ABNORMAL_LENGTH * abnormal_length | TECHNICAL * technical | CURSED * cursed
    counts.num_sentences[d] += np.int64(1)
    counts.num_questionable[d] += np.int64(np.uint8(found) & kinds != 0)
    counts.num_list_case[d] += np.int64(list_case)
    counts.num_abnormal_length[d] += np.int64(abnormal_length)
    counts.num_technical[d] += np.int64(technical)
    counts.num_cursed[d] += np.int64(cursed)


@kernel
def is_terminal(byte: np.uint8) -> bool:
    """Whether a byte is one of . ! ?"""
    return bool(byte == np.uint8(FULL_STOP) or byte == np.uint8(0x21) or byte == np.uint8(0x3F))


@kernel
def count_documents(data: Bytes, offsets: Offsets, kinds: np.uint8, patterns: Patterns, counts: MadladCounts) -> None:
    """Fills `counts` for every document: a sentence ends with a run of . ! ? that has whitespace behind."""
    for document in range(offsets.shape[0] - 1):
        d = np.uintp(document)
        i, end = np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)])
        sentence = i
        while i < end:
            if not is_terminal(data[i]):
                i += np.uintp(1)
                continue
            stop = i
            while i < end and is_terminal(data[i]):
                i += np.uintp(1)
            after = skip_spaces(data, i, end, patterns.classes)
            if after > i:
                judge_sentence(data, sentence, stop, i, kinds, patterns, d, counts)
                sentence = after
                i = after
        judge_sentence(data, sentence, end, end, kinds, patterns, d, counts)


def _phrases(phrases: tuple[str, ...]) -> Phrases:
    data, offsets = document_text(pa.array(phrases, pa.large_string()))
    can_begin = np.zeros(256, np.bool_)
    can_begin[[phrase.encode()[0] for phrase in phrases]] = True
    return Phrases(data, offsets, can_begin)


def madlad_counts(texts: pa.Array, kinds: int, *, with_expressions: bool) -> MadladCounts:
    """Counts of every text of a large_string array. `kinds` are the bits of the kinds that are questionable."""
    patterns = Patterns(
        phrases=_phrases(CURSED_PHRASES + ESCAPED_PHRASES if with_expressions else CURSED_PHRASES),
        endings=_phrases(ENDING_PHRASES if with_expressions else ()),
        classes=regex_classes(),
    )
    counts = MadladCounts(*(np.zeros(len(texts), np.int64) for _ in MadladCounts._fields))
    count_documents(*document_text(texts), np.uint8(kinds), patterns, counts)
    return counts
