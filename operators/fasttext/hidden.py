"""Text to the hidden layer of a classifier: the mean of the rows of its words, their character and word n-grams.

Sums are float32, in one order: rows in a word, then words; rows that are not summed by word in the order of the text.
So no result depends on a cache or on another document. Letters are: H sums, R rows that wait to be added.
"""

from typing import Final, NamedTuple

import numpy as np

from operators.fasttext.model_file import Floats
from operators.fasttext.network import (
    END_HASH,
    NO_ROW,
    Keys,
    Network,
    bucket_row,
    find_entry,
    hash_bytes,
    home_slot,
)
from operators.fasttext.rows import Rows, add_rows, ask_for_row
from operators.fasttext.tokens import Tokens, empty_tokens, is_end_of_line, read_tokens
from operators.fasttext.word_cache import NO_WORD, WordCache, ask_for_slot, ask_for_sum
from operators.fasttext.words import WordScratch, add_cached_word, is_label_entry, word_scratch_for
from operators.text.prefetch import prefetch
from pipeline.kernel import Bytes, borrowing_kernel, inline_kernel

NGRAM_MULTIPLIER: Final = np.uint64(116049371)
"""fastText's, of the polynomial over the hashes of an n-gram's words."""

WAITING_ROWS: Final = 64
"""Rows that are asked of memory before the first half of them is added: the latency of memory is hidden behind the
hashing of some words, and the rows lie in the first cache when they are added."""


class Scratch(NamedTuple):
    """Memory that one document after another uses."""

    rows: Rows  # (R,) rows that wait to be added
    ngrams: Keys  # (word_ngrams - 1,) hashes of the word n-grams that the next word continues
    words: WordScratch
    tokens: Tokens


def scratch_for(network: Network, longest: int) -> Scratch:
    """Memory for documents of up to `longest` bytes."""
    return Scratch(
        np.zeros(WAITING_ROWS + int(network.word_ngrams), np.uintp),
        np.zeros(int(network.word_ngrams) - 1, np.uint64),
        word_scratch_for(network, longest),
        empty_tokens(),
    )


@inline_kernel
def wait_for_row(row: np.int64, num_waiting: np.uintp, network: Network, scratch: Scratch) -> np.uintp:
    """Appends a row to those that wait, unless it is NO_ROW; returns how many wait then."""
    if row < np.int64(0):
        return num_waiting
    scratch.rows[num_waiting] = np.uintp(row)
    ask_for_row(np.uintp(row), network)
    return num_waiting + np.uintp(1)


@inline_kernel
def wait_for_ngrams(
    fnv: np.uint32, num_before: np.uintp, num_waiting: np.uintp, network: Network, scratch: Scratch
) -> np.uintp:
    """Appends the rows of the word n-grams that end with a word, `num_before` of them; returns how many rows wait."""
    word = np.uint64(np.int64(np.int32(fnv)))  # fastText's, with the sign of 32 bits
    for k in range(num_before):
        place = num_before - np.uintp(k)
        ngram = scratch.ngrams[place - np.uintp(1)] * NGRAM_MULTIPLIER + word
        num_waiting = wait_for_row(bucket_row(ngram, network), num_waiting, network, scratch)
        if place < np.uintp(scratch.ngrams.shape[0]):
            scratch.ngrams[place] = ngram
    scratch.ngrams[np.uintp(0)] = word
    return num_waiting


@borrowing_kernel
def add_waiting(num_waiting: np.uintp, num_added: np.uintp, network: Network, scratch: Scratch, total: Floats) -> None:
    """Adds the first rows of those that wait to `total`; the others move up."""
    add_rows(num_added, scratch.rows, network, scratch.words.row, scratch.words.lanes, total)
    for k in range(num_waiting - num_added):
        scratch.rows[np.uintp(k)] = scratch.rows[np.uintp(k) + num_added]


@inline_kernel
def ask_for_entry(key: np.uint64, network: Network) -> None:
    """Begins to load where the search for an entry of the dictionary begins."""
    slot = home_slot(key, network.keys)
    prefetch(network.keys, slot)
    prefetch(network.entries, slot)


@inline_kernel
def ask_for_tokens(num_tokens: np.uintp, tokens: Tokens, network: Network, cache: WordCache) -> None:
    """Begins to load what the tokens of a block are looked up in."""
    for k in range(num_tokens):
        if network.max_subword > np.uintp(0):
            ask_for_slot(tokens.keys[np.uintp(k)], cache)
        else:
            ask_for_entry(tokens.keys[np.uintp(k)], network)
    for k in range(num_tokens):
        if network.max_subword > np.uintp(0):
            ask_for_sum(tokens.keys[np.uintp(k)], cache)


@borrowing_kernel
def hidden_layer(
    data: Bytes,
    begin: np.uintp,
    end: np.uintp,
    network: Network,
    cache: WordCache,
    scratch: Scratch,
    hidden: Floats,
) -> bool:
    """Writes the mean of a document's rows to `hidden`, (H,); False where the model knows nothing of it."""
    hidden[:] = np.float32(0)
    num_rows, num_waiting, num_before = np.int64(0), np.uintp(0), np.uintp(0)
    num_tokens, token = np.uintp(0), np.uintp(0)
    at_end = False
    i = begin
    while not at_end:
        if token == num_tokens:
            num_tokens, i = read_tokens(data, i, end, scratch.tokens)
            ask_for_tokens(num_tokens, scratch.tokens, network, cache)
            token = np.uintp(0)
        start, stop = np.uintp(scratch.tokens.begins[token]), np.uintp(scratch.tokens.ends[token])
        key = scratch.tokens.keys[token]
        token += np.uintp(1)
        is_word = True
        if start == stop or is_end_of_line(data, start, stop):
            at_end = True
            num_waiting = wait_for_row(network.end_entry, num_waiting, network, scratch)
        elif network.max_subword > np.uintp(0):
            count = add_cached_word(data, start, stop, key, network, cache, scratch.words, hidden)
            is_word = count != np.int32(NO_WORD)
            num_rows += np.int64(max(count, np.int32(0)))
        else:
            entry = find_entry(key, network.keys, network.entries)
            is_word = not is_label_entry(data, start, stop, entry, network)
            num_waiting = wait_for_row(entry if is_word else np.int64(NO_ROW), num_waiting, network, scratch)
        if is_word and network.word_ngrams > np.uintp(1):
            fnv = END_HASH if at_end else hash_bytes(data, start, stop)
            num_waiting = wait_for_ngrams(fnv, num_before, num_waiting, network, scratch)
            num_before = min(num_before + np.uintp(1), network.word_ngrams - np.uintp(1))
        if num_waiting >= np.uintp(WAITING_ROWS) or at_end:
            num_added = num_waiting if at_end else np.uintp(WAITING_ROWS // 2)
            add_waiting(num_waiting, num_added, network, scratch, hidden)
            num_rows += np.int64(num_added)
            num_waiting -= num_added
    share = np.float32(1.0 / np.float64(max(num_rows, np.int64(1))))
    for k in range(np.uintp(hidden.shape[0])):
        hidden[np.uintp(k)] *= share
    return bool(num_rows > np.int64(0))
