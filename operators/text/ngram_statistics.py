"""Counts of a document's word n-grams that repeat, pruned level by level.

An n-gram can repeat only where both (n-1)-grams in it do, so most text is through at n = 3. N-grams are compared by
64-bit hashes: different ones of a document count as equal with a chance of about 2**-64 a pair. Knows no threshold.
Letters are: D documents, W words of a document.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from operators.text.hashing import SHINGLE_MULTIPLIER
from operators.text.kernel import borrowing_kernel, inline_kernel
from operators.text.key_table import KeyTable, add_key, empty_table, find_slot
from operators.text.whitespace_words import Hashes, Words

Counts = npt.NDArray[np.int64]
Marks = npt.NDArray[np.uint32]

TOP_NGRAM_WORDS: Final = (2, 3, 4)
LONG_NGRAM_WORDS: Final = (5, 6, 7, 8, 9, 10)
NO_SLOT: Final = 0xFFFFFFFF


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
    repeats: Marks  # (W + 1,) of the n-gram that begins at a word: whether it repeats; later, how many in a row do
    slots: Marks  # (W + 1,) the table slot of the n-gram that begins at a word


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
def count_ngrams(words: Words, num_ngrams: np.uintp, ngram_words: np.uintp, scratch: NgramScratch) -> np.uint32:
    """Puts the slot of each n-gram into `slots`, its occurrences into `counts`, and returns the greatest count.

    N-grams of which a shorter one does not repeat get no slot.
    """
    mask, stamp = empty_table(num_ngrams, scratch.table)
    greatest = np.uint32(1)
    for k in range(num_ngrams):
        q = np.uintp(k)
        if scratch.repeats[q] == np.uint32(0) or scratch.repeats[q + np.uintp(1)] == np.uint32(0):
            scratch.slots[q] = np.uint32(NO_SLOT)
            continue
        key = ngram_hash(words.hashes, q, ngram_words)
        slot = find_slot(key, mask, stamp, scratch.table)
        if scratch.table.stamps[slot] != stamp:
            scratch.table.stamps[slot] = stamp
            scratch.table.keys[slot] = key
            scratch.table.counts[slot] = np.uint32(0)
        scratch.table.counts[slot] += np.uint32(1)
        greatest = max(greatest, scratch.table.counts[slot])
        scratch.slots[q] = np.uint32(slot)
    return greatest


@borrowing_kernel
def mark_repeats(num_ngrams: np.uintp, greatest: np.uint32, scratch: NgramScratch) -> np.uintp:
    """Marks the n-grams that occur more than once, and returns the first that occurs `greatest` (2 or more) times."""
    top = num_ngrams
    for k in range(num_ngrams):
        q = np.uintp(k)
        slot = scratch.slots[q]
        count = np.uint32(1) if slot == np.uint32(NO_SLOT) else scratch.table.counts[np.uintp(slot)]
        scratch.repeats[q] = np.uint32(count > np.uint32(1))
        if count == greatest and top == num_ngrams:
            top = q
    scratch.repeats[num_ngrams] = np.uint32(0)
    return top


@borrowing_kernel
def count_top_ngrams(
    words: Words, num_words: np.uintp, scratch: NgramScratch, d: np.uintp, counts: NgramCounts
) -> bool:
    """Counts the most frequent 2-, 3- and 4-gram; returns whether any 4-gram repeats, marked in `repeats`.

    Of equally frequent n-grams the first counts; one that occurs once counts too, as the rule is defined.
    """
    for q in range(num_words + np.uintp(1)):
        scratch.repeats[np.uintp(q)] = np.uint32(1)
    any_repeats = True
    for index in range(3):
        ngram_words = np.uintp(index + 2)
        if num_words < ngram_words:
            return False
        num_ngrams = num_words - ngram_words + np.uintp(1)
        greatest = np.uint32(1)
        top = np.uintp(0)
        if any_repeats:
            greatest = count_ngrams(words, num_ngrams, ngram_words, scratch)
            any_repeats = bool(greatest > np.uint32(1))
            if any_repeats:
                top = mark_repeats(num_ngrams, greatest, scratch)
        num_chars = ngram_chars(words, top, ngram_words)
        counts.top_word_chars[d, np.uintp(index)] = np.int64(greatest) * num_chars
        counts.top_chars[d, np.uintp(index)] = np.int64(greatest) * (num_chars + np.int64(index + 1))
    return any_repeats


@borrowing_kernel
def sum_runs(num_ngrams: np.uintp, repeats: Marks) -> None:
    """Turns marks of repeating n-grams into how many repeat in a row from each on."""
    run = np.uint32(0)
    for k in range(num_ngrams):
        q = num_ngrams - np.uintp(1) - np.uintp(k)
        run = (run + np.uint32(1)) * repeats[q]
        repeats[q] = run


@borrowing_kernel
def count_duplicate_ngrams(words: Words, num_words: np.uintp, ngram_words: np.uintp, scratch: NgramScratch) -> np.int64:
    """Characters of n-grams (n > 4) that repeat an earlier one, without spaces; no word counts twice.

    `repeats` holds runs of repeating 4-grams: an n-gram repeats only where n - 3 of them do in a row.
    """
    num_chars = np.int64(0)
    if num_words < ngram_words:
        return num_chars
    num_ngrams = num_words - ngram_words + np.uintp(1)
    mask, stamp = empty_table(num_ngrams, scratch.table)
    needed = np.uint32(ngram_words - np.uintp(3))
    q = np.uintp(0)
    while q < num_ngrams:
        if scratch.repeats[q] < needed:
            q += np.uintp(1)
        elif add_key(ngram_hash(words.hashes, q, ngram_words), mask, stamp, scratch.table):
            num_chars += ngram_chars(words, q, ngram_words)
            q += ngram_words
        else:
            q += np.uintp(1)
    return num_chars


@borrowing_kernel
def count_repeated_ngrams(words: Words, num_words: np.uintp, ngram_words: np.uintp, scratch: NgramScratch) -> np.int64:
    """Characters of all n-grams that occur more than once; marks them, where `repeats` marks those of n - 1 words."""
    num_chars = np.int64(0)
    if num_words < ngram_words:
        return num_chars
    num_ngrams = num_words - ngram_words + np.uintp(1)
    greatest = count_ngrams(words, num_ngrams, ngram_words, scratch)
    if greatest == np.uint32(1):
        return num_chars
    mark_repeats(num_ngrams, greatest, scratch)
    for q in range(num_ngrams):
        if scratch.repeats[np.uintp(q)] != np.uint32(0):
            num_chars += ngram_chars(words, np.uintp(q), ngram_words)
    return num_chars


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
    if not count_top_ngrams(words, num_words, scratch, d, counts):
        return
    if wants_duplicate:
        sum_runs(num_words - np.uintp(3), scratch.repeats)
        for index in range(6):
            num_chars = count_duplicate_ngrams(words, num_words, np.uintp(index + 5), scratch)
            counts.duplicate_chars[d, np.uintp(index)] = num_chars
            if num_chars == np.int64(0):
                break
    if wants_repeated:  # last, for it changes the marks
        for index in range(6):
            num_chars = count_repeated_ngrams(words, num_words, np.uintp(index + 5), scratch)
            counts.repeated_chars[d, np.uintp(index)] = num_chars
            if num_chars == np.int64(0):
                break
