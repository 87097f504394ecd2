"""What the lines of a document look like: links, prose, notices. One pass over the bytes, linear for every text.

Lines end with line feeds alone, as programs count them. Lines of fenced code and indented ones have no features, so
that code is left alone. Letters are: L lines of a document.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from operators.text.characters import (
    LOWERCASE,
    TERMINAL,
    WHITESPACE,
    Classes,
    decode,
    skip_whitespace,
    skip_whitespace_back,
)
from operators.text.code_fences import follow_fence, may_have_code
from operators.text.phrase_automaton import PhraseAutomaton, count_phrases
from operators.text.regex_classes import ALPHANUMERIC, DECIMAL
from operators.text.units import end_of_line
from pipeline.hashing import hash_blocks
from pipeline.kernel import Bytes, kernel

BLANK: Final = 1
PROSE: Final = 2
"""Ends as sentences do, and is long."""
LINK: Final = 4
"""Looks like the text of a link: some words without an end mark."""
INTERFACE: Final = 8
"""Short, and holds a phrase of a page's interface."""
MENU_WORD: Final = 16
"""Is an entry of a menu, or `INTERFACE`: evidence that the lines around it are a menu."""
NOTICE: Final = 32
URL: Final = 64
BREADCRUMBS: Final = 128
REPEATABLE: Final = 256
"""Is no repetition of prose, of code or of a heading if it stands there again."""

# Limits of our own; those that decide most are measured in benchmarks/results/prox_rules.md.
MIN_PROSE_WORDS: Final = 10
MIN_PROSE_CHARS: Final = 40
"""Characters that make prose of a line without spaces, as in Chinese: so many, and `MIN_PROSE_WORD_CHARS` a word."""
MIN_PROSE_WORD_CHARS: Final = 12
MAX_LINK_WORDS: Final = 6
MAX_LINK_CHARS: Final = 50
MAX_PHRASE_WORDS: Final = 4
MAX_NOTICE_WORDS: Final = 40
MAX_NOTICE_BYTES: Final = 400
MIN_REPEATED_WORDS: Final = 4
"""Headings such as "Return value" repeat, too, and are shorter."""
MAX_REPEATED_WORDS: Final = 10
"""Longer ones may be wrapped lines of a sentence that repeats for a reason."""
MIN_SEPARATORS: Final = 2
MAX_CRUMB_WORDS: Final = 3.5

LINE_FEED: Final = 0x0A
CODE_MARKS: Final = np.frombuffer(b"{}<>=;`\\$#*|~^[]", np.uint8)
CLOSERS: Final = np.array([0x22, 0x27, 0x29, 0xBB, 0x2019, 0x201D, 0x2026], np.uint32)
"""Quotes and brackets that may stand behind an end mark, and the ellipsis."""
PAUSES: Final = np.array([0x2C, 0x3A, 0x3B, 0x3001, 0xFF0C, 0xFF1A, 0xFF1B], np.uint32)
"""Commas, colons and semicolons: what a text goes on behind."""
SEPARATORS: Final = np.array([0x3E, 0x7C, 0xB7, 0xBB, 0x2022, 0x203A], np.uint32)
"""Greater-than sign, vertical line, middle dot, angle quotation marks to the right, bullet."""
SPACE: Final = 0x20
TAB: Final = 0x09
COLON: Final = 0x3A

Features = npt.NDArray[np.uint16]
Hashes = npt.NDArray[np.uint64]


class Tables(NamedTuple):
    """What is known about characters and phrases."""

    characters: Classes
    regex: Classes
    is_code_mark: npt.NDArray[np.bool_]  # (256,)
    interface: PhraseAutomaton
    menu: PhraseAutomaton
    notices: PhraseAutomaton
    copyright: PhraseAutomaton


class Shape(NamedTuple):
    """What one look at each character of a line finds."""

    num_words: np.int64
    num_chars: np.int64
    num_separators: np.int64
    """Between words, the next of which does not begin with a small letter."""
    has_code: bool
    has_letters: bool
    has_field: bool
    """Whether a colon stands before a space, as in `Name: value`."""
    has_small_crumb: bool
    last: np.uint32


@kernel
def _is_one_of(code_point: np.uint32, wanted: npt.NDArray[np.uint32]) -> bool:
    found = False
    for k in range(wanted.shape[0]):
        found |= wanted[np.uintp(k)] == code_point
    return found


