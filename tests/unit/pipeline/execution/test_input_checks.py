"""Ids that must be unique, in as many rows as there are."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.artifact import IDENTITY, FileRecord, ShardRecord
from pipeline.errors import CommitError
from pipeline.execution import input_checks
from pipeline.execution.input_checks import check_unique_ids


def identity(folder, numbers):
    """The record of a shard whose ids are these numbers."""
    numbers = np.asarray(numbers, np.uint64)
    doc_ids = np.stack([numbers, numbers], axis=1)
    column = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(numbers), [None, pa.py_buffer(doc_ids)])
    names = pa.array([f"record number {number}" for number in numbers], pa.large_string())
    pq.write_table(pa.table({"doc_id": column, "input_id": names}), folder / "identity.parquet")
    file = FileRecord("identity.parquet", len(numbers), 0, "")
    return ShardRecord(0, "f", {IDENTITY: file}, {})


def test_ids_that_repeat_are_named(tmp_path):
    record = identity(tmp_path, [1, 2, 3, 2, 1, 1])
    with pytest.raises(
        CommitError, match=r"once, .*; found 'record number 1' \(3 times\), 'record number 2' \(2 times\); make"
    ):
        check_unique_ids("s", tmp_path, [record], tmp_path / "spill")
    check_unique_ids("s", tmp_path, [identity(tmp_path, [1, 2])], tmp_path / "spill")


def test_what_does_not_fit_into_memory_stays_out_of_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(input_checks, "_MEMORY_LIMIT", "50MB")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".tmp").touch()  # where DuckDB would spill unless it is told otherwise
    record = identity(tmp_path, np.arange(700_000))
    check_unique_ids("s", tmp_path, [record], tmp_path / "spill")
