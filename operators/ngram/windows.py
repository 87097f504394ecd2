"""The windows of a text: for each token the n-gram that begins there, packed so that numbers sort as n-grams do.

A window has N ids, and fewer at the end of a document. Each id takes the bits that the vocabulary needs, as id + 1, so
that 0 says that the document has ended and shorter windows come first. A window is K words of 64 bits, the first ids
in the high bits. Letters are: D documents, T tokens, W windows.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from operators.ngram.token_lists import Ids, TokenLists
from pipeline.kernel import Offsets, inline_kernel, kernel

Windows = npt.NDArray[np.uint64]

WORD_BITS = 64


class Packing(NamedTuple):
    """How ids stand in the words of a window."""

    order: np.uintp
    """N."""
    id_bits: np.uint64
    ids_per_word: np.uintp
    num_words: np.uintp
    """K."""


def packing_for(order: int, vocab_size: int) -> Packing:
    """The packing of windows of `order` ids below `vocab_size`."""
    id_bits = vocab_size.bit_length()
    ids_per_word = WORD_BITS // id_bits
    return Packing(np.uintp(order), np.uint64(id_bits), np.uintp(ids_per_word), np.uintp(-(-order // ids_per_word)))


@inline_kernel
def id_at(window: Windows, place: np.uintp, packing: Packing) -> np.uint64:
    """The id at a place of a window, plus one; 0 behind its end."""
    word = place // packing.ids_per_word
    shift = np.uint64(packing.ids_per_word - np.uintp(1) - place % packing.ids_per_word) * packing.id_bits
    found: np.uint64 = (window[word] >> shift) & ((np.uint64(1) << packing.id_bits) - np.uint64(1))
    return found


def windows_of(tokens: TokenLists, packing: Packing) -> Windows:
    """(T, K): a window for each token."""
    windows = np.zeros((len(tokens.ids), int(packing.num_words)), np.uint64)
    _fill_windows(tokens.ids, tokens.offsets, packing, windows)
    return windows


@kernel
def _fill_windows(ids: Ids, offsets: Offsets, packing: Packing, windows: Windows) -> None:
    for d in range(offsets.shape[0] - 1):
        end = np.uintp(offsets[np.uintp(d + 1)])
        for i in range(np.uintp(offsets[np.uintp(d)]), end):
            begin = np.uintp(i)
            for j in range(min(packing.order, end - begin)):
                place = np.uintp(j)
                shift = np.uint64(packing.ids_per_word - np.uintp(1) - place % packing.ids_per_word) * packing.id_bits
                word = place // packing.ids_per_word
                windows[begin, word] |= (np.uint64(ids[begin + place]) + np.uint64(1)) << shift


def sorted_windows(windows: Windows) -> Windows:
    """The windows in the order of their ids."""
    if windows.shape[1] == 1:
        return np.sort(windows, axis=0)
    return windows[np.lexsort(windows.T[::-1])]
