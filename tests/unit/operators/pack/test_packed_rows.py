"""Windows as rows: the copy, and what each token is. What follows for whole packings is in test_packing."""

import numpy as np
import pytest

from operators.pack.packed_rows import RowForm, copy_tokens, describe_tokens, packed_batches
from operators.pack.pieces import Pieces, Windows
from operators.pack.token_buffer import Documents

BOUNDS = np.array([0, 2, 3])
LENGTH = np.array([3, 2, 4])


def test_tokens_are_copied_and_rows_filled_up() -> None:
    tokens = np.arange(100, 120, dtype=np.uint32)
    ids = np.zeros(12, np.uint32)
    copy_tokens(tokens, np.array([10, 0, 5]), LENGTH, BOUNDS, 7, ids)
    assert ids.tolist() == [110, 111, 112, 100, 101, 7, 105, 106, 107, 108, 7, 7]


def test_tokens_are_described() -> None:
    position_ids, segment_ids = np.full(12, 9, np.int32), np.full(12, 9, np.int32)
    loss_mask = np.full(12, 9, np.uint8)
    describe_tokens(np.array([0, 40, 0]), LENGTH, BOUNDS, position_ids, segment_ids, loss_mask)
    assert position_ids.tolist() == [0, 1, 2, 40, 41, 0, 0, 1, 2, 3, 0, 0]
    assert segment_ids.tolist() == [1, 1, 1, 2, 2, 0, 1, 1, 1, 1, 0, 0]
    assert loss_mask.tolist() == [0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0]


@pytest.mark.parametrize(("goes_on", "first"), [(False, 0), (True, 5 + 2)])
def test_what_was_packed_before_counts_for_positions_that_continue(goes_on: bool, first: int) -> None:
    # A document of which 5 tokens were packed before; the piece leaves out 2 more.
    documents = Documents(np.array([6]), np.array([5]), np.zeros((1, 2), np.uint64), np.arange(6, dtype=np.uint32))
    pieces = Pieces(np.array([0]), np.array([2]), np.array([3]), np.array([2]), np.array([1]))
    form = RowForm(length=4, pad_token=9, boundaries="ids", positions_continue=goes_on)
    (batch,) = packed_batches(Windows(pieces, np.array([0, 1])), documents, form)
    (row,) = batch.to_pylist()
    assert row["input_ids"] == [2, 3, 4, 9]
    assert row["position_ids"] == [first, first + 1, first + 2, 0]
    assert (row["num_tokens"], row["num_continued"], row["num_truncated"]) == (3, 1, 1)
