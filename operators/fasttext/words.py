"""The sum of the rows of a word and its character n-grams.

A word's rows are summed by themselves before the word is added to a text, so a sum may come out of the cache. Letters
are: E columns, H sums.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from operators.fasttext.lanes import NUM_LANES
from operators.fasttext.model_file import Floats
from operators.fasttext.network import FNV_BASIS, Network, find_entry, fnv_step, remainder
from operators.fasttext.rows import Rows, add_row, add_rows, num_sums
from operators.fasttext.word_cache import NO_WORD, WordCache, add_known_word, remember_word
from operators.text.prefetch import prefetch
from pipeline.kernel import Bytes, borrowing_kernel, inline_kernel

_LABEL_PREFIX: Final = np.frombuffer(b"__label__", np.uint8)

MAX_NGRAMS: Final = 256
"""Hashed before the first of them is looked up."""

Buckets = npt.NDArray[np.uint32]


class WordScratch(NamedTuple):
    """Memory that one word after another uses."""

    word: Bytes  # the longest word between `<` and `>`
    buckets: Buckets  # of some of the word's n-grams
    rows: Rows  # of the word and these n-grams
    row: Floats  # (E,)
    lanes: Floats  # (8,)
    sum: Floats  # (1, H) of the rows of the word


def word_scratch_for(network: Network, longest: int) -> WordScratch:
    """Memory for words of up to `longest` bytes."""
    return WordScratch(
        np.zeros(longest + 2 if network.max_subword > 0 else 0, np.uint8),
        np.zeros(MAX_NGRAMS + int(network.max_subword), np.uint32),
        np.zeros(MAX_NGRAMS + int(network.max_subword) + 1, np.uintp),
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
def find_buckets(
    begin: np.uintp, length: np.uintp, num_ngrams: np.uintp, network: Network, scratch: WordScratch
) -> np.uintp:
    """Appends the buckets of the n-grams that begin at `begin` to `scratch.buckets`; returns how many there are then.

    The bits of all of a word's buckets are asked of memory before the first is read.
    """
    word = scratch.word
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
            bucket = remainder(fnv, network.bucket, network.bucket_inverse)
            scratch.buckets[num_ngrams] = np.uint32(bucket)
            num_ngrams += np.uintp(1)
            if network.bucket_bits.shape[0] > 0:
                prefetch(network.bucket_bits, bucket >> np.uintp(3))
    return num_ngrams


@inline_kernel
def find_rows(num_ngrams: np.uintp, num_rows: np.uintp, network: Network, scratch: WordScratch) -> np.uintp:
    """Appends the rows of the n-grams in `scratch.buckets` to `scratch.rows`; returns how many rows there are then."""
    rows = scratch.rows
    if network.bucket_rows.shape[0] == 0:
        for k in range(num_ngrams):
            rows[num_rows + np.uintp(k)] = network.num_words + np.uintp(scratch.buckets[np.uintp(k)])
        return num_rows + num_ngrams
    first = num_rows
    for k in range(num_ngrams):
        # Whether an n-gram is gone cannot be predicted, so it is no branch: one that is gone is written over.
        bucket = np.uintp(scratch.buckets[np.uintp(k)])
        rows[num_rows] = bucket
        bits = np.uintp(network.bucket_bits[bucket >> np.uintp(3)])
        num_rows += (bits >> (bucket & np.uintp(7))) & np.uintp(1)
    for k in range(first, num_rows):
        rows[np.uintp(k)] = np.uintp(network.bucket_rows[rows[np.uintp(k)]] - np.int32(1))
    return num_rows


@inline_kernel
def sum_subwords(length: np.uintp, num_rows: np.uintp, network: Network, scratch: WordScratch) -> np.int32:
    """Adds the rows of the character n-grams of a word in its brackets, `scratch.word[:length]`, to `scratch.sum`.

    `num_rows` rows are in `scratch.rows` already. Returns how many rows the word has in all.
    """
    num_added = np.int32(0)
    num_ngrams = np.uintp(0)
    full = np.uintp(scratch.buckets.shape[0]) - network.max_subword
    i = np.uintp(0)
    while i < length:
        num_ngrams = find_buckets(i, length, num_ngrams, network, scratch)
        i += np.uintp(1)
        while i < length and (scratch.word[i] & np.uint8(0xC0)) == np.uint8(0x80):
            i += np.uintp(1)
        if num_ngrams > full or i == length:
            num_rows = find_rows(num_ngrams, num_rows, network, scratch)
            add_rows(num_rows, scratch.rows, network, scratch.row, scratch.lanes, scratch.sum[0])
            num_added += np.int32(num_rows)
            num_ngrams, num_rows = np.uintp(0), np.uintp(0)
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
    scratch.rows[np.uintp(0)] = np.uintp(max(entry, np.int64(0)))
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
