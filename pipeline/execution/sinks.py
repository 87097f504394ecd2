"""Where a unit's rows go: a file of rows, columns aligned to a base, an exchange, or nowhere but the ledger."""

from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.artifact import DATA, FileRecord
from pipeline.execution.exchange import ExchangeWriter
from pipeline.execution.faults import reach
from pipeline.execution.work import StageSpec
from pipeline.io.shard_file import ShardWriter
from pipeline.plan.logical import ArtifactKind

Rows = npt.NDArray[np.uint32]


class Sink(Protocol):
    """Takes the rows of one unit and, once closed, names the files that hold them."""

    num_rows: int

    def write(self, batch: pa.RecordBatch, rows: Rows | None) -> None:
        """Takes rows; `rows` are their numbers in the base, where they have a base."""
        ...

    def close(self, base_rows: int) -> dict[str, FileRecord]:
        """Files by role. `base_rows` are the rows of the base's shard, 0 where the rows have no base."""
        ...


def open_sink(spec: StageSpec, shard: int) -> Sink:
    """The sink of a stage that writes."""
    if spec.partitioning is not None:
        return _ExchangeSink(spec, shard)
    if spec.kind is ArtifactKind.COLUMNS:
        return _ColumnsSink(spec, shard)
    if spec.kind is ArtifactKind.REMOVALS:
        return _NoSink()
    return RowsSink(spec, shard)


class RowsSink:
    """A file with the rows as they come: documents or a table."""

    def __init__(self, spec: StageSpec, shard: int) -> None:
        self._spec = spec
        self._shard = shard
        reach("write.begin")
        self._staged = spec.folder.stage_file()
        self._writer = ShardWriter(self._staged, spec.output_schema, spec.groups)
        self.num_rows = 0

    def write(self, batch: pa.RecordBatch, rows: Rows | None) -> None:  # noqa: ARG002
        """Takes the columns that the artifact holds."""
        columns = [batch[name] for name in self._spec.output_schema.names]
        self._writer.write(pa.RecordBatch.from_arrays(columns, schema=self._spec.output_schema))
        reach("write.unfinished")

    def close(self, base_rows: int = 0) -> dict[str, FileRecord]:  # noqa: ARG002
        """The file, under its name by content."""
        self._writer.close()
        self.num_rows = self._writer.num_rows
        return {DATA: self._spec.folder.publish(self._staged, DATA, self._shard, ".parquet", self.num_rows)}


class _ColumnsSink(RowsSink):
    """A file with exactly the base's rows: null where the view, or an operator, lacked the row."""

    def __init__(self, spec: StageSpec, shard: int) -> None:
        super().__init__(spec, shard)
        self._next = 0

    def write(self, batch: pa.RecordBatch, rows: Rows | None) -> None:
        assert rows is not None
        if batch.num_rows:
            self._fill(batch, rows, int(rows[-1]) + 1)

    def close(self, base_rows: int = 0) -> dict[str, FileRecord]:
        nothing = pa.RecordBatch.from_arrays(
            [pa.nulls(0, field.type) for field in self._spec.output_schema], schema=self._spec.output_schema
        )
        self._fill(nothing, np.empty(0, np.uint32), base_rows)
        return super().close()

    def _fill(self, batch: pa.RecordBatch, rows: Rows, end: int) -> None:
        if end == self._next:
            return
        batch = batch.select(self._spec.output_schema.names)
        if len(rows) != end - self._next:
            places = np.full(end - self._next, -1, np.int64)
            places[rows.astype(np.int64) - self._next] = np.arange(len(rows))
            batch = (
                batch.take(pa.array(places, mask=places < 0)) if batch.num_rows else _nulls(batch.schema, len(places))
            )
        self._next = end
        super().write(batch, None)


class _ExchangeSink:
    """One file per map unit, a record batch per partition."""

    def __init__(self, spec: StageSpec, shard: int) -> None:
        assert spec.partitioning is not None
        self._spec = spec
        self._shard = shard
        reach("write.begin")
        self._staged = spec.folder.stage_file()
        self._writer = ExchangeWriter(spec.partitioning, self._staged, spec.execution.exchange_memory_bytes)
        self.num_rows = 0

    def write(self, batch: pa.RecordBatch, rows: Rows | None) -> None:  # noqa: ARG002
        self._writer.write(batch)

    def close(self, base_rows: int) -> dict[str, FileRecord]:  # noqa: ARG002
        self._writer.close()
        self.num_rows = self._writer.num_rows
        folder = f"segment-{self._spec.segment}"
        return {DATA: self._spec.folder.publish(self._staged, folder, self._shard, ".arrow", self.num_rows)}


class _NoSink:
    """Removals: what stays is written nowhere, what goes is in the ledger."""

    num_rows = 0

    def write(self, batch: pa.RecordBatch, rows: Rows | None) -> None:
        pass

    def close(self, base_rows: int) -> dict[str, FileRecord]:  # noqa: ARG002
        return {}


def write_table(spec: StageSpec, shard: int, table: pa.Table, role: str) -> FileRecord:
    """Writes a shard's ledger, identity or values, and publishes it."""
    staged = spec.folder.stage_file()
    with ShardWriter(staged, table.schema, spec.groups) as writer:
        for batch in table.combine_chunks().to_batches():
            writer.write(batch)
    return spec.folder.publish(staged, role, shard, ".parquet", table.num_rows)


def _nulls(schema: pa.Schema, num_rows: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.nulls(num_rows, field.type) for field in schema], schema=schema)