@kernel
def _shape(data: Bytes, begin: np.uintp, end: np.uintp, tables: Tables) -> Shape:
    """Of a line without whitespace around it, that is not empty."""
    num_words = num_chars = num_separators = np.int64(0)
    has_code = has_letters = has_field = has_small_crumb = False
    was_space = True
    before = last = np.uint32(0)
    since_separator = np.int64(0)  # 1 behind a separator that stands behind a space, 2 behind a space that follows it
    i = begin
    while i < end:
        last, width = decode(data, i)
        bits = tables.characters[last]
        is_space = bits & np.uint8(WHITESPACE) != 0
        num_chars += 1
        num_words += np.int64(was_space and not is_space)
        has_code = has_code or bool(last < np.uint32(0x80) and tables.is_code_mark[last])
        is_alphanumeric = tables.regex[last] & np.uint8(ALPHANUMERIC) != 0
        has_letters = has_letters or (is_alphanumeric and tables.regex[last] & np.uint8(DECIMAL) == 0)
        has_field = has_field or (is_space and before == np.uint32(COLON))
        if since_separator == 2 and is_alphanumeric:
            num_separators += 1
            has_small_crumb = has_small_crumb or bits & np.uint8(LOWERCASE) != 0
        if is_space:
            since_separator = np.int64(2 if since_separator > 0 else 0)
        else:
            since_separator = np.int64(was_space and i > begin and _is_one_of(last, SEPARATORS))
        before = last
        was_space = is_space
        i += width
    return Shape(num_words, num_chars, num_separators, has_code, has_letters, has_field, has_small_crumb, last)


@kernel
def _has_year(lowered: Bytes, num_bytes: np.uintp) -> bool:
    """Whether four digits stand there that begin with 19 or 20."""
    for k in range(np.int64(num_bytes) - np.int64(3)):
        i = np.uintp(k)
        first, second = lowered[i], lowered[i + np.uintp(1)]
        is_century = (first == np.uint8(0x31) and second == np.uint8(0x39)) or (
            first == np.uint8(0x32) and second == np.uint8(0x30)
        )
        third = np.uint8(lowered[i + np.uintp(2)] - np.uint8(0x30))
        fourth = np.uint8(lowered[i + np.uintp(3)] - np.uint8(0x30))
        if is_century and third < np.uint8(10) and fourth < np.uint8(10):
            return True
    return False


@kernel
def _phrase_features(lowered: Bytes, num_bytes: np.uintp, shape: Shape, is_ended: bool, tables: Tables) -> int:
    """Of a line without code, in small letters."""
    none = np.uintp(0)
    features = 0
    if shape.num_words <= MAX_PHRASE_WORDS and not is_ended:
        if count_phrases(lowered, none, num_bytes, tables.interface, tables.regex, True) > 0:
            features |= INTERFACE | MENU_WORD
        else:
            state = np.uint32(0)
            for k in range(num_bytes):
                state = tables.menu.next_state[np.uintp(state), np.uintp(lowered[np.uintp(k)])]
            if np.uintp(tables.menu.phrase_bytes[np.uintp(state)]) == num_bytes:
                features |= MENU_WORD
    if shape.num_words <= MAX_NOTICE_WORDS:
        is_notice = count_phrases(lowered, none, num_bytes, tables.notices, tables.regex, True) > 0
        if not is_notice and _has_year(lowered, num_bytes):
            is_notice = count_phrases(lowered, none, num_bytes, tables.copyright, tables.regex, False) > 0
        features |= NOTICE if is_notice else 0
    return features


@kernel
def _is_url(data: Bytes, begin: np.uintp, end: np.uintp) -> bool:
    """Whether `http://`, `https://` or `www.` stands at `begin`, and more."""
    if end - begin < np.uintp(9):
        return False
    if data[begin] == np.uint8(0x77):
        return bool(
            data[begin + np.uintp(1)] == np.uint8(0x77)
            and data[begin + np.uintp(2)] == np.uint8(0x77)
            and data[begin + np.uintp(3)] == np.uint8(0x2E)
        )
    http = (np.uint8(0x68), np.uint8(0x74), np.uint8(0x74), np.uint8(0x70))
    for k in range(4):
        if data[begin + np.uintp(k)] != http[k]:
            return False
    i = begin + np.uintp(4)
    if data[i] == np.uint8(0x73):
        i += np.uintp(1)
    return bool(
        data[i] == np.uint8(COLON)
        and data[i + np.uintp(1)] == np.uint8(0x2F)
        and data[i + np.uintp(2)] == np.uint8(0x2F)
    )


