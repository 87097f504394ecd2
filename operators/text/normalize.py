"""Words of a text after normalisation, as 64-bit hashes; the ground of all near-duplicate detection.

The rule, in this order: lower case; every number (decimal digits of any script, with at most one `.` or `,` between
digits) becomes `0`; white space, control characters and punctuation separate words; canonical decomposition, and
nonspacing marks are dropped. In scripts written without spaces every character is a word of its own.

Arrays: B bytes of text, W words, T entries of the fold table.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.hashing import GOLDEN_RATIO, WORD_MULTIPLIER, mix64
from pipeline.kernel import Bytes, kernel

FOLD_UNICODE_VERSION: Final = "14.0.0"
FOLD_FILE: Final = f"fold_unicode_{FOLD_UNICODE_VERSION}.npy"
"""Shipped rather than computed: each Python carries its own Unicode version, and words must not depend on it."""

SEPARATOR: Final = np.uint32(0)
DROPPED: Final = np.uint32(1)
DIGIT: Final = np.uint32(ord("0"))
STANDALONE: Final = np.uint32(1 << 31)
"""Flag of a folded character that is a word of its own."""

_BLOCK_BITS: Final = 7
_BLOCK: Final = 1 << _BLOCK_BITS
_CODE_POINTS: Final = 0x110000
CODE_POINT_MASK: Final = np.uint64(0x1FFFFF)

# The punctuation that datatrove 0.10 turns into spaces (its default text normalisation): all of ASCII's, and these.
# Other punctuation, such as Arabic or Indic, is part of words there, and so it is here. Its list also has the digit
# U+FF11, which never counts: numbers are folded first.
_PUNCTUATION: Final = frozenset(
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~´«»–—’“”„…∶━►、。〈〉《》「」【】！％（），．：；？～"  # noqa: RUF001 -- meant
)
_CONTROL: Final = frozenset(map(chr, (*range(0x20), *range(0x7F, 0xA0))))

_STANDALONE_RANGES: Final = (
    (0x0E00, 0x0E7F),  # Thai
    (0x0E80, 0x0EFF),  # Lao
    (0x1000, 0x109F),  # Myanmar (Burmese)
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF),  # CJK and Kangxi radicals
    (0x3005, 0x3007),  # ideographic iteration mark, closing mark, zero
    (0x3021, 0x3029),  # Suzhou numerals
    (0x3040, 0x312F),  # Hiragana, Katakana, Bopomofo
    (0x31A0, 0x31BF),  # Bopomofo extended
    (0x31F0, 0x31FF),  # Katakana phonetic extensions
    (0x3400, 0x4DBF),  # CJK extension A
    (0x4E00, 0x9FFF),  # CJK unified ideographs
    (0xA9E0, 0xA9FF),  # Myanmar extended B
    (0xAA60, 0xAA7F),  # Myanmar extended A
    (0xF900, 0xFAFF),  # CJK compatibility ideographs
    (0xFF66, 0xFF9F),  # halfwidth Katakana
    (0x1AFF0, 0x1B16F),  # Kana extensions and supplement
    (0x20000, 0x3FFFF),  # the two ideographic planes
)


class Folding(NamedTuple):
    """The tables that `scan_words` reads."""

    table: npt.NDArray[np.uint32]  # (T,) two levels in one: offsets of blocks, then blocks of (folded - code point)
    letters: npt.NDArray[np.uint64]  # (128,) hash of each folded ASCII character; 0 for a separator


@kernel
def fold(code_point: np.uint32, table: npt.NDArray[np.uint32]) -> np.uint32:
    """What a code point becomes: SEPARATOR, DROPPED, DIGIT, or a character, perhaps flagged STANDALONE."""
    block = table[np.uintp(code_point >> np.uint32(_BLOCK_BITS))]
    return np.uint32(table[np.uintp(block + (code_point & np.uint32(_BLOCK - 1)))] + code_point)


@kernel
def letter_hash(folded: np.uint32) -> np.uint64:
    """64 bits for a folded character, without its flag. Not 0, as neither factor is."""
    return mix64((np.uint64(folded) & CODE_POINT_MASK) * GOLDEN_RATIO)


@kernel
def _hash_ascii(table: npt.NDArray[np.uint32], out: npt.NDArray[np.uint64]) -> None:
    """Fills `letters` of a Folding. All of ASCII folds to separators or to characters that extend a word."""
    for code_point in range(out.shape[0]):
        folded = fold(np.uint32(code_point), table)
        out[np.uintp(code_point)] = np.uint64(0) if folded == SEPARATOR else letter_hash(folded)


@kernel
def decode(data: Bytes, at: np.uintp) -> tuple[np.uint32, np.uintp]:
    """The code point that begins at a lead byte >= 0xC2 of valid UTF-8, and where the next one begins."""
    lead = np.uint32(data[at])
    second = np.uint32(data[at + np.uintp(1)]) & np.uint32(0x3F)
    if lead < np.uint32(0xE0):
        return np.uint32((lead & np.uint32(0x1F)) << np.uint32(6) | second), at + np.uintp(2)
    third = np.uint32(data[at + np.uintp(2)]) & np.uint32(0x3F)
    if lead < np.uint32(0xF0):
        high = (lead & np.uint32(0x0F)) << np.uint32(12)
        return np.uint32(high | second << np.uint32(6) | third), at + np.uintp(3)
    fourth = np.uint32(data[at + np.uintp(3)]) & np.uint32(0x3F)
    high = (lead & np.uint32(0x07)) << np.uint32(18) | second << np.uint32(12)
    return np.uint32(high | third << np.uint32(6) | fourth), at + np.uintp(4)


@kernel
def digit_at(data: Bytes, at: np.uintp, end: np.uintp, table: npt.NDArray[np.uint32]) -> bool:
    """Whether a decimal digit of any script begins at `at`."""
    if at >= end:
        return False
    if data[at] < np.uint8(128):
        return bool(np.uint8(data[at] - np.uint8(48)) < np.uint8(10))
    code_point, _ = decode(data, at)
    return bool(fold(code_point, table) == DIGIT)


@kernel
def scan_words(data: Bytes, start: int, stop: int, folding: Folding, out: npt.NDArray[np.uint64]) -> int:
    """Hashes the words of `data[start:stop]` (valid UTF-8) into `out`, in order; returns how many there are.

    `out` needs `max_words(stop - start)` entries. A word's hash is a polynomial over its letters' hashes, mixed: no
    period, unlike a cyclic polynomial, in which a run of 64 equal letters cancels itself.
    """
    table, letters = folding
    num_words = np.uintp(0)
    at = np.uintp(start)
    end = np.uintp(stop)
    word = np.uint64(0)  # 0 is no word: a word hashes to it with probability 2^-64
    after_digit: np.bool_ = np.bool_(False)
    in_decimals: np.bool_ = np.bool_(False)
    while at < end:
        byte = data[at]
        if byte < np.uint8(128):
            # Nearly all text comes this way, so it has one branch for points in numbers and none for words.
            letter = letters[byte]
            at += np.uintp(1)
            if (
                after_digit
                and not in_decimals
                and (byte == np.uint8(46) or byte == np.uint8(44))
                and digit_at(data, at, end, table)
            ):
                in_decimals = np.bool_(True)
                continue
            is_digit = np.uint8(byte - np.uint8(48)) < np.uint8(10)
            is_separator = letter == np.uint64(0)
            out[num_words] = word
            num_words += np.uintp(is_separator & (word != np.uint64(0)))
            grown = (word + letter) * WORD_MULTIPLIER
            grown = word if is_digit & after_digit else grown
            word = np.uint64(0) if is_separator else grown
            in_decimals = in_decimals & is_digit
            after_digit = is_digit
            continue
        code_point, at = decode(data, at)
        folded = fold(code_point, table)
        is_digit = folded == DIGIT
        if folded == SEPARATOR or folded & STANDALONE:
            out[num_words] = word
            num_words += np.uintp(word != np.uint64(0))
            word = np.uint64(0)
        if folded & STANDALONE:
            out[num_words] = letter_hash(folded) * WORD_MULTIPLIER
            num_words += np.uintp(1)
        elif folded not in (SEPARATOR, DROPPED) and not (is_digit and after_digit):
            word = (word + letter_hash(folded)) * WORD_MULTIPLIER
        in_decimals = in_decimals & is_digit
        after_digit = is_digit
    if word != np.uint64(0):
        out[num_words] = word
        num_words += np.uintp(1)
    for index in range(num_words):
        out[np.uintp(index)] = mix64(out[np.uintp(index)])
    return int(np.int64(num_words))  # signed, as a caller mixes it with its own counts


def max_words(num_bytes: int) -> int:
    """Entries that `scan_words` may write for so many bytes: a word takes two, its separator included."""
    return num_bytes // 2 + 2


def word_hashes(text: str) -> npt.NDArray[np.uint64]:
    """The hashes of a text's normalised words, in order. For one text; operators scan whole batches."""
    data = np.frombuffer(text.encode(), np.uint8)
    out = np.empty(max_words(len(data)), np.uint64)
    return out[: scan_words(data, 0, len(data), load_folding(), out)]


