"""Packs by first fit: whole documents as they come, each in the first window that has room for it."""

from typing import ClassVar

import numpy as np

from operators.pack.packing import WholeDocuments
from operators.pack.token_buffer import Numbers
from pipeline.kernel import kernel


class FirstFit(WholeDocuments):
    """One row per window of whole documents, packed by first fit in the shard's order.

    A document longer than the row is split into full rows and a rest that is packed like a document, or truncated. One
    after another, each document goes into the first row that has room for it, or opens a new one. So a row's documents
    stand near each other in the shard: a mixture or a curriculum in that order stays about as it is, which packing by
    length undoes. Documents keep their order within a row.

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
        First fit for lists in the order given: Johnson, "Near-Optimal Bin Packing Algorithms" (1973), section 2. With
        documents sorted by length it is first-fit-decreasing, which fills rows as well as best-fit-decreasing does.

    Cost:
        About 0.3 s per million documents and the copy that `best_fit` makes. Pads more: 0.25 % of rows of
        2,048 tokens and 0.10 % of 8,192, for a million real documents; `best_fit` pads 0.01 % and less.
    """

    name: ClassVar[str] = "first_fit"
    version: ClassVar[int] = 2

    def bins(self, lengths: Numbers) -> tuple[Numbers, int]:
        """First fit, in order."""
        num_leaves = 1 << max(0, len(lengths) - 1).bit_length()
        most_space = np.full(2 * num_leaves, self.capacity, np.int64)
        bin_of = np.empty(len(lengths), np.int64)
        return bin_of, fill_first(lengths, most_space, bin_of)


@kernel
def fill_first(lengths: Numbers, most_space: Numbers, bin_of: Numbers) -> int:
    """Puts pieces into the first bin that has room for them; returns the bins used.

    `most_space` (2 * K,) is a tree over K bins, K a power of two and no less than P: node k has the children 2k and
    2k + 1 and the most space of any bin below it; bins are nodes K, K + 1, ... All begin as the capacity, so that an
    unopened bin is found where no open one has room. `bin_of` (P,) receives each piece's bin.
    """
    num_leaves = most_space.shape[0] // 2
    num_bins = 0
    for i in range(lengths.shape[0]):
        node = 1
        while node < num_leaves:
            node *= 2
            if most_space[np.uintp(node)] < lengths[i]:
                node += 1
        bin_of[i] = node - num_leaves
        num_bins = max(num_bins, node - num_leaves + 1)
        most_space[np.uintp(node)] -= lengths[i]
        node //= 2
        while node > 0:
            most = max(most_space[np.uintp(2 * node)], most_space[np.uintp(2 * node + 1)])
            if most == most_space[np.uintp(node)]:
                break
            most_space[np.uintp(node)] = most
            node //= 2
    return num_bins
