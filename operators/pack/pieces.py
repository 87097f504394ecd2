"""Where each run of a document's tokens goes: cutting documents into pieces, and giving pieces a window.

Dimension letters: D documents, P pieces, N windows, L tokens of a window.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from operators.pack.space_set import Starts, Words, empty_set, insert, remove, smallest_from
from operators.text.kernel import kernel

Numbers = npt.NDArray[np.int64]

NO_PIECE = -1


@dataclass(frozen=True, slots=True)
class Pieces:
    """Runs of tokens of D documents, each within one window, in window order."""

    document: Numbers  # (P,)
    start: Numbers  # (P,) first token, counted over all documents
    length: Numbers  # (P,) in 1..L
    bounds: Numbers  # (N + 1,) pieces of window n are bounds[n]..bounds[n + 1]

    @property
    def num_windows(self) -> int:
        """N."""
        return len(self.bounds) - 1


def concatenated(lengths: Numbers, window: int) -> Pieces:
    """Documents one after another, cut wherever a window ends. The last window may be partly filled."""
    offsets = _offsets(lengths)
    num_tokens = int(offsets[-1])
    # A piece begins wherever a document or a window does. Two sorted runs: the stable sort only merges them.
    starts = np.sort(np.concatenate([offsets, np.arange(0, num_tokens, window)]), kind="stable")
    starts = starts[:-1][starts[:-1] < starts[1:]]  # (P,) without the end, and without empty documents
    window_of = starts // window  # (P,)
    num_windows = -(-num_tokens // window)
    return Pieces(
        document=np.searchsorted(offsets, starts, side="right") - 1,
        start=starts,
        length=np.diff(starts, append=num_tokens),
        bounds=np.searchsorted(window_of, np.arange(num_windows + 1)),
    )


def best_fit(lengths: Numbers, window: int) -> Pieces:
    """Each document cut into full windows and a rest, the rests packed best-fit-decreasing.

    Windows are in the order of their first pieces, pieces of a window in the order of their documents.
    """
    counts = -(-lengths // window)  # (D,) pieces of each document
    bounds = _offsets(counts)
    document = np.repeat(np.arange(len(lengths)), counts)  # (P,)
    within = np.arange(len(document)) - bounds[document]  # (P,) number of the piece in its document
    start = _offsets(lengths)[document] + within * window
    length = np.minimum(lengths[document] - within * window, window)

    bin_of = np.empty(len(length), np.int64)
    words, level_starts = empty_set(window)
    newest = np.full(window + 1, NO_PIECE, np.int64)  # (L + 1,)
    older = np.empty(len(length), np.int64)
    num_bins = fill_best(length, longest_first(length, window), words, level_starts, newest, older, bin_of)
    window_of = number_by_first_piece(bin_of, np.full(num_bins, NO_PIECE, np.int64))
    order = np.argsort(window_of, kind="stable")  # (P,)
    return Pieces(
        document=document[order],
        start=start[order],
        length=length[order],
        bounds=np.searchsorted(window_of[order], np.arange(num_bins + 1)),
    )


@kernel
def longest_first(lengths: Numbers, longest: int) -> Numbers:
    """Places of `lengths` from the longest to the shortest, equals in order: a counting sort over 0..longest."""
    first = np.zeros(longest + 2, np.int64)
    for i in range(lengths.shape[0]):
        first[np.uintp(longest - lengths[i] + 1)] += 1
    for shorter in range(1, longest + 2):
        first[np.uintp(shorter)] += first[np.uintp(shorter - 1)]
    order = np.empty(lengths.shape[0], np.int64)
    for i in range(lengths.shape[0]):
        k = np.uintp(longest - lengths[i])
        order[np.uintp(first[k])] = i
        first[k] += 1
    return order


@kernel
def fill_best(
    lengths: Numbers,
    order: Numbers,
    words: Words,
    level_starts: Starts,
    newest: Numbers,
    older: Numbers,
    bin_of: Numbers,
) -> int:
    """Puts pieces, in `order`, into the open window with the least space that holds them; returns the windows used.

    `words` and `level_starts` are an empty set for 0..L. `newest`, (L + 1,) of NO_PIECE, is for each free space the
    window that last came to have it; `older`, (P,) scratch, links to the one before. `bin_of` (P,) receives each
    piece's window.
    """
    window = newest.shape[0] - 1
    none = np.uintp(window + 1)
    num_bins = 0
    for i in range(order.shape[0]):
        piece = np.uintp(order[i])
        length = lengths[piece]
        space = smallest_from(words, level_starts, np.uintp(length), none)
        if space == none:
            chosen = num_bins
            num_bins += 1
            left = window - length
        else:
            chosen = newest[space]
            newest[space] = older[np.uintp(chosen)]
            if newest[space] == NO_PIECE:
                remove(words, level_starts, space)
            left = np.int64(space) - length
        bin_of[piece] = chosen
        if left > 0:
            if newest[np.uintp(left)] == NO_PIECE:
                insert(words, level_starts, np.uintp(left))
            older[np.uintp(chosen)] = newest[np.uintp(left)]
            newest[np.uintp(left)] = chosen
    return num_bins


@kernel
def number_by_first_piece(bin_of: Numbers, number_of: Numbers) -> Numbers:
    """Each piece's window, windows renumbered as they first appear. `number_of` (N,) of NO_PIECE is scratch."""
    renumbered = np.empty(bin_of.shape[0], np.int64)
    used = 0
    for i in range(bin_of.shape[0]):
        k = np.uintp(bin_of[i])
        if number_of[k] == NO_PIECE:
            number_of[k] = used
            used += 1
        renumbered[i] = number_of[k]
    return renumbered


def _offsets(lengths: Numbers) -> Numbers:
    """Running totals from 0: (X,) -> (X + 1,)."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets
