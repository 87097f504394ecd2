"""Sums of the rows of words that were seen before. A cache changes no bit of a result, only when it is known.

Letters are: T slots (a power of two), W = T / 2 words, H sums.
"""

from typing import Final, NamedTuple

import numpy as np

from operators.fasttext.model_file import Floats
from operators.fasttext.network import Keys, Network, home_slot
from operators.fasttext.rows import add_row, num_sums
from operators.text.prefetch import prefetch
from pipeline.kernel import borrowing_kernel, inline_kernel

NO_WORD: Final = -1
"""Count of rows of a token that is not a word, but a label."""
CACHE_BYTES: Final = 1 << 26
"""What the sums of a cache take at most; 1,048,576 words of 16 columns are then in it, found by half as many bytes.
Real text has so many different tokens in 160 MB: one of nineteen comes first. With half the cache one of fourteen is
not found, and language identification takes a tenth longer."""
CACHE_LINE: Final = 64
"""Bytes. A sum of 16 columns then lies in one line."""


class WordCache(NamedTuple):
    """It is emptied when it is full. Words lie in the order in which they came, so the frequent ones are together."""

    slots: Keys  # (T, 2) key of a word, 0 in an empty slot; where its sum is (32 bits), and its number of rows and 1
    sums: Floats  # (W, H)
    num_words: Keys  # (1,)


def word_cache_for(network: Network) -> WordCache:
    """An empty cache; of the least size where words have no character n-grams, since a word is then one row."""
    columns = num_sums(network)
    num_words = 16
    while network.max_subword > 0 and 2 * num_words * 4 * columns <= CACHE_BYTES:
        num_words *= 2
    return WordCache(np.zeros((2 * num_words, 2), np.uint64), _in_lines(num_words, columns), np.zeros(1, np.uint64))


def _in_lines(num_rows: int, columns: int) -> Floats:
    """Zeros that begin with a cache line."""
    memory = np.zeros(num_rows * columns + CACHE_LINE // 4, np.float32)
    first = -memory.ctypes.data % CACHE_LINE // 4
    return memory[first : first + num_rows * columns].reshape(num_rows, columns)


@inline_kernel
def ask_for_slot(key: np.uint64, cache: WordCache) -> None:
    """Begins to load the slot where the search for a word begins."""
    prefetch(cache.slots, home_slot(key, cache.slots) * np.uintp(2))


@inline_kernel
def find_word(key: np.uint64, cache: WordCache) -> np.uintp:
    """The slot of a word, or the empty one where it belongs."""
    mask = np.uintp(cache.slots.shape[0] - 1)
    slot = home_slot(key, cache.slots)
    while cache.slots[slot, np.uintp(0)] != key and cache.slots[slot, np.uintp(0)] != np.uint64(0):
        slot = (slot + np.uintp(1)) & mask
    return slot


@inline_kernel
def ask_for_sum(key: np.uint64, cache: WordCache) -> None:
    """Begins to load the sum of a word that is in the cache."""
    slot = find_word(key, cache)
    if cache.slots[slot, np.uintp(0)] == key:
        place = np.uintp(np.uint32(cache.slots[slot, np.uintp(1)]))
        prefetch(cache.sums, place * np.uintp(cache.sums.shape[1]))


@inline_kernel
def add_known_word(key: np.uint64, cache: WordCache, total: Floats) -> tuple[bool, np.int32]:
    """Adds the sum of a word to `total` if it is in the cache; returns whether it is, and its number of rows."""
    slot = find_word(key, cache)
    is_known = cache.slots[slot, np.uintp(0)] == key
    num_rows = np.int32(0)
    if is_known:
        entry = cache.slots[slot, np.uintp(1)]
        add_row(np.uintp(np.uint32(entry)), cache.sums, total)
        num_rows = np.int32(np.int64(entry >> np.uint64(32)) - np.int64(1))
    return bool(is_known), num_rows


@borrowing_kernel
def remember_word(key: np.uint64, num_rows: np.int32, cache: WordCache, total: Floats) -> None:
    """Puts the sum of a word's rows into the cache; a cache that is full is emptied first."""
    if cache.num_words[0] >= np.uint64(cache.sums.shape[0]):
        cache.slots[:] = np.uint64(0)
        cache.num_words[0] = np.uint64(0)
    place = cache.num_words[0]
    slot = find_word(key, cache)
    cache.slots[slot, np.uintp(0)] = key
    cache.slots[slot, np.uintp(1)] = place | (np.uint64(np.int64(num_rows) + np.int64(1)) << np.uint64(32))
    for k in range(np.uintp(total.shape[0])):
        cache.sums[np.uintp(place), np.uintp(k)] = total[np.uintp(k)]
    cache.num_words[0] = place + np.uint64(1)
