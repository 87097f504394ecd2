"""Copies: how many, in which order, under which ids, and in how much memory."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.mix import repeat_rows
from operators.mix.repeat_rows import RepeatRows, chosen_rows, rows_at_once
from pipeline.document import derived_doc_id
from pipeline.errors import OperatorError, SchemaError

IDS = [bytes([number]) * 16 for number in range(1, 4)]


def rows(times, tokens=([1, 2], [3], [])):
    schema = pa.schema([pa.field("doc_id", pa.binary(16), nullable=False), ("tokens", pa.large_list(pa.uint32())),
                        ("repetitions", pa.int32())])  # fmt: skip
    columns = [
        pa.array(IDS[: len(times)], pa.binary(16)),
        pa.array(tokens[: len(times)], pa.large_list(pa.uint32())),
        pa.array(times, pa.int32()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def test_copies_follow_their_original_under_ids_of_their_own():
    found = pa.Table.from_batches(RepeatRows().open()(iter([rows([1, 3, 2])])))
    assert found.column_names == ["doc_id", "tokens", "parent_doc_id"]
    expected = [(IDS[0], 0), (IDS[1], 0), (IDS[1], 1), (IDS[1], 2), (IDS[2], 0), (IDS[2], 1)]
    assert found["parent_doc_id"].to_pylist() == [parent for parent, _ in expected]
    assert found["doc_id"].to_pylist() == [
        derived_doc_id((parent,), ordinal) if ordinal else parent for parent, ordinal in expected
    ]
    assert found["tokens"].to_pylist() == [[1, 2], [3], [3], [3], [], []]


def test_rows_that_stand_once_are_not_copied():
    batch = rows([1, 1, 1])
    (found,) = RepeatRows().open()(iter([batch]))
    assert found["tokens"].buffers()[3].address == batch["tokens"].buffers()[3].address


@pytest.mark.parametrize("times", [[1, 0], [1, None], [-1]])
def test_a_row_that_is_to_stand_less_than_once_is_refused(times):
    with pytest.raises(OperatorError, match="put drop_unchosen before"):
        list(RepeatRows().open()(iter([rows(times)])))


def test_rows_are_repeated_once():
    (found,) = RepeatRows().open()(iter([rows([2])]))
    with pytest.raises(SchemaError, match="parent_doc_id"):
        RepeatRows().output_schema(found.schema)


@given(st.lists(st.integers(1, 5), max_size=8), st.integers(1, 7))
def test_places_are_those_of_plain_repetition(times, at_once):
    chunks = list(chosen_rows(np.array(times, np.int64), at_once))
    assert all(1 <= len(numbers) <= at_once for numbers, _ in chunks)
    found = [pair for numbers, ordinals in chunks for pair in zip(numbers.tolist(), ordinals.tolist(), strict=True)]
    assert found == [(row, copy) for row, num in enumerate(times) for copy in range(num)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (pa.large_list(pa.uint32()), [7] * 1000),
        (pa.list_(pa.uint32(), 1000), [7] * 1000),
        (pa.large_string(), "x" * 4000),
        (pa.binary(), b"x" * 4000),
        (pa.list_(pa.binary(16)), [b"x" * 16] * 250),
    ],
)
def test_chunks_are_bounded_by_the_largest_row(monkeypatch, kind, value):
    """However often it stands."""
    monkeypatch.setattr(repeat_rows, "CHUNK_BYTES", 100_000)
    small = value if pa.types.is_fixed_size_list(kind) else value[:1]
    batch = pa.record_batch({"doc_id": pa.array(IDS, pa.binary(16)), "value": pa.array([small, value, small], kind),
                             "repetitions": pa.array([1, 10_000, 1], pa.int32())})  # fmt: skip
    assert 1 <= rows_at_once(batch) <= 25
    sizes = [part.num_rows for part in RepeatRows().open()(iter([batch]))]
    assert (sum(sizes), max(sizes)) == (10_002, rows_at_once(batch))


def test_an_empty_batch_takes_no_thought():
    assert rows_at_once(rows([])) == 1
