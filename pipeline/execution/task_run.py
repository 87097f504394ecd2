"""Runs a task: whole artifacts in, one artifact out, cut into the shards that it must have."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from pipeline.artifact import ShardRecord, ShardRows
from pipeline.errors import OperatorError
from pipeline.execution.operator_failure import blaming
from pipeline.execution.sinks import RowsSink
from pipeline.execution.work import Result, StageSpec, TaskSource, Unit
from pipeline.io.shard_file import BatchSize
from pipeline.operator import Task, TaskInputs
from pipeline.plan.logical import ArtifactKind

_NO_ROWS = ("rows_read", "rows_kept", "rows_dropped", "rows_quarantined", "rows_edited")


def run_task(spec: StageSpec, unit: Unit, task: Task) -> Result:
    """All records that the task leaves; it is committed only as a whole."""
    assert isinstance(unit.source, TaskSource)
    directory = spec.folder.stage_file()
    directory.mkdir()
    with blaming(task, lambda error: f"failed: {type(error).__name__}: {error}"):
        produced = task.open()(_inputs(unit.source, directory, spec.execution.batch_size))
        if spec.kind is ArtifactKind.MODEL:
            return (_model_record(spec, unit, directory, produced),)
        return tuple(_shard_records(spec, unit, task, produced))


def _inputs(source: TaskSource, directory: Path, size: BatchSize) -> TaskInputs:
    rows = None if source.rows is None else ShardRows(source.rows, source.rows_schema, size)
    tables = {name: ShardRows(shards, source.table_schemas[name], size) for name, shards in source.tables.items()}
    return TaskInputs(rows, tables, source.base_rows, directory)


def _shard_records(
    spec: StageSpec, unit: Unit, task: Task, produced: Iterable[tuple[int, pa.RecordBatch]]
) -> Iterator[ShardRecord]:
    """Every expected shard is written, in order, even if it is empty."""
    assert isinstance(unit.source, TaskSource)
    pending = iter(produced)
    head = next(pending, None)
    for shard, fingerprint in enumerate(unit.fingerprints):
        sink = RowsSink(spec, shard)
        while head is not None and head[0] == shard:
            sink.write(head[1], None)
            head = next(pending, None)
        files = sink.close()
        counts = dict.fromkeys(_NO_ROWS, 0) | {"rows_written": sink.num_rows, "rows_reshaped": sink.num_rows}
        if spec.kind is ArtifactKind.COLUMNS:
            counts["rows_base"] = unit.source.base_rows[shard]
        yield ShardRecord(shard, fingerprint, files, counts)
    if head is not None:
        raise OperatorError(
            f"operator {task.name}: expected shards 0 to {len(unit.fingerprints) - 1} in order; it yielded shard "
            f"{head[0]}"
        )


def _model_record(
    spec: StageSpec, unit: Unit, directory: Path, produced: Iterable[tuple[int, pa.RecordBatch]]
) -> ShardRecord:
    if next(iter(produced), None) is not None:
        raise OperatorError(f"{spec.label}: produces a model, so it must yield no rows")
    files = {
        path.name: spec.folder.publish(path, "model", 0, f"-{path.name}", num_rows=0)
        for path in sorted(directory.iterdir())
    }
    if not files:
        raise OperatorError(f"{spec.label}: produces a model, but left no file")
    return ShardRecord(0, unit.fingerprints[0], files, dict.fromkeys(_NO_ROWS, 0))
