"""Hashes of the lines or paragraphs of documents, by which repeated ones meet.

Arrays: D documents, U units that take part, W words of a unit.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.text.characters import DECIMAL, Classes, character_classes, decode, document_text, longest_text
from operators.text.code_fences import follow_fences, may_have_code
from operators.text.normalize import Folding, load_folding, max_words, scan_words
from operators.text.units import Ordinals, Unit, next_unit
from pipeline.hashing import GOLDEN_RATIO, SHINGLE_MULTIPLIER, WORD_MULTIPLIER, mix64
from pipeline.kernel import Bytes, Offsets, inline_kernel, kernel

BLOCK: Final = 32
"""Bytes that are searched for digits at once."""

BoolArray = npt.NDArray[np.bool_]
Hashes = npt.NDArray[np.uint64]


class Units(NamedTuple):
    """The units of D documents that take part, in order of the text."""

    hashes: Hashes  # (U,)
    ordinals: Ordinals  # (U,) the unit's number in its document
    num_units: npt.NDArray[np.int64]  # (D,) how many of the U are this document's


@inline_kernel
def _may_have_digits(data: Bytes, begin: np.uintp) -> np.bool_:
    """False only where no decimal digit begins in the block at `begin`. Without branches, as most blocks have none.

    Outside of ASCII, digits begin at U+0660, and none are in U+2000 to U+9FFF, where Chinese and Japanese are.
    """
    found: np.bool_ = np.bool_(False)
    for k in range(BLOCK):
        byte = data[begin + np.uintp(k)]
        found |= np.uint8(byte - np.uint8(0x30)) < np.uint8(10)
        found |= (byte >= np.uint8(0xD9)) & (np.uint8(byte - np.uint8(0xE2)) > np.uint8(7))
    return found


@kernel
def hash_numbers(data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes) -> np.uint64:
    """A hash of the digits of `data[begin:end]`, and of which of them are neighbours; 0 without digits.

    Normalised words have one form for all numbers. Rows of a table, dates and prices are no repetition of each other.
    """
    digits = np.uint64(0)
    in_number: np.bool_ = np.bool_(False)
    i = begin
    while i < end:
        if not in_number and i + np.uintp(BLOCK) <= end and not _may_have_digits(data, i):
            i += np.uintp(BLOCK)
            continue
        stop = min(i + np.uintp(BLOCK), end)
        while i < stop:
            byte = data[i]
            code_point = np.uint32(byte)
            width = np.uintp(1)
            is_digit = np.uint8(byte - np.uint8(0x30)) < np.uint8(10)
            if byte >= np.uint8(
                0xC0
            ):  # a lower one that is not ASCII belongs to a character that began in a block before
                code_point, width = decode(data, i)
                is_digit = (classes[code_point] & np.uint8(DECIMAL)) != np.uint8(0)
            i += width
            if is_digit:
                digits = (digits + np.uint64(code_point)) * WORD_MULTIPLIER
            elif in_number:
                digits = (digits + np.uint64(1)) * WORD_MULTIPLIER
            in_number = is_digit
    if in_number:  # the end of the text ends a number as any other character does
        digits = (digits + np.uint64(1)) * WORD_MULTIPLIER
    return digits


@inline_kernel
def hash_unit(words: Hashes, num_words: np.uintp, digits: np.uint64) -> np.uint64:
    """The hash of a unit's normalised words in order, and its digits."""
    mixed = np.uint64(num_words) * GOLDEN_RATIO
    for w in range(num_words):
        mixed = mixed * SHINGLE_MULTIPLIER + words[np.uintp(w)]
    return mix64(mix64(mixed) + digits * GOLDEN_RATIO)


@kernel
def _hash_document(
    data: Bytes,
    begin: np.uintp,
    end: np.uintp,
    rule: tuple[bool, int],
    tables: tuple[Folding, Classes],
    words: Hashes,
    hashes: Hashes,
    ordinals: Ordinals,
) -> np.uintp:
    """Puts the units of one document that take part into the first slots, and returns how many they are."""
    by_paragraph, min_words = rule
    folding, classes = tables
    num_units = np.uintp(0)
    ordinal = np.uint32(0)
    marker = np.uint8(0)
    length = np.uintp(0)
    has_fences = may_have_code(data, begin, end)
    i = begin
    while i < end:
        content, after = next_unit(data, i, end, by_paragraph, classes)
        is_code = False
        if has_fences:
            marker, length, is_code = follow_fences(data, i, after, marker, length)
        if not is_code:
            num_words = scan_words(data, int(i), int(content), folding, words)
            if num_words >= min_words:
                digits = hash_numbers(data, i, content, classes)
                hashes[num_units] = hash_unit(words, np.uintp(num_words), digits)
                ordinals[num_units] = ordinal
                num_units += np.uintp(1)
        ordinal += np.uint32(1)
        i = after
    return num_units


@kernel
def _hash_units(
    data: Bytes,
    offsets: Offsets,
    is_exempt: BoolArray,
    rule: tuple[bool, int],
    tables: tuple[Folding, Classes],
    words: Hashes,
    units: Units,
) -> np.uintp:
    """Fills `units` and returns how many take part."""
    total = np.uintp(0)
    for document in range(is_exempt.shape[0]):
        d = np.uintp(document)
        found = np.uintp(0)
        if not is_exempt[d]:
            begin, end = np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)])
            found = _hash_document(data, begin, end, rule, tables, words, units.hashes[total:], units.ordinals[total:])
        units.num_units[d] = np.int64(found)
        total += found
    return total


def hash_units(texts: pa.Array, is_exempt: BoolArray, *, unit: Unit, min_words: int) -> Units:
    """The units of each text that take part, with their hashes.

    A unit takes part if it has at least `min_words` words (at least 1) and no line of a code fence or inside one, and
    its document is not exempt. Units have equal hashes where their words are equal after the normalisation of
    `operators.text.normalize`, and their digits are; others with a probability of 2^-64 a pair.
    """
    data, offsets = document_text(texts)
    num_bytes = int(offsets[-1] - offsets[0])
    # A word takes two bytes with what ends it; only the last unit of a document may end without.
    capacity = num_bytes // (2 * min_words) + len(texts)
    units = Units(np.empty(capacity, np.uint64), np.empty(capacity, np.uint32), np.zeros(len(texts), np.int64))
    words = np.empty(max_words(longest_text(offsets)), np.uint64)
    tables = (load_folding(), character_classes())
    total = _hash_units(data, offsets, is_exempt, (unit == "paragraph", min_words), tables, words, units)
    return Units(units.hashes[:total], units.ordinals[:total], units.num_units)