@kernel
def _line_features(data: Bytes, line: np.uintp, begin: np.uintp, end: np.uintp, tables: Tables, lowered: Bytes) -> int:
    """Of the line at `line`, whose text without whitespace around it is `data[begin:end]`."""
    shape = _shape(data, begin, end, tables)
    is_indented = data[line] == np.uint8(TAB) or (
        begin > line + np.uintp(1) and data[line] == np.uint8(SPACE) and data[line + np.uintp(1)] == np.uint8(SPACE)
    )
    first, _ = decode(data, begin)
    begins_as_word = tables.regex[first] & np.uint8(ALPHANUMERIC) != 0
    has_mark = tables.characters[shape.last] & np.uint8(TERMINAL) != 0 or _is_one_of(shape.last, CLOSERS)
    is_ended = has_mark or _is_one_of(shape.last, PAUSES)
    is_long = shape.num_words >= MIN_PROSE_WORDS or (
        shape.num_chars >= MIN_PROSE_CHARS and shape.num_chars >= MIN_PROSE_WORD_CHARS * shape.num_words
    )
    features = PROSE if has_mark and is_long else 0
    if is_indented:
        return features
    if shape.num_words == 1 and not is_ended and _is_url(data, begin, end):
        features |= URL
    num_crumb_words = np.float64(shape.num_words - shape.num_separators)
    has_crumbs = shape.num_separators >= MIN_SEPARATORS and not shape.has_small_crumb
    if (
        begins_as_word
        and not is_ended
        and has_crumbs
        and num_crumb_words <= MAX_CRUMB_WORDS * np.float64(shape.num_separators + 1)
    ):
        features |= BREADCRUMBS
    num_bytes = end - begin
    if shape.has_code or num_bytes > np.uintp(MAX_NOTICE_BYTES):
        return features
    for k in range(num_bytes):
        byte = data[begin + np.uintp(k)]
        lowered[np.uintp(k)] = byte | np.uint8(0x20) if np.uint8(byte - np.uint8(0x41)) < np.uint8(26) else byte
    is_name = begins_as_word and tables.characters[first] & np.uint8(LOWERCASE) == 0
    features |= _phrase_features(lowered, num_bytes, shape, is_ended, tables)
    if tables.characters[first] & np.uint8(LOWERCASE):
        features &= ~INTERFACE  # the end of a sentence, in a text of wrapped lines
    is_short = shape.num_words <= MAX_LINK_WORDS and shape.num_chars <= MAX_LINK_CHARS
    if is_short and begins_as_word and shape.has_letters and not is_ended and not shape.has_field:
        features |= LINK
    has_words = shape.num_words >= MIN_REPEATED_WORDS and shape.num_words <= MAX_REPEATED_WORDS
    if is_name and not is_ended and (has_words or features & MENU_WORD):
        features |= REPEATABLE
    return features


@kernel
def read_lines(
    data: Bytes,
    begin: np.uintp,
    end: np.uintp,
    tables: Tables,
    lowered: Bytes,
    features: Features,
    hashes: Hashes,
) -> np.uintp:
    """Puts the features of a document's lines, and hashes of those that may repeat, into the first of (L,) slots.

    Returns how many lines there are: one more than line feeds. `lowered` has room for `MAX_NOTICE_BYTES`.
    """
    has_fences = may_have_code(data, begin, end)
    marker = np.uint8(0)
    length = np.uintp(0)
    num_lines = np.uintp(0)
    line = begin
    while True:
        stop = end_of_line(data, line, end)
        is_code = False
        if has_fences:
            marker, length, is_code = follow_fence(data, line, stop, marker, length)
        first = skip_whitespace(data, line, stop, tables.characters)
        last = skip_whitespace_back(data, first, stop, tables.characters)
        found = BLANK
        if first < last:
            found = 0 if is_code else _line_features(data, line, first, last, tables, lowered)
        features[num_lines] = np.uint16(found)
        if found & REPEATABLE:
            hashes[num_lines] = hash_blocks(data, first, last)
        num_lines += np.uintp(1)
        if stop == end:
            return num_lines
        line = stop + np.uintp(1)
