"""What kernels know about single characters: their classes, as one table over all code points, and steps over UTF-8.

The table comes from the running Python's Unicode data and takes about 0.02 s to make, so it is made on first use and
passed to kernels as an argument. Text is valid UTF-8 here: readers quarantine anything else.
"""

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.kernel import Bytes, Offsets, borrowing_kernel, inline_kernel, text_buffers

Classes = npt.NDArray[np.uint8]  # (0x110000,) bits of the code point

WHITESPACE: Final = 1
"""`str.isspace`: what `str.split()` splits at and `str.strip()` strips."""
ALPHABETIC: Final = 2
"""`str.isalpha`: letters of any script, without combining marks."""
CONTENT: Final = 4
"""Anything but whitespace, the symbols of SYMBOL_RANGES and the marks of TERMINAL_RANGES."""
DECIMAL: Final = 8
"""`str.isdecimal`: digits of any script."""
UPPERCASE: Final = 16
"""`str.isupper` of the one character."""
LOWERCASE: Final = 32
"""A cased character that is not upper case: `str.islower` or `str.istitle` without `str.isupper`."""
HASH_OR_ELLIPSIS: Final = 64
"""`#` and U+2026, the symbols that Gopher's rule on symbols names (Rae et al. 2021, appendix A1.1)."""
TERMINAL: Final = 128
"""A mark of TERMINAL_RANGES."""

NUM_CODE_POINTS: Final = 0x110000
NUM_LETTER_POINTS: Final = 0x40000
"""Code points among which all letters, digits and spaces are: planes 4 to 13 are empty, those behind hold none."""

SYMBOL_RANGES: Final[tuple[tuple[int, int], ...]] = (
    # ASCII punctuation and the control characters
    (0x00, 0x08), (0x0B, 0x1F), (0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x9F),
    # quotation marks, dashes and full-width forms; 0xFF11, a digit, stands in the published set and so stands here
    (0xAB, 0xAB), (0xB4, 0xB4), (0xBB, 0xBB), (0x2013, 0x2014), (0x2019, 0x2019), (0x201C, 0x201E), (0x2026, 0x2026),
    (0x2236, 0x2236), (0x2501, 0x2501), (0x25BA, 0x25BA), (0x3001, 0x3002), (0x3008, 0x300D), (0x3010, 0x3011),
    (0xFF01, 0xFF01), (0xFF05, 0xFF05), (0xFF08, 0xFF09), (0xFF0C, 0xFF0C), (0xFF0E, 0xFF0E), (0xFF11, 0xFF11),
    (0xFF1A, 0xFF1B), (0xFF1F, 0xFF1F), (0xFF5E, 0xFF5E),
)  # fmt: skip
"""First and last code points of the characters that datatrove 0.10.1 takes for punctuation when it counts words, beside
those of TERMINAL_RANGES."""

TERMINAL_RANGES: Final[tuple[tuple[int, int], ...]] = (
    (0x21, 0x21), (0x2E, 0x2E), (0x3F, 0x3F), (0x3002, 0x3002), (0xFF01, 0xFF01), (0xFF0E, 0xFF0E), (0xFF1F, 0xFF1F),
    (0x589, 0x589), (0x61D, 0x61F), (0x6D4, 0x6D4), (0x700, 0x702), (0x7F9, 0x7F9), (0x837, 0x837), (0x839, 0x839),
    (0x83D, 0x83E), (0x964, 0x965), (0x104A, 0x104B), (0x1362, 0x1362), (0x1367, 0x1368), (0x166E, 0x166E),
    (0x1735, 0x1736), (0x17D4, 0x17D6), (0x17D9, 0x17DA), (0x1803, 0x1803), (0x1809, 0x1809), (0x1944, 0x1945),
    (0x1AA8, 0x1AAB), (0x1B5A, 0x1B5B), (0x1B5E, 0x1B5F), (0x1B7D, 0x1B7E), (0x1C3B, 0x1C3C), (0x1C7E, 0x1C7F),
    (0x203C, 0x203D), (0x2047, 0x2049), (0x2E2E, 0x2E2E), (0x2E3C, 0x2E3C), (0x2E53, 0x2E54), (0xA4FF, 0xA4FF),
    (0xA60E, 0xA60F), (0xA6F3, 0xA6F3), (0xA6F7, 0xA6F7), (0xA876, 0xA877), (0xA8CE, 0xA8CF), (0xA92F, 0xA92F),
    (0xA9C8, 0xA9C9), (0xAA5D, 0xAA5F), (0xAAF0, 0xAAF1), (0xABEB, 0xABEB), (0xFE52, 0xFE52), (0xFE56, 0xFE57),
    (0xFF61, 0xFF61), (0x10A56, 0x10A57), (0x10F55, 0x10F59), (0x10F86, 0x10F89), (0x11047, 0x11048),
    (0x110BE, 0x110C1), (0x11141, 0x11143), (0x111C5, 0x111C6), (0x111CD, 0x111CD), (0x111DE, 0x111DF),
    (0x11238, 0x11239), (0x1123B, 0x1123C), (0x112A9, 0x112A9), (0x1144B, 0x1144C), (0x115C2, 0x115C3),
    (0x115C9, 0x115D7), (0x11641, 0x11642), (0x1173C, 0x1173E), (0x11944, 0x11944), (0x11946, 0x11946),
    (0x11A42, 0x11A43), (0x11A9B, 0x11A9C), (0x11C41, 0x11C42), (0x11EF7, 0x11EF8), (0x11F43, 0x11F44),
    (0x16A6E, 0x16A6F), (0x16AF5, 0x16AF5), (0x16B37, 0x16B38), (0x16B44, 0x16B44), (0x16E98, 0x16E98),
    (0x1BC9F, 0x1BC9F), (0x1DA88, 0x1DA88),
)  # fmt: skip
"""First and last code points of the marks that end a line of prose in FineWeb's rules, as datatrove 0.10.1 lists them
(`TERMINAL_PUNCTUATION`): what ends a sentence in any script, by Unicode's property Sentence_Terminal."""


