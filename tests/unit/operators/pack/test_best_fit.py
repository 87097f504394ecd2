"""Best fit: which documents share a window. What it shares with concatenation is in test_windows."""

import pyarrow as pa

from operators.pack.best_fit import BestFit
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


def test_documents_stay_whole_and_windows_follow_the_shard() -> None:
    batch = documents([4, 3, 6, 12])
    table = pa.Table.from_batches(BestFit(window=10, pad_token=PAD).open()(iter([batch.slice(0, 2), batch.slice(2)])))
    ids = [bytes([n]) * 16 for n in range(4)]
    # 12 is cut into a full window and a rest of 2, which the window with 4 and 6 cannot take.
    assert table["doc_ids"].to_pylist() == [[ids[0], ids[2]], [ids[1], ids[3]], [ids[3]]]
    assert table["input_ids"].to_pylist() == [
        [0, 1, 2, 3, 7, 8, 9, 10, 11, 12],
        [4, 5, 6, 23, 24, PAD, PAD, PAD, PAD, PAD],
        list(range(13, 23)),
    ]
    assert table["segment_ids"].to_pylist() == [[1] * 4 + [2] * 6, [1] * 3 + [2] * 2 + [0] * 5, [1] * 10]
    assert table["num_tokens"].to_pylist() == [10, 5, 10]
