"""Shingles: the n-grams of words, characters or tokens of a document, as 32-bit hashes.

Knows nothing of signatures. Arrays: D documents, B bytes of text, U units and S shingles of one document.
"""

from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from operators.text.normalize import Folding, load_folding, max_words, scan_words
from operators.text.normalized_characters import (
    CharacterRule,
    Normalization,
    character_hashes,
    load_rule,
    normalize_characters,
    words_of_characters,
)
from pipeline.hashing import GOLDEN_RATIO, SHINGLE_MULTIPLIER, mix64
from pipeline.kernel import Bytes, kernel

UInt32Array = npt.NDArray[np.uint32]
UInt64Array = npt.NDArray[np.uint64]

SHINGLE_HASH_VERSION: Final = 1
"""Raised whenever `shingle_hashes` may return other values for some text. Equal versions can be compared."""

TOKEN_BYTES: Final = 4
"""Kernels read the ids of tokens as little-endian bytes, so that tokens come the way that text does."""

_FOLDED_WORDS: Final = 0
_OTHER_WORDS: Final = 1
_CHARACTERS: Final = 2
_TOKENS: Final = 3


class Unit(StrEnum):
    """What a shingle is a run of."""

    WORD = "word"
    CHARACTER = "character"
    TOKEN = "token"  # noqa: S105 -- no secret


class Shingling(NamedTuple):
    """How kernels make shingles."""

    way: int
    ngram: int
    folding: Folding
    rule: CharacterRule


class Scratch(NamedTuple):
    """Room for the longest document of a batch."""

    characters: UInt32Array  # (C,)
    units: UInt64Array  # (U,)
    rolling: UInt64Array  # (U,)
    shingles: UInt32Array  # (U,)


def shingling(unit: Unit, ngram: int, normalization: Normalization) -> Shingling:
    """What kernels need for these settings."""
    rule = load_rule(normalization, verbatim=unit is not Unit.WORD)
    return Shingling(_way(unit, normalization), ngram, load_folding(), rule)


def _way(unit: Unit, normalization: Normalization) -> int:
    if unit is Unit.WORD:
        return _FOLDED_WORDS if normalization is Normalization.DATATROVE else _OTHER_WORDS
    return _CHARACTERS if unit is Unit.CHARACTER else _TOKENS


def max_units(num_bytes: int, way: int) -> int:
    """Units that documents of so many bytes can have; as many entries may be written."""
    return max_words(num_bytes) if way == _FOLDED_WORDS else num_bytes + 1


def scratch_for(longest_bytes: int, way: int) -> Scratch:
    """Scratch for documents of so many bytes at most."""
    num_units = max_units(longest_bytes, way)
    num_characters = 0 if way == _FOLDED_WORDS else longest_bytes + 1
    return Scratch(
        np.empty(num_characters, np.uint32),
        np.empty(num_units, np.uint64),
        np.empty(num_units, np.uint64),
        np.empty(num_units, np.uint32),
    )


@kernel
def _token_hashes(data: Bytes, start: int, stop: int, out: UInt64Array) -> int:
    """Writes a hash of every token id of `data[start:stop]`; returns how many there are."""
    at = np.uintp(start)
    num_tokens = np.uintp(stop - start) // np.uintp(TOKEN_BYTES)
    for index in range(num_tokens):
        token = np.uint64(data[at]) | np.uint64(data[at + np.uintp(1)]) << np.uint64(8)
        token |= np.uint64(data[at + np.uintp(2)]) << np.uint64(16) | np.uint64(data[at + np.uintp(3)]) << np.uint64(24)
        out[np.uintp(index)] = mix64((token + np.uint64(1)) * GOLDEN_RATIO)
        at += np.uintp(TOKEN_BYTES)
    return int(np.int64(num_tokens))


@kernel
def _unit_hashes(data: Bytes, start: int, stop: int, how: Shingling, scratch: Scratch) -> int:
    """Writes the hashes of a document's units; returns U."""
    way, _, folding, rule = how
    characters, units, _, _ = scratch
    if way == _FOLDED_WORDS:
        return scan_words(data, start, stop, folding, units)
    if way == _TOKENS:
        return _token_hashes(data, start, stop, units)
    num_characters = normalize_characters(data, start, stop, rule, characters)
    if way == _OTHER_WORDS:
        return words_of_characters(characters, num_characters, units)
    character_hashes(characters, num_characters, units)
    return num_characters