@lru_cache(maxsize=1)
def character_classes() -> Classes:
    """The class bits of every code point, (0x110000,) uint8. One shared table: read it only."""
    classes = np.full(NUM_CODE_POINTS, CONTENT, np.uint8)
    for first, last in (*SYMBOL_RANGES, *TERMINAL_RANGES):
        classes[first : last + 1] = 0
    characters = letter_points()
    letters = classes[:NUM_LETTER_POINTS]
    letters[np.strings.isspace(characters)] = WHITESPACE
    letters[np.strings.isalpha(characters)] |= ALPHABETIC
    letters[np.strings.isdecimal(characters)] |= DECIMAL
    upper = np.strings.isupper(characters)
    letters[upper] |= UPPERCASE
    letters[(np.strings.islower(characters) | np.strings.istitle(characters)) & ~upper] |= LOWERCASE
    classes[[ord("#"), 0x2026]] |= HASH_OR_ELLIPSIS
    for first, last in TERMINAL_RANGES:
        classes[first : last + 1] |= TERMINAL
    classes.flags.writeable = False
    return classes


def letter_points() -> npt.NDArray[np.str_]:
    """The characters of the code points among which all letters are, (NUM_LETTER_POINTS,) strings of one character."""
    return np.arange(NUM_LETTER_POINTS, dtype=np.uint32).view("<U1")


def document_text(array: pa.Array) -> tuple[Bytes, Offsets]:
    """The buffers of `text_buffers`, always read-only: empty ones would else make kernels compile a second time."""
    data, offsets = text_buffers(array)
    data.flags.writeable = False
    offsets.flags.writeable = False
    return data, offsets


def longest_text(offsets: Offsets) -> int:
    """Bytes of the longest document; 0 where there is none."""
    return int(np.diff(offsets).max(initial=0))


@inline_kernel
def decode(data: Bytes, i: np.uintp) -> tuple[np.uint32, np.uintp]:
    """The code point that begins at byte `i`, and how many bytes it takes."""
    lead = np.uint32(data[i])
    if lead < np.uint32(0x80):
        return lead, np.uintp(1)
    low = np.uint32(data[i + np.uintp(1)]) & np.uint32(0x3F)
    if lead < np.uint32(0xE0):
        return ((lead & np.uint32(0x1F)) << np.uint32(6)) | low, np.uintp(2)
    low = (low << np.uint32(6)) | (np.uint32(data[i + np.uintp(2)]) & np.uint32(0x3F))
    if lead < np.uint32(0xF0):
        return ((lead & np.uint32(0x0F)) << np.uint32(12)) | low, np.uintp(3)
    low = (low << np.uint32(6)) | (np.uint32(data[i + np.uintp(3)]) & np.uint32(0x3F))
    return ((lead & np.uint32(0x07)) << np.uint32(18)) | low, np.uintp(4)


@borrowing_kernel
def count_characters(data: Bytes, begin: np.uintp, end: np.uintp) -> np.int64:
    """Code points in `data[begin:end]`: its bytes less the continuation bytes."""
    num_chars = np.int64(0)
    for i in range(begin, end):
        num_chars += np.int64((data[np.uintp(i)] & np.uint8(0xC0)) != np.uint8(0x80))
    return num_chars


@borrowing_kernel
def skip_whitespace(data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes) -> np.uintp:
    """Where the first character that is not whitespace begins; `end` where there is none."""
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        if not classes[code_point] & np.uint8(WHITESPACE):
            return i
        i += width
    return end


@borrowing_kernel
def skip_whitespace_back(data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes) -> np.uintp:
    """Where the last character that is not whitespace ends; `begin` where there is none."""
    i = end
    while i > begin:
        last = i - np.uintp(1)
        while (data[last] & np.uint8(0xC0)) == np.uint8(0x80):
            last -= np.uintp(1)
        code_point, _ = decode(data, last)
        if not classes[code_point] & np.uint8(WHITESPACE):
            return i
        i = last
    return begin
