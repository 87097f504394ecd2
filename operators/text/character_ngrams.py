"""Counts of character n-grams that repeat inside a document, by kernels over Arrow buffers.

N-grams are compared by 64-bit hashes, see `operators.text.key_table`. Letters are: D documents, N characters.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.text.characters import NUM_CODE_POINTS, decode, document_text, longest_text
from operators.text.key_table import KeyTable, count_key, empty_table, key_table_for
from pipeline.hashing import SHINGLE_MULTIPLIER
from pipeline.kernel import Bytes, Offsets, kernel

Counts = npt.NDArray[np.int64]

TOP_NGRAM_CHARS: Final = (2, 3, 4)
DUPLICATE_NGRAM_CHARS: Final = (5, 6, 7, 8, 9, 10)
NO_SLOT: Final = 0xFFFFFFFF


class CharacterNgramCounts(NamedTuple):
    """What was counted in D documents, int64."""

    num_chars: Counts  # (D,)
    top_repeats: Counts  # (D, 3) occurrences of the most frequent n-gram (n = 2, 3, 4), less one
    duplicate_chars: Counts  # (D, 6) characters that stand in an n-gram (n = 5 to 10) that occurs more than once
    distinct_duplicate_chars: Counts  # (D, 6) different ones among them


class NgramScratch(NamedTuple):
    """Memory that kernels work in, for documents up to the length that it was made for."""

    code_points: npt.NDArray[np.uint32]  # (N,)
    hashes: npt.NDArray[np.uint64]  # (N,) of the n-gram that begins at each character
    slots: npt.NDArray[np.uint32]  # (N,) of the table, for the n-gram that begins at each character
    repeats: npt.NDArray[np.bool_]  # (N + 1,) whether the n-gram that begins at each character occurs more than once
    table: KeyTable
    seen: npt.NDArray[np.uint32]  # (0x110000,) stamp of the last count that each character was in
    stamp: npt.NDArray[np.uint32]  # (1,)


def ngram_scratch_for(max_chars: int) -> NgramScratch:
    """Scratch for documents of up to `max_chars`."""
    return NgramScratch(
        code_points=np.empty(max_chars, np.uint32),
        hashes=np.empty(max_chars, np.uint64),
        slots=np.empty(max_chars, np.uint32),
        repeats=np.empty(max_chars + 1, np.bool_),
        table=key_table_for(max_chars),
        seen=np.zeros(NUM_CODE_POINTS, np.uint32),
        stamp=np.zeros(1, np.uint32),
    )


@kernel
def load_characters(data: Bytes, begin: np.uintp, end: np.uintp, scratch: NgramScratch) -> np.uintp:
    """Puts the characters, and their hashes as n-grams of one, into the scratch; returns how many they are."""
    num_chars = np.uintp(0)
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        scratch.code_points[num_chars] = code_point
        scratch.hashes[num_chars] = np.uint64(code_point) + np.uint64(1)
        scratch.repeats[num_chars] = True
        num_chars += np.uintp(1)
        i += width
    return num_chars


@kernel
def count_ngrams(num_ngrams: np.uintp, ngram_chars: np.uintp, scratch: NgramScratch) -> np.uint32:
    """Makes hashes those of `ngram_chars`, marks in `repeats` which occur more than once; returns the greatest count.

    An n-gram can repeat only where both (n-1)-grams in it do, so the others are not looked up.
    """
    table = scratch.table
    mask, stamp = empty_table(num_ngrams, table)
    greatest = np.uint32(1)
    for k in range(num_ngrams):
        c = np.uintp(k)
        last = np.uint64(scratch.code_points[c + ngram_chars - np.uintp(1)]) + np.uint64(1)
        scratch.hashes[c] = scratch.hashes[c] * SHINGLE_MULTIPLIER + last
        if not (scratch.repeats[c] and scratch.repeats[c + np.uintp(1)]):
            scratch.slots[c] = np.uint32(NO_SLOT)
            continue
        slot = count_key(scratch.hashes[c], mask, stamp, table)
        greatest = max(greatest, table.counts[slot])
        scratch.slots[c] = np.uint32(slot)
    for k in range(num_ngrams):
        slot32 = scratch.slots[np.uintp(k)]
        scratch.repeats[np.uintp(k)] = slot32 != np.uint32(NO_SLOT) and table.counts[np.uintp(slot32)] > np.uint32(1)
    scratch.repeats[num_ngrams] = False
    return greatest


@kernel
def count_covered(num_ngrams: np.uintp, ngram_chars: np.uintp, scratch: NgramScratch) -> tuple[np.int64, np.int64]:
    """Characters that stand in an n-gram that repeats, and how many different ones they are."""
    scratch.stamp[0] += np.uint32(1)
    num_covered = np.int64(0)
    num_distinct = np.int64(0)
    covered_to = np.uintp(0)
    for k in range(num_ngrams):
        first = np.uintp(k)
        if not scratch.repeats[first]:
            continue
        for position in range(max(first, covered_to), first + ngram_chars):
            code_point = np.uintp(scratch.code_points[np.uintp(position)])
            num_covered += np.int64(1)
            if scratch.seen[code_point] != scratch.stamp[0]:
                scratch.seen[code_point] = scratch.stamp[0]
                num_distinct += np.int64(1)
        covered_to = first + ngram_chars
    return num_covered, num_distinct


@kernel
def count_document(num_chars: np.uintp, d: np.uintp, scratch: NgramScratch, counts: CharacterNgramCounts) -> None:
    """Counts the n-grams of document `d`, whose characters are loaded. Stops where none repeats: no longer one can."""
    counts.num_chars[d] = np.int64(num_chars)
    scratch.repeats[num_chars] = False
    for n in range(2, 11):
        ngram_chars = np.uintp(n)
        if num_chars < ngram_chars:
            return
        num_ngrams = num_chars - ngram_chars + np.uintp(1)
        greatest = count_ngrams(num_ngrams, ngram_chars, scratch)
        if greatest == np.uint32(1):
            return
        if n <= 4:
            counts.top_repeats[d, np.uintp(n - 2)] = np.int64(greatest - np.uint32(1))
        else:
            num_covered, num_distinct = count_covered(num_ngrams, ngram_chars, scratch)
            counts.duplicate_chars[d, np.uintp(n - 5)] = num_covered
            counts.distinct_duplicate_chars[d, np.uintp(n - 5)] = num_distinct


@kernel
def count_documents(data: Bytes, offsets: Offsets, scratch: NgramScratch, counts: CharacterNgramCounts) -> None:
    """Fills `counts`, which are 0 before, for every document."""
    for k in range(offsets.shape[0] - 1):
        d = np.uintp(k)
        num_chars = load_characters(data, np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)]), scratch)
        count_document(num_chars, d, scratch, counts)


def character_ngram_counts(texts: pa.Array) -> CharacterNgramCounts:
    """Counts of every text of a large_string array."""
    data, offsets = document_text(texts)
    num_documents = len(texts)
    counts = CharacterNgramCounts(
        num_chars=np.zeros(num_documents, np.int64),
        top_repeats=np.zeros((num_documents, len(TOP_NGRAM_CHARS)), np.int64),
        duplicate_chars=np.zeros((num_documents, len(DUPLICATE_NGRAM_CHARS)), np.int64),
        distinct_duplicate_chars=np.zeros((num_documents, len(DUPLICATE_NGRAM_CHARS)), np.int64),
    )
    count_documents(data, offsets, ngram_scratch_for(longest_text(offsets)), counts)
    return counts
