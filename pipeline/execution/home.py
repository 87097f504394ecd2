"""The last hop of an exchange: rows that came home to the shard of their base become its ledger, or its columns."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.artifact import LEDGER, ShardRecord
from pipeline.document import POSITION
from pipeline.errors import CommitError
from pipeline.execution.exchange import PartitionInput, read_partition
from pipeline.execution.sinks import open_sink, write_table
from pipeline.execution.work import Result, StageSpec, Unit
from pipeline.ledger import Action, LedgerBuilder
from pipeline.operator import REMOVAL_SCHEMA
from pipeline.plan.logical import ArtifactKind

_LOW_HALF = np.uint64(0xFFFFFFFF)
Rows = npt.NDArray[np.uint32]


def bring_home(spec: StageSpec, unit: Unit) -> Result:
    """One base shard's removals or columns, by row of the base.

    Raises:
        CommitError: a row came home twice, or to a place that its base does not have.
    """
    assert isinstance(unit.source, PartitionInput)
    if spec.kind is ArtifactKind.COLUMNS:
        return _columns(spec, unit, unit.source)
    return _removals(spec, unit, unit.source)


def _removals(spec: StageSpec, unit: Unit, source: PartitionInput) -> Result:
    ledger = LedgerBuilder()
    for batch, rows in _arrivals(spec, unit, source):
        ledger.add_removals(spec.decided_by, batch.select(REMOVAL_SCHEMA.names), rows)
    dropped = ledger.counts[Action.DROP]
    counts = {"rows_read": dropped, "rows_kept": 0, "rows_dropped": dropped, "rows_quarantined": 0, "rows_edited": 0}
    files = {LEDGER: write_table(spec, unit.index, ledger.table(), LEDGER)} if dropped else {}
    return (ShardRecord(unit.index, unit.fingerprints[0], files, counts, dict(sorted(ledger.rules.items()))),)


def _columns(spec: StageSpec, unit: Unit, source: PartitionInput) -> Result:
    sink = open_sink(spec, unit.index)
    arrived = 0
    for batch, rows in _arrivals(spec, unit, source):
        sink.write(batch, rows)
        arrived += len(rows)
    files = sink.close(source.base_rows)
    counts = {"rows_read": arrived, "rows_kept": arrived, "rows_dropped": 0, "rows_quarantined": 0, "rows_edited": 0}
    counts |= {"rows_written": sink.num_rows, "rows_base": source.base_rows}
    return (ShardRecord(unit.index, unit.fingerprints[0], files, counts),)


def _arrivals(spec: StageSpec, unit: Unit, source: PartitionInput) -> Iterator[tuple[pa.RecordBatch, Rows]]:
    """What came home, in the order of the base, with each row's number in it."""
    previous = -1
    for batch in read_partition(source, spec.execution.exchange_memory_bytes):
        rows = (batch[POSITION].to_numpy() & _LOW_HALF).astype(np.uint32)
        if (np.diff(rows.astype(np.int64), prepend=previous) <= 0).any():
            raise CommitError(
                f"{spec.label}, unit {unit.index}: expected each row of the base to come home once; found one twice; "
                f"{spec.decided_by} must yield a position once"
            )
        previous = int(rows[-1])
        if previous >= source.base_rows:
            raise CommitError(
                f"{spec.label}, unit {unit.index}: expected rows below {source.base_rows}, as the base's shard has "
                f"them; found row {previous}; {spec.decided_by} must yield positions that it was given"
            )
        yield batch, rows
