"""Rows of a view for tasks, over a base of two shards some of whose rows are gone, and what tasks leave."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import xxhash

from pipeline.document import position
from pipeline.operator import Task, TaskInputs

NUM_GONE = 2
"""Rows at the begin of each shard of the base that the view does not have."""


class View:
    """Columns of rows in two shards, in batches of `batch_rows`."""

    def __init__(self, columns: dict[str, pa.Array], batch_rows: int = 1000) -> None:
        num_rows = len(next(iter(columns.values())))
        half = num_rows // 2
        places = [position(0, NUM_GONE + row) for row in range(half)]
        places += [position(1, NUM_GONE + row) for row in range(num_rows - half)]
        ids = pa.array([xxhash.xxh3_128_digest(str(row).encode()) for row in range(num_rows)], pa.binary(16))
        self._rows = pa.record_batch({"doc_id": ids, "position": pa.array(places, pa.uint64()), **columns})
        self._half, self._batch_rows = half, batch_rows
        self.base_rows = (NUM_GONE + half, NUM_GONE + num_rows - half)
        self.schema = self._rows.schema

    def batches(self, columns: tuple[str, ...] | None = None) -> Iterator[tuple[int, pa.RecordBatch]]:
        rows = self._rows.select(list(columns or self.schema.names))
        for shard, part in enumerate((rows.slice(0, self._half), rows.slice(self._half))):
            for begin in range(0, part.num_rows, self._batch_rows):
                yield shard, part.slice(begin, self._batch_rows)

    def of_base(self, found: list[Any]) -> list[Any]:
        """What a task left for the view's rows, after a check that it left nothing for others."""
        second = self.base_rows[0]
        for begin in (0, second):
            assert found[begin : begin + NUM_GONE] == [None] * NUM_GONE
        return found[NUM_GONE:second] + found[second + NUM_GONE :]


def column_of(task: Task, view: View) -> list[Any]:
    """The one column that a task leaves, over the whole base."""
    produced = list(task.open()(TaskInputs(view, {}, view.base_rows, Path())))
    assert [shard for shard, _ in produced] == [0, 1]
    assert [part.num_rows for _, part in produced] == list(view.base_rows)
    assert all(part.schema == task.output_schema(view.schema) for _, part in produced)
    return [value for _, part in produced for value in part.column(0).to_pylist()]


def file_of(task: Task, view: View, folder: Path) -> dict[str, Any]:
    """The JSON file that a task leaves."""
    assert list(task.open()(TaskInputs(view, {}, view.base_rows, folder))) == []
    (path,) = folder.iterdir()
    found: dict[str, Any] = json.loads(path.read_text())
    return found