@lru_cache(maxsize=1)
def load_folding() -> Folding:
    """The tables, read from the package once a process. They are read-only."""
    with files("operators.text").joinpath(FOLD_FILE).open("rb") as stream:
        table: npt.NDArray[np.uint32] = np.load(stream)
    letters = np.empty(128, np.uint64)
    _hash_ascii(table, letters)
    return Folding(table, letters)


def _separates(character: str) -> bool:
    return character in _PUNCTUATION or character in _CONTROL or character.isspace()


def flagged(code_point: int) -> int:
    """The code point, with STANDALONE where it is of a script written without spaces."""
    nearest = bisect_right(_STANDALONE_RANGES, (code_point, _CODE_POINTS)) - 1
    alone = nearest >= 0 and code_point <= _STANDALONE_RANGES[nearest][1]
    return code_point | int(STANDALONE) if alone else code_point


def fold_character(character: str) -> int:
    """What one character becomes, by this Python's Unicode data. The statement that the shipped table is made from."""
    category = unicodedata.category(character)
    if category == "Nd":
        return int(DIGIT)
    if category == "Cs" or _separates(character):
        return int(SEPARATOR)
    if category in {"Cn", "Co"}:  # not assigned, or for private use: no case and no decomposition
        return flagged(ord(character))
    # Lower case of a capital sigma depends on its place in the word; one form for all makes the scan local.
    lowered = character.lower().replace("\N{GREEK SMALL LETTER FINAL SIGMA}", "\N{GREEK SMALL LETTER SIGMA}")
    bases = [part for part in unicodedata.normalize("NFD", lowered) if unicodedata.category(part) != "Mn"]
    if not bases:
        return int(DROPPED)
    # A character with several bases (a Hangul syllable) stands for itself; so does one whose base is punctuation
    # (a crossed-out equals sign), because separators are found before decomposition.
    return flagged(ord(lowered[0] if len(bases) > 1 or _separates(bases[0]) else bases[0]))


def build_fold_table(rule: Callable[[str], int] = fold_character) -> npt.NDArray[np.uint32]:
    """(T,) the table of a rule for one character: equal blocks of differences are stored once."""
    code_points = np.arange(_CODE_POINTS, dtype=np.int64)
    values = np.fromiter((rule(chr(code_point)) for code_point in range(_CODE_POINTS)), np.int64, _CODE_POINTS)
    differences = ((values - code_points) & 0xFFFFFFFF).astype(np.uint32).reshape(-1, _BLOCK)
    blocks, block_of = np.unique(differences, axis=0, return_inverse=True)
    offsets = len(differences) + block_of.reshape(-1).astype(np.uint32) * np.uint32(_BLOCK)
    return np.concatenate([offsets.astype(np.uint32), blocks.reshape(-1)])


def save_fold_table(directory: Path) -> Path:
    """Writes the table for this Python's Unicode version: how the shipped file was made (Python 3.11)."""
    path = directory / f"fold_unicode_{unicodedata.unidata_version}.npy"
    np.save(path, build_fold_table())
    return path
