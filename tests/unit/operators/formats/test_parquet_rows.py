"""Parquet for `datasets`."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.formats import parquet_rows
from operators.formats.parquet_rows import FILE, ParquetRows
from tests.unit.operators.formats.streams import packed, store, write


def test_columns_keep_their_values_and_only_fixed_width_bytes_change_type(tmp_path):
    ids = pa.array([[b"a" * 16, b"b" * 16], []], pa.list_(pa.binary(16)))
    rows = packed([[1, 2, 3], [4, 5, 6]], [3, 2])
    rows = rows.append_column(pa.field("doc_ids", ids.type, nullable=False), ids)
    found = pq.read_table(write(ParquetRows(), [rows], tmp_path / "shard")[FILE])
    assert found.to_pylist() == rows.to_pylist()
    changed = {"doc_ids": pa.list_(pa.binary())}
    assert {field.name: field.type for field in found.schema} == {
        field.name: changed.get(field.name, field.type) for field in rows.schema
    }
    assert ParquetRows().amount_in(tmp_path / "shard") == 5


def test_documents_of_the_store(tmp_path):
    found = pq.read_table(write(ParquetRows(columns=("doc_id", "tokens")), [store()], tmp_path / "shard")[FILE])
    assert found.to_pylist() == store().select(["doc_id", "tokens", "num_tokens"]).to_pylist()
    assert found.schema.field("doc_id").type == pa.binary()
    assert found.schema.field("tokens").type == pa.large_list(pa.uint32())


@settings(max_examples=30)
@given(lengths=st.lists(st.integers(0, 9), min_size=1, max_size=20), cut=st.integers(1, 20), limit=st.integers(1, 30))
def test_row_groups_follow_the_rows_and_not_the_batches(lengths, cut, limit, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shard")
    batch = store([list(range(length)) for length in lengths])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_rows, "GROUP_TOKENS", limit)
        whole = write(ParquetRows(), [batch], folder / "whole")[FILE]
        batches = [batch.slice(begin, cut) for begin in range(0, len(batch), cut)]
        assert write(ParquetRows(), batches, folder / "cut")[FILE].read_bytes() == whole.read_bytes()
    metadata = pq.read_metadata(whole)
    sizes = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert sum(sizes) == len(lengths)
    at = 0
    for size in sizes:
        assert size == 1 or sum(length + 1 for length in lengths[at : at + size]) <= limit
        at += size


def test_packed_rows_count_with_their_padding(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_rows, "GROUP_TOKENS", 8)
    file = write(ParquetRows(), [packed([[1, 2, 3]] * 5, [1] * 5)], tmp_path / "shard")[FILE]
    assert pq.read_metadata(file).num_row_groups == 3


def test_names_as_datasets_knows_them():
    assert ParquetRows(split="test").dataset_name(2, 13, FILE) == "data/test-00002-of-00013.parquet"
