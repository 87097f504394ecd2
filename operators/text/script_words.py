"""Words of scripts that write no spaces between them, by a stated rule without a dictionary: the word unit `script`.

A word stands between whitespace, and is parted further where one of these characters stands:

- a Han ideograph or Hiragana is a word of its own, and so is a letter of Thai, Lao, Khmer, Burmese and other scripts
  of Southeast Asia (Line_Break=SA), each with the marks behind it;
- Katakana in a row, with its prolonged sound marks, is one word;
- punctuation and symbols of the CJK and the full-width blocks are words of their own.

That is where the default word boundaries of Unicode (UAX #29, revision 39) lie for these scripts. A text without them
has the words of the unit `whitespace`. What it finds are not the words of a dictionary, but mostly shorter ones.
"""

import unicodedata
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.text.characters import NUM_CODE_POINTS, decode, document_text
from operators.text.split_words import Breaks
from pipeline.kernel import Bytes, Offsets, kernel

Kinds = npt.NDArray[np.uint8]  # (0x110000,)

OTHER: Final = 0
"""Parted by whitespace alone."""
SINGLE: Final = 1
"""A word of its own."""
KATAKANA: Final = 2
"""One word with its like."""
MARK: Final = 3
"""Belongs to the character before it."""

_Ranges = tuple[tuple[int, int], ...]

# blocks and ranges of the Unicode Character Database 14.0
HAN: Final[_Ranges] = (
    (0x3005, 0x3007), (0x3021, 0x3029), (0x3038, 0x303B), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF),
    (0x20000, 0x2FA1F), (0x30000, 0x3134F),
)  # fmt: skip
HIRAGANA: Final[_Ranges] = ((0x3041, 0x3096), (0x309D, 0x309F), (0x1B001, 0x1B11F), (0x1F200, 0x1F200))
SOUTHEAST_ASIAN: Final[_Ranges] = (
    (0x0E01, 0x0E3A), (0x0E40, 0x0E4E), (0x0E81, 0x0ECD), (0x0EDC, 0x0EDF), (0x1000, 0x103F), (0x1050, 0x108F),
    (0x109A, 0x109F), (0x1780, 0x17D3), (0x17D7, 0x17D7), (0x17DC, 0x17DD), (0x1950, 0x1974), (0x1980, 0x19C9),
    (0x1A20, 0x1A7C), (0xA9E0, 0xA9EF), (0xA9FA, 0xA9FE), (0xAA60, 0xAAC2), (0xAADB, 0xAADF), (0x11700, 0x1172B),
)  # fmt: skip
KATAKANA_RANGES: Final[_Ranges] = (
    (0x3031, 0x3035), (0x309B, 0x309C), (0x30A0, 0x30FA), (0x30FC, 0x30FF), (0x31F0, 0x31FF), (0x32D0, 0x32FE),
    (0x3300, 0x3357), (0xFF66, 0xFF9D), (0x1B000, 0x1B000), (0x1B164, 0x1B167),
)  # fmt: skip
"""Of the property Word_Break=Katakana."""
CJK_SYMBOL_BLOCKS: Final[_Ranges] = ((0x3000, 0x303F), (0x30A0, 0x30FF), (0xFE30, 0xFE4F), (0xFF00, 0xFFEF))
VOICING_MARKS: Final[_Ranges] = ((0xFF9E, 0xFF9F),)
"""Half-width; letters by their category, marks by their use (Grapheme_Extend)."""
NUM_CODE_POINTS_WITH_MARKS: Final = 0x20000
"""Marks beyond are variation selectors, which follow."""
VARIATION_SELECTORS: Final[_Ranges] = ((0xE0100, 0xE01EF),)


@lru_cache(maxsize=1)
def script_kinds() -> Kinds:
    """The kind of every code point, (0x110000,) uint8. One shared table: read it only."""
    kinds = np.full(NUM_CODE_POINTS, OTHER, np.uint8)
    for first, last in CJK_SYMBOL_BLOCKS:
        symbols = [code for code in range(first, last + 1) if unicodedata.category(chr(code))[0] in "PS"]
        kinds[symbols] = SINGLE
    for first, last in (*HAN, *HIRAGANA, *SOUTHEAST_ASIAN):
        kinds[first : last + 1] = SINGLE
    for first, last in KATAKANA_RANGES:
        kinds[first : last + 1] = KATAKANA
    marks = [code for code in range(NUM_CODE_POINTS_WITH_MARKS) if unicodedata.category(chr(code))[0] == "M"]
    kinds[marks] = MARK
    for first, last in (*VOICING_MARKS, *VARIATION_SELECTORS):
        kinds[first : last + 1] = MARK
    kinds.flags.writeable = False
    return kinds


@kernel
def put_breaks(data: Bytes, offsets: Offsets, kinds: Kinds, breaks: Breaks) -> np.uintp:
    """Puts where the words of every document are parted into `breaks` and returns how many places there are."""
    num_breaks = np.uintp(0)
    for k in range(offsets.shape[0] - 1):
        i = np.uintp(offsets[np.uintp(k)])
        end = np.uintp(offsets[np.uintp(k + 1)])
        before = np.uint8(OTHER)
        while i < end:
            code_point, width = decode(data, i)
            kind = kinds[code_point]
            if kind != np.uint8(MARK):
                if kind != before or kind == np.uint8(SINGLE):
                    breaks[num_breaks] = np.int64(i)
                    num_breaks += np.uintp(1)
                before = kind
            i += width
    return num_breaks


def script_breaks(texts: pa.Array) -> Breaks:
    """Where the words of a batch of texts are parted, for `scan_split_words`."""
    data, offsets = document_text(texts)
    breaks = np.empty(int(offsets[-1] - offsets[0]), np.int64)
    num_breaks = put_breaks(data, offsets, script_kinds(), breaks)
    found = breaks[:num_breaks].copy()
    found.flags.writeable = False
    return found
