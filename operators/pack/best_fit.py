"""Packs by best fit: whole documents, each in the window that it fills best."""

from typing import ClassVar

import numpy as np

from operators.pack.packing import WholeDocuments
from operators.pack.pieces import NO_PIECE, longest_first
from operators.pack.space_set import Starts, Words, empty_set, insert, remove, smallest_from
from operators.pack.token_buffer import Numbers
from pipeline.kernel import kernel


class BestFit(WholeDocuments):
    """One row per window of whole documents, packed best-fit-decreasing within the shard.

    A document longer than the row is split into full rows and a rest that is packed like a document, or truncated.
    From the longest to the shortest, each goes into the open row with the least space that still holds it (of several,
    the one that came to that space last), or opens a new one. Rows are in the order of their first documents in the
    shard, and documents keep that order within a row.

    Columns:
        reads doc_id, tokens, num_tokens.
        writes the packed table: input_ids (uint32), position_ids, segment_ids (int32: 1, 2, ... for the pieces in the
        row, 0 for padding) and loss_mask (uint8: 1 where a token is predicted from its own document), all lists of
        `window` + `extra_token`; doc_ids (one 16-byte id per piece, in order), num_tokens (int64, tokens that are not
        padding), num_continued (int64, pieces behind the first of their document) and num_truncated (int64, tokens cut
        from the row's documents). With `boundaries: cu_seqlens` one column takes the place of three. A document
        without tokens is in no row.

    Determinism:
        EXACT. Lengths and the shard's order decide.

    Raises:
        SchemaError: a row has no tokens or no id.
    Source:
        Ding et al., "Fewer Truncations Improve Language Modeling" (2024), arXiv:2404.10830, section 3 and
        algorithm 1. They pack the whole corpus at once; we pack each shard: at 20,000 real documents 0.02 to 0.03 %
        is padding (benchmarks/tokens/packing.py), instead of 0.01 %. `min_piece` and `truncate` are ours.

    Cost:
        About 0.4 s per million documents, a copy of the tokens, and 7 ns a token for each of the three columns that
        `boundaries: ids` writes. Memory holds one shard's tokens (4 bytes each) and one output batch.
    """

    name: ClassVar[str] = "best_fit"
    version: ClassVar[int] = 3

    def bins(self, lengths: Numbers) -> tuple[Numbers, int]:
        """Best fit, from the longest piece to the shortest."""
        return best_fit_bins(lengths, self.capacity)


def best_fit_bins(lengths: Numbers, capacity: int) -> tuple[Numbers, int]:
    """The bin of each piece (P,) and how many bins there are."""
    words, level_starts = empty_set(capacity)
    bin_of = np.empty(len(lengths), np.int64)
    newest = np.full(capacity + 1, NO_PIECE, np.int64)
    older = np.empty(len(lengths), np.int64)
    order = longest_first(lengths, capacity)
    return bin_of, fill_best(lengths, order, words, level_starts, newest, older, bin_of)


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
    """Puts pieces, in `order`, into the open bin with the least space that holds them; returns the bins used.

    With C the capacity, `words` and `level_starts` are an empty set for 0..C. `newest`, (C + 1,) of NO_PIECE, is for
    each free space the bin that last came to have it; `older`, (P,) scratch, links to the one before. `bin_of` (P,)
    receives each piece's bin.
    """
    capacity = newest.shape[0] - 1
    none = np.uintp(capacity + 1)
    num_bins = 0
    for i in range(order.shape[0]):
        piece = np.uintp(order[i])
        length = lengths[piece]
        space = smallest_from(words, level_starts, np.uintp(length), none)
        if space == none:
            chosen = num_bins
            num_bins += 1
            left = capacity - length
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
