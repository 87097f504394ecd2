"""Where each run of a document's tokens goes: cutting documents into pieces, and pieces in the order of windows.

Dimension letters: D documents, P pieces, N windows.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from operators.pack.token_buffer import Numbers
from pipeline.kernel import kernel

NO_PIECE = -1

LongDocuments = Literal["split", "truncate"]
"""What becomes of a document that is longer than a window."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """Runs of tokens of D documents, each within one window."""

    document: Numbers  # (P,)
    start: Numbers  # (P,) first token, counted over all documents
    length: Numbers  # (P,) 1 or more
    before: Numbers  # (P,) tokens of the document that lie before the piece
    truncated: Numbers  # (P,) tokens of the document behind the piece that are in no window

    def taken(self, order: Numbers) -> "Pieces":
        """The pieces at these places."""
        return Pieces(
            self.document[order], self.start[order], self.length[order], self.before[order], self.truncated[order]
        )


@dataclass(frozen=True, slots=True)
class Windows:
    """Pieces in window order, and what each of N windows holds."""

    pieces: Pieces
    bounds: Numbers  # (N + 1,) pieces of window n are bounds[n]..bounds[n + 1]
    num_ahead: int = 0
    """So many windows from the first on show one token behind their own: the first of the window that follows."""

    @property
    def num_windows(self) -> int:
        """N."""
        return len(self.bounds) - 1


def cut_documents(lengths: Numbers, longest: int, policy: LongDocuments, min_piece: int = 1) -> Pieces:
    """Documents as pieces of `longest` tokens at most, in order; one that fits is a piece of its own.

    A longer one is truncated, or split into pieces of `longest` tokens and a rest; a rest shorter than `min_piece`
    takes what it lacks from the piece before it.
    """
    offsets = running_totals(lengths)
    if policy == "truncate":
        document = np.flatnonzero(lengths)
        length = np.minimum(lengths[document], longest)
        return Pieces(document, offsets[document], length, np.zeros_like(length), lengths[document] - length)
    counts = -(-lengths // longest)  # (D,) pieces of each document
    bounds = running_totals(counts)
    document = np.repeat(np.arange(len(lengths)), counts)  # (P,)
    before = (np.arange(len(document)) - bounds[document]) * longest
    length = np.minimum(lengths[document] - before, longest)
    # A rest has a piece before it, which is full: the lengths of both change by what the rest lacks.
    rest = np.flatnonzero((before > 0) & (length < min_piece))
    lacking = min_piece - length[rest]
    length[rest] += lacking
    before[rest] -= lacking
    length[rest - 1] -= lacking
    return Pieces(document, offsets[document] + before, length, before, np.zeros_like(length))


def concatenated(lengths: Numbers, window: int, *, extra_token: bool = False) -> Windows:
    """Documents one after another, cut wherever a window ends. The last window may be partly filled.

    With `extra_token` a window also shows the first token of the next one: its last piece is longer by one, or a piece
    of one token follows it.
    """
    offsets = running_totals(lengths)
    num_tokens = int(offsets[-1])
    # A piece begins wherever a document or a window does. Two sorted runs: the stable sort only merges them.
    starts = np.sort(np.concatenate([offsets, np.arange(0, num_tokens, window)]), kind="stable")
    starts = starts[:-1][starts[:-1] < starts[1:]]  # (P,) without the end, and without empty documents
    document = np.searchsorted(offsets, starts, side="right") - 1
    length = np.diff(starts, append=num_tokens)
    bounds = np.searchsorted(starts // window, np.arange(-(-num_tokens // window) + 1))
    if extra_token:
        ends = bounds[1:-1]  # of all windows but the last; also where the next one begins
        goes_on = document[ends - 1] == document[ends]
        length[ends[goes_on] - 1] += 1
        seen = ends[~goes_on]
        starts = np.insert(starts, seen, starts[seen])
        document = np.insert(document, seen, document[seen])
        length = np.insert(length, seen, 1)
        bounds[1:-1] += np.cumsum(~goes_on)
        bounds[-1] = len(starts)
    pieces = Pieces(document, starts, length, starts - offsets[document], np.zeros_like(length))
    return Windows(pieces, bounds, max(0, len(bounds) - 2) if extra_token else 0)


def grouped(pieces: Pieces, bin_of: Numbers, num_bins: int) -> Windows:
    """Pieces, given in the order of their documents, by the bin that holds each.

    Windows are in the order of their first pieces, pieces of a window in the order of their documents.
    """
    order, bounds = by_first_piece(bin_of, np.full(num_bins, NO_PIECE, np.int64))
    return Windows(pieces.taken(order), bounds)


@kernel
def by_first_piece(bin_of: Numbers, number_of: Numbers) -> tuple[Numbers, Numbers]:
    """Pieces (P,) by bin, bins as they first appear and pieces in order, and where each bin begins (N + 1,).

    `number_of` (N,) of NO_PIECE is scratch; every bin has a piece.
    """
    num_pieces, num_bins = bin_of.shape[0], number_of.shape[0]
    counts = np.zeros(num_bins, np.int64)
    used = 0
    for i in range(num_pieces):
        k = np.uintp(bin_of[i])
        if number_of[k] == NO_PIECE:
            number_of[k] = used
            used += 1
        counts[np.uintp(number_of[k])] += 1
    bounds = np.zeros(num_bins + 1, np.int64)
    free = counts
    for bin_number in range(num_bins):
        n = np.uintp(bin_number)
        bounds[n + np.uintp(1)] = bounds[n] + counts[n]
        free[n] = bounds[n]
    order = np.empty(num_pieces, np.int64)
    for i in range(num_pieces):
        n = np.uintp(number_of[np.uintp(bin_of[i])])
        order[np.uintp(free[n])] = i
        free[n] += 1
    return order, bounds


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


def running_totals(lengths: Numbers) -> Numbers:
    """From 0: (X,) -> (X + 1,)."""
    totals = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=totals[1:])
    return totals
