"""The laws that both packing operators keep."""

import io
import itertools
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.pack import concat_and_chunk
from operators.pack.best_fit import BestFit
from operators.pack.concat_and_chunk import ConcatAndChunk
from operators.pack.windows import REQUIRED, window_schema
from pipeline.errors import SchemaError

PAD = 999
Packer = type[BestFit] | type[ConcatAndChunk]
BOTH = pytest.mark.parametrize("packer", [BestFit, ConcatAndChunk])
LENGTHS = st.lists(st.integers(0, 30), max_size=25)


def documents(lengths: list[int]) -> pa.RecordBatch:
    """Documents whose tokens count up from 0 over the whole batch."""
    counter = iter(range(sum(lengths)))
    tokens = [[next(counter) for _ in range(length)] for length in lengths]
    ids = [bytes([n]) * 16 for n in range(len(lengths))]
    return pa.RecordBatch.from_arrays(
        [pa.array(ids, REQUIRED[0].type), pa.array(tokens, REQUIRED[1].type), pa.array(lengths, pa.int64())],
        schema=pa.schema(list(REQUIRED)),
    )


def packed(packer: Packer, batches: list[pa.RecordBatch], window: int) -> pa.Table:
    operator = packer(window=window, pad_token=PAD)
    out = list(operator.open()(iter(batches)))
    return pa.Table.from_batches(out, schema=operator.output_schema(batches[0].schema if batches else pa.schema([])))


def pieces_of(row: dict[str, list[int]]) -> Iterator[tuple[bytes, list[int]]]:
    for number, doc_id in enumerate(row["doc_ids"], start=1):
        yield doc_id, [t for t, s in zip(row["input_ids"], row["segment_ids"], strict=True) if s == number]


@BOTH
@settings(deadline=None, max_examples=40)  # the first call compiles
@given(lengths=LENGTHS, window=st.integers(1, 40))
def test_every_token_comes_out_once_in_order(packer: Packer, lengths: list[int], window: int) -> None:
    batch = documents(lengths)
    table = packed(packer, [batch], window)
    table.validate(full=True)
    found: dict[bytes, list[list[int]]] = {}
    for row in table.to_pylist():
        real = [s for s in row["segment_ids"] if s]
        assert row["segment_ids"] == real + [0] * (window - len(real))
        assert real == sorted(real)
        assert set(real) == set(range(1, len(row["doc_ids"]) + 1))
        assert set(row["input_ids"][len(real) :]) <= {PAD}
        assert row["num_tokens"] == len(real) > 0
        for doc_id, tokens in pieces_of(row):
            found.setdefault(doc_id, []).append(tokens)
    joined = {doc_id: list(itertools.chain(*sorted(parts))) for doc_id, parts in found.items()}
    expected = dict(zip(batch["doc_id"].to_pylist(), batch["tokens"].to_pylist(), strict=True))
    assert joined == {doc_id: tokens for doc_id, tokens in expected.items() if tokens}


@BOTH
@settings(deadline=None, max_examples=40)
@given(lengths=LENGTHS, window=st.integers(1, 40))
def test_tokens_are_conserved_as_declared(packer: Packer, lengths: list[int], window: int) -> None:
    batch = documents(lengths)
    table = packed(packer, [batch], window)
    read, written, cut = packer(window=window).conserves()
    assert sum(batch[read].to_pylist()) == sum(table[written].to_pylist()) + sum(table[cut].to_pylist())


@BOTH
@settings(deadline=None, max_examples=40)
@given(lengths=LENGTHS, window=st.integers(1, 40), cuts=st.lists(st.integers(0, 25), max_size=4), small=st.booleans())
def test_splitting_batches_changes_nothing(
    packer: Packer, lengths: list[int], window: int, cuts: list[int], small: bool
) -> None:
    batch = documents(lengths)
    bounds = [0, *sorted(min(cut, len(lengths)) for cut in cuts), len(lengths)]
    parts = [batch.slice(a, b - a) for a, b in itertools.pairwise(bounds)]
    with pytest.MonkeyPatch.context() as patch:
        if small:  # so that concatenation streams instead of seeing the whole shard at its end
            patch.setattr(concat_and_chunk, "BATCH_TOKENS", 1)
        assert packed(packer, parts, window) == packed(packer, [batch], window)


@BOTH
def test_rows_of_many_output_batches_equal_rows_of_one(packer: Packer, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    batch = documents(rng.integers(0, 90, 60).tolist())
    whole = packed(packer, [batch], 32)
    monkeypatch.setattr("operators.pack.windows.BATCH_TOKENS", 64)
    assert packed(packer, [batch], 32) == whole
    assert len(packed(packer, [batch], 32)["num_tokens"].chunks) > 1


@BOTH
def test_no_tokens_no_windows(packer: Packer) -> None:
    assert packed(packer, [documents([0, 0])], 8).num_rows == 0
    assert packed(packer, [documents([])], 8).num_rows == 0
    assert packed(packer, [], 8).num_rows == 0


@BOTH
def test_rows_survive_parquet(packer: Packer) -> None:
    table = packed(packer, [documents([7, 2, 9])], 4)
    file = io.BytesIO()
    pq.write_table(table, file)
    assert pq.read_table(file).schema == window_schema(4)
    assert pq.read_table(file) == table


@BOTH
def test_a_row_without_tokens_is_refused(packer: Packer) -> None:
    ids = pa.array([bytes(16), bytes(16)], REQUIRED[0].type)
    batch = pa.record_batch({"doc_id": ids, "tokens": pa.array([[1], None], REQUIRED[1].type)})
    with pytest.raises(SchemaError, match="found 1 rows without tokens"):
        packed(packer, [batch], 4)
