"""The sum of the rows of a word and its character n-grams.

A word's rows are summed by themselves before the word is added to a text, so a sum may come out of the cache. Letters
are: E columns, H sums.
"""

from typing import Final, NamedTuple

import numpy as np

from operators.fasttext.lanes import NUM_LANES
from operators.fasttext.model_file import Floats
from operators.fasttext.network import FNV_BASIS, Network, find_entry, fnv_step
from operators.fasttext.rows import Rows, add_row, add_rows, num_sums
from operators.fasttext.word_cache import NO_WORD, WordCache, add_known_word, remember_word
from operators.text.kernel import Bytes, borrowing_kernel, inline_kernel

_LABEL_PREFIX: Final = np.frombuffer(b"__label__", np.uint8)

MAX_WORD_ROWS: Final = 256
"""Rows of a word that are looked up before they are added."""


class WordScratch(NamedTuple):
    """Memory that one word after another uses."""

    word: Bytes  # the longest word between `<` and `>`
    buckets: Rows  # rows of the word's n-grams, first as buckets
    row: Floats  # (E,)
    lanes: Floats  # (8,)
    sum: Floats  # (1, H) of the rows of the word


def word_scratch_for(network: Network, longest: int) -> WordScratch:
    """Memory for words of up to `longest` bytes."""
    return WordScratch(
        np.zeros(longest + 2 if network.max_subword > 0 else 0, np.uint8),
        np.zeros(MAX_WORD_ROWS + int(network.max_subword), np.uintp),
        np.zeros(network.output.shape[0], np.float32),
        np.zeros(NUM_LANES, np.float32),
        np.zeros((1, num_sums(network)), np.float32),
    )


@borrowing_kernel
def is_label(data: Bytes, begin: np.uintp, end: np.uintp) -> bool:
    """Whether the token begins as labels do."""
    size = np.uintp(_LABEL_PREFIX.shape[0])
    matches = end - begin >= size
    for k in range(size if matches else np.uintp(0)):
        matches &= data[begin + np.uintp(k)] == _LABEL_PREFIX[np.uintp(k)]
    return bool(matches)


@inline_kernel
def is_label_entry(data: Bytes, begin: np.uintp, end: np.uintp, entry: np.int64, network: Network) -> bool:
    """Whether a token is a label: by its entry of the dictionary, or by its prefix where it has none."""
    return bool(entry >= np.int64(network.num_words) or (entry < np.int64(0) and is_label(data, begin, end)))


@inline_kernel
def hash_subwords(
    begin: np.uintp, length: np.uintp, num_rows: np.uintp, network: Network, scratch: WordScratch
) -> np.uintp:
    """Appends the buckets of the n-grams that begin at `begin` to the rows; returns how many rows there are then."""
    word = scratch.word
    is_pruned = network.bucket_rows.shape[0] > 0
    bucket_size = np.uint32(network.bucket)
    fnv = FNV_BASIS
    i = begin
    for size in range(np.uintp(1), network.max_subword + np.uintp(1)):
        if i >= length:
            break
        fnv = fnv_step(fnv, word[i])
        i += np.uintp(1)
        while i < length and (word[i] & np.uint8(0xC0)) == np.uint8(0x80):
            fnv = fnv_step(fnv, word[i])
            i += np.uintp(1)
        is_bracket = size == np.uintp(1) and (begin == np.uintp(0) or i == length)
        if size >= network.min_subword and not is_bracket:
            bucket = np.uintp(np.uint32(fnv % bucket_size))
            scratch.buckets[num_rows] = bucket
            if is_pruned:
                # Whether an n-gram is gone cannot be predicted, so it is no branch: one that is gone is written over.
                bits = np.uintp(network.bucket_bits[bucket >> np.uintp(3)])
                num_rows += (bits >> (bucket & np.uintp(7))) & np.uintp(1)
            else:
                num_rows += np.uintp(1)
    return num_rows


@inline_kernel
def sum_subwords(length: np.uintp, num_rows: np.uintp, network: Network, scratch: WordScratch) -> np.int32:
    """Adds the rows of the character n-grams of a word in its brackets, `scratch.word[:length]`, to `scratch.sum`.

    `num_rows` rows are in `scratch.buckets` already. Returns how many rows the word has in all.
    """
    rows = scratch.buckets
    num_added = np.int32(0)
    full = np.uintp(rows.shape[0]) - network.max_subword
    is_pruned = network.bucket_rows.shape[0] > 0
    first = num_rows
    i = np.uintp(0)
    while i < length:
        num_rows = hash_subwords(i, length, num_rows, network, scratch)
        i += np.uintp(1)
        while i < length and (scratch.word[i] & np.uint8(0xC0)) == np.uint8(0x80):
            i += np.uintp(1)
        if num_rows > full or i == length:
            for k in range(first, num_rows):
                bucket = rows[np.uintp(k)]
                if is_pruned:
                    rows[np.uintp(k)] = np.uintp(network.bucket_rows[bucket] - np.int32(1))
                else:
                    rows[np.uintp(k)] = network.num_words + bucket
            add_rows(num_rows, rows, network, scratch.row, scratch.lanes, scratch.sum[0])
            num_added += np.int32(num_rows)
            num_rows = np.uintp(0)
            first = np.uintp(0)
    return num_added


@borrowing_kernel
def sum_word(
    data: Bytes, begin: np.uintp, end: np.uintp, key: np.uint64, network: Network, scratch: WordScratch
) -> np.int32:
    """Leaves the sum of the rows of a word and its character n-grams in `scratch.sum`; returns how many, or NO_WORD."""
    scratch.sum[:] = np.float32(0)
    entry = find_entry(key, network.keys, network.entries)
    if is_label_entry(data, begin, end, entry, network):
        return np.int32(NO_WORD)
    scratch.buckets[np.uintp(0)] = np.uintp(max(entry, np.int64(0)))
    length = end - begin
    scratch.word[np.uintp(0)] = np.uint8(0x3C)
    for k in range(length):
        scratch.word[np.uintp(k) + np.uintp(1)] = data[begin + np.uintp(k)]
    scratch.word[length + np.uintp(1)] = np.uint8(0x3E)
    return sum_subwords(length + np.uintp(2), np.uintp(entry >= np.int64(0)), network, scratch)


@inline_kernel
def add_cached_word(
    data: Bytes,
    begin: np.uintp,
    end: np.uintp,
    key: np.uint64,
    network: Network,
    cache: WordCache,
    scratch: WordScratch,
    total: Floats,
) -> np.int32:
    """Adds the rows of a word and its character n-grams to `total`; returns how many they are, or NO_WORD."""
    is_known, num_rows = add_known_word(key, cache, total)
    if not is_known:
        num_rows = sum_word(data, begin, end, key, network, scratch)
        add_row(np.uintp(0), scratch.sum, total)
        # One of any length: long ones, such as addresses, come seldom again, but are dear to sum.
        remember_word(key, num_rows, cache, scratch.sum[0])
    return num_rows
