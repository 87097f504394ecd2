"""Text to the hidden layer of a classifier: the mean of the rows of its words, their character and word n-grams.

Sums are float32, in one order: rows in a word, then words; rows that are not summed by word in the order of the text.
So no result depends on a cache or on another document. Letters are: H sums, R rows that wait to be added.
"""

from typing import Final, NamedTuple

import numpy as np

from operators.fasttext.model_file import Floats
from operators.fasttext.network import (
    END_OF_LINE,
    FNV_BASIS,
    NO_ROW,
    Keys,
    Network,
    bucket_row,
    find_entry,
    fnv_step,
    hash_bytes,
    key_of,
)
from operators.fasttext.rows import Rows, add_rows, ask_for_row
from operators.fasttext.words import (
    NO_WORD,
    WordCache,
    WordScratch,
    add_cached_word,
    is_label_entry,
    word_scratch_for,
)
from operators.text.hashing import WORD_MULTIPLIER
from operators.text.kernel import Bytes, borrowing_kernel, inline_kernel

_END: Final = np.frombuffer(END_OF_LINE, np.uint8)

SPACE: Final = np.uint8(0x20)
SEPARATORS: Final = np.uint64(sum(1 << byte for byte in b"\0\t\n\v\f\r "))
"""What fastText splits words at: bits of the bytes up to a space. The spaces of Unicode are letters to it."""

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


def scratch_for(network: Network, longest: int) -> Scratch:
    """Memory for documents of up to `longest` bytes."""
    return Scratch(
        np.zeros(WAITING_ROWS + int(network.word_ngrams), np.uintp),
        np.zeros(int(network.word_ngrams) - 1, np.uint64),
        word_scratch_for(network, longest),
    )


@inline_kernel
def is_separator(byte: np.uint8) -> bool:
    """Whether fastText splits words at this byte."""
    return bool(byte <= SPACE and (SEPARATORS >> np.uint64(byte)) & np.uint64(1) != np.uint64(0))


@inline_kernel
def is_end_of_line(data: Bytes, begin: np.uintp, end: np.uintp) -> bool:
    """Whether the token is `</s>`."""
    return bool(
        end - begin == np.uintp(4)
        and data[begin] == np.uint8(0x3C)
        and data[begin + np.uintp(1)] == np.uint8(0x2F)
        and data[begin + np.uintp(2)] == np.uint8(0x73)
        and data[begin + np.uintp(3)] == np.uint8(0x3E)
    )


@inline_kernel
def next_token(data: Bytes, i: np.uintp, end: np.uintp) -> tuple[np.uintp, np.uintp, np.uint32, np.uint64]:
    """Where the next token begins and ends, fastText's hash of it and its key; empty where there is none."""
    while i < end and is_separator(data[i]):
        i += np.uintp(1)
    begin = i
    fnv, polynomial = FNV_BASIS, np.uint64(0)
    while i < end and not is_separator(data[i]):
        fnv = fnv_step(fnv, data[i])
        polynomial = (polynomial + np.uint64(data[i])) * WORD_MULTIPLIER
        i += np.uintp(1)
    return begin, i, fnv, key_of(fnv, polynomial)


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
    at_end = False
    i = begin
    while not at_end:
        start, i, fnv, key = next_token(data, i, end)
        is_word = True
        if start == i or is_end_of_line(data, start, i):
            at_end = True
            fnv, _ = hash_bytes(_END, np.uintp(0), np.uintp(4))
            num_waiting = wait_for_row(network.end_entry, num_waiting, network, scratch)
        elif network.max_subword > np.uintp(0):
            count = add_cached_word(data, start, i, key, network, cache, scratch.words, hidden)
            is_word = count != np.int32(NO_WORD)
            num_rows += np.int64(max(count, np.int32(0)))
        else:
            entry = find_entry(key, network.keys, network.entries)
            is_word = not is_label_entry(data, start, i, entry, network)
            num_waiting = wait_for_row(entry if is_word else np.int64(NO_ROW), num_waiting, network, scratch)
        if is_word and network.word_ngrams > np.uintp(1):
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
