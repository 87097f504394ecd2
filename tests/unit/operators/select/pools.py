"""Rows in shards, as the engine hands them to a task, and tasks run over them."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pyarrow as pa

from pipeline.operator import FileRef, Task, TaskInputs


class Pool:
    """Batches, one a shard."""

    def __init__(self, *batches: pa.RecordBatch) -> None:
        self._batches = batches

    @property
    def schema(self) -> pa.Schema:
        return self._batches[0].schema

    def batches(self, columns: tuple[str, ...] | None = None) -> Iterator[tuple[int, pa.RecordBatch]]:
        for shard, batch in enumerate(self._batches):
            yield shard, batch.select(list(columns or batch.schema.names))


def leave_file(task: Task, folder: Path, name: str, *batches: pa.RecordBatch) -> FileRef:
    """The one file that a task leaves over a pool, pinned."""
    inputs = TaskInputs(rows=Pool(*batches), tables={}, base_rows=(), directory=folder)
    assert list(task.open()(inputs)) == []
    assert [path.name for path in folder.iterdir()] == [name]
    return FileRef(uri=name).pin(folder / name)


def cut_at(batch: pa.RecordBatch, *places: int) -> list[pa.RecordBatch]:
    """A batch in pieces, some of which may be empty."""
    edges = [0, *sorted(min(place, batch.num_rows) for place in places), batch.num_rows]
    return [batch.slice(begin, end - begin) for begin, end in pairwise(edges)]
