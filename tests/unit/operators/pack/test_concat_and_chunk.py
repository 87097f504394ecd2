"""Concatenation: its stream and its last window. What it shares with best fit is in test_windows."""

from collections.abc import Iterator

import pyarrow as pa

from operators.pack.concat_and_chunk import ConcatAndChunk
from operators.pack.windows import REQUIRED

PAD = 999


def documents(lengths: list[int]) -> pa.RecordBatch:
    """Documents whose tokens count up from 0 over the whole batch."""
    counter = iter(range(sum(lengths)))
    tokens = [[next(counter) for _ in range(length)] for length in lengths]
    ids = [bytes([n]) * 16 for n in range(len(lengths))]
    return pa.RecordBatch.from_arrays(
        [pa.array(ids, REQUIRED[0].type), pa.array(tokens, REQUIRED[1].type), pa.array(lengths, pa.int64())],
        schema=pa.schema(list(REQUIRED)),
    )


def test_concatenation_streams() -> None:
    num_read = 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal num_read
        for _ in range(4):
            num_read += 1
            yield documents([1 << 22])

    rows = ConcatAndChunk(window=1 << 21).open()(batches())
    next(rows)
    assert num_read == 1


def test_the_last_window_is_padded_not_dropped() -> None:
    table = pa.Table.from_batches(ConcatAndChunk(window=5, pad_token=PAD).open()(iter([documents([3, 4])])))
    assert table["input_ids"].to_pylist() == [[0, 1, 2, 3, 4], [5, 6, PAD, PAD, PAD]]
    assert table["segment_ids"].to_pylist() == [[1, 1, 1, 2, 2], [1, 1, 0, 0, 0]]
    assert table["doc_ids"].to_pylist() == [[bytes(16), b"\1" * 16], [b"\1" * 16]]
