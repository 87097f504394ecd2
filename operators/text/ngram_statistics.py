"""Counts of a document's word n-grams that repeat, pruned level by level.

An n-gram can repeat only where both (n-1)-grams in it do, so most text is through at n = 3. N-grams are compared by
64-bit hashes: different ones of a document count as equal with a chance of about 2**-64 a pair. Knows no threshold.
Letters are: D documents, W words of a document.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from operators.text.key_table import KeyTable, add_key, ask_for_slot, count_key, empty_table
from operators.text.whitespace_words import Hashes, Words
from pipeline.hashing import SHINGLE_MULTIPLIER, WORD_MULTIPLIER
from pipeline.kernel import borrowing_kernel, inline_kernel

Counts = npt.NDArray[np.int64]
Marks = npt.NDArray[np.uint32]
Sightings = npt.NDArray[np.uint8]

TOP_NGRAM_WORDS: Final = (2, 3, 4)
LONG_NGRAM_WORDS: Final = (5, 6, 7, 8, 9, 10)
NO_PLACE: Final = 0xFFFFFFFF
BLOCK_NGRAMS: Final = 32
"""Hashed together, so that the table is asked of memory for all of them at once: one of a long text is far away."""


class NgramCounts(NamedTuple):
    """What was counted in D documents; the second dimension is the n of TOP_NGRAM_WORDS or LONG_NGRAM_WORDS."""

    top_chars: Counts
    """(D, 3) occurrences of the most frequent n-gram, times its characters with one space between its words."""
    top_word_chars: Counts
    """(D, 3) the same without spaces."""
    duplicate_chars: Counts
    """(D, 6) characters of n-grams that repeat an earlier one; counting goes on behind such an n-gram."""
    repeated_chars: Counts
    """(D, 6) characters of all n-grams that occur more than once; words count in every n-gram that they are in."""
    all_chars: Counts
    """(D, 6) characters of all n-grams, likewise."""


class NgramScratch(NamedTuple):
    """Memory that kernels work in, for documents up to the number of words that it was made for."""

    table: KeyTable
    sightings: Sightings  # (8 W,) how often each hash of a 2-gram was seen: 0, 1, or 2 for more
    places: Marks  # (W + 1,) first words of the n-grams that may repeat, ascending, then of those that do
    slots: Marks  # (W + 1,) the table slot of each of these
    keys: Hashes  # (BLOCK_NGRAMS,)
    runs: Marks  # (W + 1,) how many n-grams in a row repeat from each place on


@borrowing_kernel
def sighting_slots(num_ngrams: np.uintp) -> np.uintp:
    """A power of two, at least four times the number of n-grams."""
    num_slots = np.uintp(16)
    while num_slots < np.uintp(num_ngrams) * np.uintp(4):
        num_slots += num_slots
    return num_slots


def ngram_scratch_for(max_words: int, table: KeyTable) -> NgramScratch:
    """Memory for documents of up to `max_words`; the table must have room for as many n-grams."""
    places, slots, runs = (np.empty(max_words + 1, np.uint32) for _ in range(3))
    return NgramScratch(
        table,
        np.empty(sighting_slots(np.uintp(max_words + 1)), np.uint8),
        places,
        slots,
        np.empty(BLOCK_NGRAMS, np.uint64),
        runs,
    )


@inline_kernel
def ngram_hash(hashes: Hashes, first: np.uintp, num_words: np.uintp) -> np.uint64:
    """The hash of the n-gram that begins at word `first`."""
    result = np.uint64(hashes[first])
    for k in range(np.uintp(1), num_words):
        result = result * SHINGLE_MULTIPLIER + hashes[first + np.uintp(k)]
    return result


@inline_kernel
def ngram_chars(words: Words, first: np.uintp, num_words: np.uintp) -> np.int64:
    """Characters of the n-gram that begins at word `first`, without what stands between the words."""
    num_chars = np.int64(0)
    for k in range(num_words):
        num_chars += np.int64(words.num_chars[first + np.uintp(k)])
    return num_chars


@borrowing_kernel
def find_candidates(words: Words, num_ngrams: np.uintp, scratch: NgramScratch) -> np.uintp:
    """Puts the 2-grams into `places` that may occur more than once, without a branch; returns how many.

    Those whose hash was seen once do not. Few others share a hash: there are four places for each 2-gram or more.
    """
    sightings = scratch.sightings
    num_slots = sighting_slots(num_ngrams)
    sightings[:num_slots] = np.uint8(0)
    shift = np.uint64(64)
    while np.uintp(1) << np.uintp(np.uint64(64) - shift) < num_slots:
        shift -= np.uint64(1)
    for k in range(num_ngrams):
        slot = np.uintp((ngram_hash(words.hashes, np.uintp(k), np.uintp(2)) * WORD_MULTIPLIER) >> shift)
        sightings[slot] = np.uint8(1) + np.uint8(sightings[slot] != np.uint8(0))
    num_candidates = np.uintp(0)
    for k in range(num_ngrams):
        slot = np.uintp((ngram_hash(words.hashes, np.uintp(k), np.uintp(2)) * WORD_MULTIPLIER) >> shift)
        scratch.places[num_candidates] = np.uint32(k)
        num_candidates += np.uintp(sightings[slot] > np.uint8(1))
    return num_candidates


@borrowing_kernel
def keep_neighbours(num_places: np.uintp, places: Marks) -> np.uintp:
    """Leaves the places of which the next one is a place, too: what begins at others cannot repeat with a word more."""
    num_kept = np.uintp(0)
    for k in range(np.uintp(1), num_places):
        place = places[np.uintp(k) - np.uintp(1)]
        places[num_kept] = place
        num_kept += np.uintp(places[np.uintp(k)] == np.uint32(place + np.uint32(1)))
    return num_kept


@borrowing_kernel
def count_ngrams(words: Words, num_places: np.uintp, ngram_words: np.uintp, scratch: NgramScratch) -> np.uint32:
    """Counts the n-grams that begin at the places; puts the slot of each into `slots`, returns the greatest count."""
    mask, stamp = empty_table(num_places, scratch.table)
    keys = scratch.keys
    greatest = np.uint32(1)
    first = np.uintp(0)
    while first < num_places:
        size = min(np.uintp(BLOCK_NGRAMS), num_places - first)
        for k in range(size):
            keys[np.uintp(k)] = ngram_hash(words.hashes, np.uintp(scratch.places[first + np.uintp(k)]), ngram_words)
            ask_for_slot(keys[np.uintp(k)], mask, scratch.table)
        for k in range(size):
            slot = count_key(keys[np.uintp(k)], mask, stamp, scratch.table)
            greatest = max(greatest, scratch.table.counts[slot])
            scratch.slots[first + np.uintp(k)] = np.uint32(slot)
        first += size
    return greatest


@borrowing_kernel
def keep_repeated(num_places: np.uintp, greatest: np.uint32, scratch: NgramScratch) -> tuple[np.uintp, np.uintp]:
    """Leaves the places of n-grams that occur more than once; returns how many, and the first of the most frequent."""
    num_kept = np.uintp(0)
    top = np.uintp(0)
    for k in range(num_places):
        q = num_places - np.uintp(1) - np.uintp(k)
        if scratch.table.counts[np.uintp(scratch.slots[q])] == greatest:
            top = np.uintp(scratch.places[q])
    for k in range(num_places):
        scratch.places[num_kept] = scratch.places[np.uintp(k)]
        num_kept += np.uintp(scratch.table.counts[np.uintp(scratch.slots[np.uintp(k)])] > np.uint32(1))
    return num_kept, top


@borrowing_kernel
def count_top_ngrams(
    words: Words, num_words: np.uintp, scratch: NgramScratch, d: np.uintp, counts: NgramCounts
) -> np.uintp:
    """Counts the most frequent 2-, 3- and 4-gram; returns how many 4-grams repeat, which begin at `places`.

    Of equally frequent n-grams the first counts; one that occurs once counts too, as the rule is defined.
    """
    num_places = np.uintp(0)
    for index in range(3):
        ngram_words = np.uintp(index + 2)
        if num_words < ngram_words:
            return np.uintp(0)
        if index == 0:
            num_places = find_candidates(words, num_words - np.uintp(1), scratch)
        else:
            num_places = keep_neighbours(num_places, scratch.places)
        greatest = count_ngrams(words, num_places, ngram_words, scratch)
        top = np.uintp(0)
        if greatest > np.uint32(1):
            num_places, top = keep_repeated(num_places, greatest, scratch)
        else:
            num_places = np.uintp(0)
        num_chars = ngram_chars(words, top, ngram_words)
        counts.top_word_chars[d, np.uintp(index)] = np.int64(greatest) * num_chars
        counts.top_chars[d, np.uintp(index)] = np.int64(greatest) * (num_chars + np.int64(index + 1))
    return num_places


@borrowing_kernel
def count_runs(num_places: np.uintp, scratch: NgramScratch) -> None:
    """Puts into `runs` how many places in a row there are from each on."""
    run = np.uint32(0)
    after = np.uint32(NO_PLACE)
    for k in range(num_places):
        q = num_places - np.uintp(1) - np.uintp(k)
        place = scratch.places[q]
        run = np.uint32(run * np.uint32(np.uint32(place + np.uint32(1)) == after) + np.uint32(1))
        scratch.runs[q] = run
        after = place


@borrowing_kernel
def count_duplicate_ngrams(
    words: Words, num_places: np.uintp, ngram_words: np.uintp, scratch: NgramScratch
) -> np.int64:
    """Characters of n-grams (n > 4) that repeat an earlier one, without spaces; no word counts twice.

    `runs` holds runs of repeating 4-grams: an n-gram repeats only where n - 3 of them do in a row.
    """
    num_chars = np.int64(0)
    mask, stamp = empty_table(num_places, scratch.table)
    needed = np.uint32(ngram_words - np.uintp(3))
    free = np.uintp(0)  # the first word that is in no n-gram that counted
    for k in range(num_places):
        place = np.uintp(scratch.places[np.uintp(k)])
        if scratch.runs[np.uintp(k)] < needed or place < free:
            continue
        if add_key(ngram_hash(words.hashes, place, ngram_words), mask, stamp, scratch.table):
            num_chars += ngram_chars(words, place, ngram_words)
            free = place + ngram_words
    return num_chars


@borrowing_kernel
def count_repeated_ngrams(
    words: Words, num_places: np.uintp, ngram_words: np.uintp, scratch: NgramScratch
) -> tuple[np.uintp, np.int64]:
    """Leaves the places of n-grams that occur more than once, of those with a word less; how many, their characters."""
    num_chars = np.int64(0)
    num_places = keep_neighbours(num_places, scratch.places)
    greatest = count_ngrams(words, num_places, ngram_words, scratch)
    if greatest == np.uint32(1):
        return np.uintp(0), num_chars
    num_places, _ = keep_repeated(num_places, greatest, scratch)
    for k in range(num_places):
        num_chars += ngram_chars(words, np.uintp(scratch.places[np.uintp(k)]), ngram_words)
    return num_places, num_chars


@borrowing_kernel
def count_all_ngrams(words: Words, num_words: np.uintp, ngram_words: np.uintp) -> np.int64:
    """Characters of all n-grams."""
    total = np.int64(0)
    if num_words < ngram_words:
        return total
    window = ngram_chars(words, np.uintp(0), ngram_words)
    for q in range(ngram_words, num_words):
        total += window
        window += np.int64(words.num_chars[np.uintp(q)]) - np.int64(words.num_chars[np.uintp(q) - ngram_words])
    return total + window


@borrowing_kernel
def count_document_ngrams(
    words: Words,
    num_words: np.uintp,
    wants: tuple[bool, bool],
    scratch: NgramScratch,
    d: np.uintp,
    counts: NgramCounts,
) -> None:
    """Counts what repeats in document `d`, of which nothing is counted yet; `wants` the duplicate, the repeated."""
    wants_duplicate, wants_repeated = wants
    if wants_repeated:
        for index in range(6):
            counts.all_chars[d, np.uintp(index)] = count_all_ngrams(words, num_words, np.uintp(index + 5))
    num_places = count_top_ngrams(words, num_words, scratch, d, counts)
    if wants_duplicate and num_places > np.uintp(0):
        count_runs(num_places, scratch)
        for index in range(6):
            num_chars = count_duplicate_ngrams(words, num_places, np.uintp(index + 5), scratch)
            counts.duplicate_chars[d, np.uintp(index)] = num_chars
            if num_chars == np.int64(0):
                break
    if wants_repeated:  # last, for it changes the places
        for index in range(6):
            num_places, num_chars = count_repeated_ngrams(words, num_places, np.uintp(index + 5), scratch)
            counts.repeated_chars[d, np.uintp(index)] = num_chars
            if num_places == np.uintp(0):
                break