@kernel
def _roll(units: UInt64Array, num_units: int, ngram: int, rolling: UInt64Array, out: UInt32Array) -> int:
    """Writes the shingle hashes of `units[:num_units]`, one for each n-gram, in order; returns S.

    A document shorter than one n-gram is one shingle: it is compared whole. Without units there is none.
    """
    if num_units == 0:
        return 0
    length = np.uintp(min(num_units, ngram))
    top = np.uint64(1)  # SHINGLE_MULTIPLIER ** length: the weight of the unit that leaves the window
    rolled = np.uint64(0)
    for index in range(length):
        top *= SHINGLE_MULTIPLIER
        rolled = rolled * SHINGLE_MULTIPLIER + units[np.uintp(index)]
    num_shingles = np.uintp(num_units) - length + np.uintp(1)
    rolling[np.uintp(0)] = rolled
    first = np.uintp(1)
    while first < num_shingles:
        last = first + length - np.uintp(1)
        rolled = rolled * SHINGLE_MULTIPLIER + units[last] - units[first - np.uintp(1)] * top
        rolling[first] = rolled
        first += np.uintp(1)
    for index in range(num_shingles):  # apart from the loop above, which no compiler can vectorise
        out[np.uintp(index)] = np.uint32(mix64(rolling[np.uintp(index)]) >> np.uint64(32))
    return int(np.int64(num_shingles))  # one signed type for both returns: Numba would make them floats


@kernel
def shingle_document(data: Bytes, start: int, stop: int, how: Shingling, scratch: Scratch) -> int:
    """Writes the shingle hashes of `data[start:stop]` to `scratch.shingles`, in order and with repeats; returns S."""
    num_units = _unit_hashes(data, start, stop, how, scratch)
    return _roll(scratch.units, num_units, how.ngram, scratch.rolling, scratch.shingles)


def shingle_hashes(
    text: str, ngram: int = 5, *, unit: Unit = Unit.WORD, normalization: Normalization = Normalization.DATATROVE
) -> UInt32Array:
    """The 32-bit hashes of a text's shingles, in order and with repeats: what signatures are made of.

    A text with fewer than `ngram` units is one shingle; one without any has none. Values are stable for a
    `SHINGLE_HASH_VERSION`. Tokens need a tokenizer: `token_shingle_hashes` takes their ids. Signatures made elsewhere
    from these hashes can be compared with corpusmill's:

        >>> from datasketch import MinHash
        >>> from operators.dedup.minhash import MinHashSignature
        >>> sketch = MinHash(num_perm=112, seed=1, scheme="affine32", hashfunc=int)
        >>> sketch.update_batch(shingle_hashes("The quick brown fox jumps over the lazy dog."))
        >>> batch = pa.record_batch({"text": pa.array(["the QUICK brown fox, jumps over the lazy dog"], TEXT_TYPE)})
        >>> ours = np.frombuffer(MinHashSignature().open()(batch).column("minhash")[0].as_py(), "<u2")
        >>> bool(np.all((sketch.hashvalues & 0xFFFF) == ours))
        True
    """
    if Unit(unit) is Unit.TOKEN:
        raise ValueError("shingle_hashes: expected unit word or character; found token; use token_shingle_hashes")
    return _hashes(np.frombuffer(text.encode(), np.uint8), unit, ngram, normalization)


def token_shingle_hashes(token_ids: UInt32Array, ngram: int = 5) -> UInt32Array:
    """As `shingle_hashes`, for the ids that a tokenizer gave for a normalised text."""
    data = np.frombuffer(np.asarray(token_ids, "<u4").tobytes(), np.uint8)
    return _hashes(data, Unit.TOKEN, ngram, Normalization.NONE)


def _hashes(data: Bytes, unit: Unit, ngram: int, normalization: Normalization) -> UInt32Array:
    if ngram < 1:
        raise ValueError(f"shingle_hashes: expected ngram >= 1; found {ngram}")
    how = shingling(Unit(unit), ngram, Normalization(normalization))
    scratch = scratch_for(len(data), how.way)
    return scratch.shingles[: shingle_document(data, 0, len(data), how, scratch)]
