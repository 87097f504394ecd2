"""The characters of a text after one of several normalisations: what character n-grams, tokens and other words are of.

    datatrove   the rule of `operators.text.normalize`; a run of separators is one space, none at the ends
    lowercase   lower case; ASCII punctuation is dropped; a run of white space is one space, none at the ends
    none        the text as it is

A character may be several bytes long: it is a Unicode code point. Arrays: B bytes of text, C characters.
"""

import string
import unicodedata
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from operators.text.normalize import (
    CODE_POINT_MASK,
    DIGIT,
    DROPPED,
    FOLD_UNICODE_VERSION,
    SEPARATOR,
    STANDALONE,
    build_fold_table,
    decode,
    digit_at,
    flagged,
    fold,
    fold_character,
    letter_hash,
)
from pipeline.hashing import WORD_MULTIPLIER, mix64
from pipeline.kernel import Bytes, kernel

Characters = npt.NDArray[np.uint32]

SPACE: Final = np.uint32(ord(" "))


class Normalization(StrEnum):
    """What is done to a text before it is cut into shingles."""

    DATATROVE = "datatrove"
    LOWERCASE = "lowercase"
    NONE = "none"


class CharacterRule(NamedTuple):
    """What `normalize_characters` does."""

    table: npt.NDArray[np.uint32]  # (T,) as in a Folding
    folds_numbers: bool
    verbatim: bool
    """Characters stay as they are, white space too; the table is not read."""


def _lowered(character: str) -> int:
    """As `fold_character`, for `lowercase`."""
    if character in string.punctuation:
        return int(DROPPED)
    # One form of sigma, because the other depends on its place in the word; one character of a dotted capital i.
    lowered = character.lower().replace("\N{GREEK SMALL LETTER FINAL SIGMA}", "\N{GREEK SMALL LETTER SIGMA}")
    return _as_it_is(lowered[0])


def _as_it_is(character: str) -> int:
    """As `fold_character`, for words of unchanged text. U+0000 and U+0001 are marks of ours: they separate words."""
    separates = character.isspace() or ord(character) <= int(DROPPED) or unicodedata.category(character) == "Cs"
    return int(SEPARATOR) if separates else flagged(ord(character))


_RULES: Final[dict[Normalization, tuple[str, Callable[[str], int]]]] = {
    Normalization.DATATROVE: (f"fold_unicode_{FOLD_UNICODE_VERSION}.npy", fold_character),
    Normalization.LOWERCASE: (f"lower_unicode_{FOLD_UNICODE_VERSION}.npy", _lowered),
    Normalization.NONE: (f"words_unicode_{FOLD_UNICODE_VERSION}.npy", _as_it_is),
}


@cache
def load_rule(normalization: Normalization, *, verbatim: bool = False) -> CharacterRule:
    """The rule of a normalisation, its table read from the package once a process.

    `verbatim` says that white space counts where the normalisation leaves it alone; words cannot want that.
    """
    name, _ = _RULES[normalization]
    with files("operators.text").joinpath(name).open("rb") as stream:
        table: npt.NDArray[np.uint32] = np.load(stream)
    unchanged = verbatim and normalization is Normalization.NONE
    return CharacterRule(table, normalization is Normalization.DATATROVE, unchanged)


def save_rule_table(normalization: Normalization, directory: Path) -> Path:
    """Writes a table for this Python's Unicode version: how the shipped files were made (Python 3.11)."""
    name, rule = _RULES[normalization]
    path = directory / name
    np.save(path, build_fold_table(rule))
    return path


@kernel
def normalize_characters(data: Bytes, start: int, stop: int, rule: CharacterRule, out: Characters) -> int:
    """Writes the characters of `data[start:stop]` (valid UTF-8) after a rule; returns C, at most stop - start.

    A character that is a word of its own keeps its flag STANDALONE.
    """
    table, folds_numbers, verbatim = rule
    num = np.uintp(0)
    at = np.uintp(start)
    end = np.uintp(stop)
    separated: np.bool_ = np.bool_(False)
    after_digit: np.bool_ = np.bool_(False)
    in_decimals: np.bool_ = np.bool_(False)
    while at < end:
        code_point = np.uint32(data[at])
        if code_point < np.uint32(128):
            at += np.uintp(1)
        else:
            code_point, at = decode(data, at)
        if verbatim:
            out[num] = code_point
            num += np.uintp(1)
            continue
        is_point = code_point == np.uint32(46) or code_point == np.uint32(44)
        if folds_numbers and after_digit and not in_decimals and is_point and digit_at(data, at, end, table):
            in_decimals = np.bool_(True)
            continue
        folded = fold(code_point, table)
        is_digit = np.bool_(folds_numbers) & (folded == DIGIT)
        if folded == SEPARATOR:
            separated = num > np.uintp(0)
        elif folded != DROPPED and not (is_digit and after_digit):
            out[num] = SPACE
            num += np.uintp(separated)
            out[num] = folded
            num += np.uintp(1)
            separated = np.bool_(False)
        in_decimals = in_decimals & is_digit
        after_digit = is_digit
    return int(np.int64(num))


@kernel
def words_of_characters(characters: Characters, num_characters: int, out: npt.NDArray[np.uint64]) -> int:
    """Writes the hashes of the words of normalised characters, in order; returns how many, C at most.

    Equal words have the hashes that `scan_words` gives them.
    """
    num_words = np.uintp(0)
    word = np.uint64(0)
    for index in range(num_characters):
        character = characters[np.uintp(index)]
        alone = (character & STANDALONE) != np.uint32(0)
        if (alone or character == SPACE) and word != np.uint64(0):
            out[num_words] = mix64(word)
            num_words += np.uintp(1)
            word = np.uint64(0)
        if alone:
            out[num_words] = mix64(letter_hash(character) * WORD_MULTIPLIER)
            num_words += np.uintp(1)
        elif character != SPACE:
            word = (word + letter_hash(character)) * WORD_MULTIPLIER
    if word != np.uint64(0):
        out[num_words] = mix64(word)
        num_words += np.uintp(1)
    return int(np.int64(num_words))


@kernel
def character_hashes(characters: Characters, num_characters: int, out: npt.NDArray[np.uint64]) -> None:
    """Writes a hash of every character, (C,)."""
    for index in range(num_characters):
        out[np.uintp(index)] = letter_hash(characters[np.uintp(index)])


def text_of(characters: Characters) -> str:
    """The text that normalised characters are."""
    return (characters & np.uint32(CODE_POINT_MASK)).astype("<u4").tobytes().decode("utf-32-le")


def normalized_text(text: str, normalization: Normalization) -> str:
    """A text after a normalisation. For one text, to see what is compared."""
    data = np.frombuffer(text.encode(), np.uint8)
    out = np.empty(len(data) + 1, np.uint32)
    return text_of(out[: normalize_characters(data, 0, len(data), load_rule(normalization, verbatim=True), out)])
