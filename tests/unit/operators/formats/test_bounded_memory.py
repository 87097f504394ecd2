"""What a writer holds at a time does not grow with its shard."""

import tracemalloc

import numpy as np
import pyarrow as pa
import pytest

from operators.formats import parquet_rows
from operators.formats.litdata import LitData
from operators.formats.litgpt import LitGpt
from operators.formats.mds import Mds
from operators.formats.parquet_rows import ParquetRows
from operators.tokenize.tokenizer import TOKENS_TYPE

NUM_BATCHES = 15
BATCH_DOCUMENTS, DOCUMENT_TOKENS = 100, 500
MAX_GROWTH = 1.1

WRITERS = (
    LitGpt(block_size=100, blocks_per_file=500, pad_token=0),
    LitData(block_size=100, blocks_per_file=500),
    Mds(max_file_bytes=200_000),
    ParquetRows(),
)


def batch(number):
    """Documents that no other batch has."""
    tokens = np.random.default_rng(number).integers(0, 60_000, BATCH_DOCUMENTS * DOCUMENT_TOKENS, np.uint32)
    offsets = np.arange(BATCH_DOCUMENTS + 1) * DOCUMENT_TOKENS
    return pa.record_batch(
        {
            "tokens": pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(tokens)).cast(TOKENS_TYPE),
            "num_tokens": pa.array(np.full(BATCH_DOCUMENTS, DOCUMENT_TOKENS, np.int64)),
        }
    )


def write_batches(writer, num_batches, folder):
    """The most bytes that Arrow held between batches."""
    folder.mkdir()
    most = 0

    def batches():
        nonlocal most
        for number in range(num_batches):
            yield batch(number)
            most = max(most, pa.total_allocated_bytes())

    writer.open()(batches(), folder)
    return most


def peak(writer, num_batches, folder):
    """The most bytes held while writing: NumPy's and Python's at any time, and Arrow's between batches."""
    pa.default_memory_pool().release_unused()
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    try:
        most = write_batches(writer, num_batches, folder)
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert writer.amount_in(folder) == num_batches * BATCH_DOCUMENTS * DOCUMENT_TOKENS
    return held + most - before


@pytest.mark.parametrize("writer", WRITERS, ids=[writer.name for writer in WRITERS])
def test_four_times_the_shard_takes_no_more_memory(writer, tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_rows, "GROUP_TOKENS", 100_000)
    write_batches(writer, 1, tmp_path / "warm")  # kernels are compiled once
    one, four = peak(writer, NUM_BATCHES, tmp_path / "one"), peak(writer, 4 * NUM_BATCHES, tmp_path / "four")
    assert four <= MAX_GROWTH * one
