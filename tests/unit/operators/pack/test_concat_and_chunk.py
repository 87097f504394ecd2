"""Concatenation: its stream and its last window. What it shares with other ways to pack is in test_packing."""

from collections.abc import Iterator

import pyarrow as pa

from operators.pack.concat_and_chunk import ConcatAndChunk
from tests.unit.operators.pack.packed import PAD, documents, packed


def test_concatenation_streams() -> None:
    num_read = 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal num_read
        for _ in range(4):
            num_read += 1
            yield documents([1 << 20])

    rows = ConcatAndChunk(window=1 << 19).open()(batches())
    next(rows)
    assert num_read == 1


def test_the_last_window_is_padded_not_dropped() -> None:
    table = packed(ConcatAndChunk(window=5, extra_token=0, pad_token=PAD), documents([3, 4]))
    ids = documents([3, 4])["doc_id"].to_pylist()
    assert table["input_ids"].to_pylist() == [[0, 1, 2, 3, 4], [5, 6, PAD, PAD, PAD]]
    assert table["segment_ids"].to_pylist() == [[1, 1, 1, 2, 2], [1, 1, 0, 0, 0]]
    assert table["loss_mask"].to_pylist() == [[0, 1, 1, 0, 1], [0, 1, 0, 0, 0]]
    assert table["doc_ids"].to_pylist() == [ids, ids[1:]]
    assert table["num_continued"].to_pylist() == [0, 1]


def test_a_row_ends_with_the_first_token_of_the_next() -> None:
    table = packed(ConcatAndChunk(window=4, pad_token=PAD), documents([4, 5]))
    ids = documents([4, 5])["doc_id"].to_pylist()
    assert table["input_ids"].to_pylist() == [[0, 1, 2, 3, 4], [4, 5, 6, 7, 8], [8, PAD, PAD, PAD, PAD]]
    # Token 4 begins its document: no target of the first row. Token 8 is a target of the second, and of it alone.
    assert table["loss_mask"].to_pylist() == [[0, 1, 1, 1, 0], [0, 1, 1, 1, 1], [0, 0, 0, 0, 0]]
    assert table["segment_ids"].to_pylist() == [[1, 1, 1, 1, 2], [1] * 5, [1, 0, 0, 0, 0]]
    assert table["doc_ids"].to_pylist() == [ids[:1], ids[1:], ids[1:]]
    assert table["num_tokens"].to_pylist() == [4, 4, 1]
