"""The last hop of a deduplication: removals that came home to the shard of their base become its ledger."""

import numpy as np

from pipeline.artifact import LEDGER, ShardRecord
from pipeline.errors import CommitError
from pipeline.execution.exchange import PartitionInput, read_partition
from pipeline.execution.sinks import write_table
from pipeline.execution.work import Result, StageSpec, Unit
from pipeline.ledger import Action, LedgerBuilder
from pipeline.operator import REMOVAL_SCHEMA


def collect_removals(spec: StageSpec, unit: Unit) -> Result:
    """One base shard's removals, each row once and in order.

    Raises:
        CommitError: a row was removed twice, which would break the conservation of rows.
    """
    assert isinstance(unit.source, PartitionInput)
    ledger = LedgerBuilder()
    previous = -1
    for batch in read_partition(unit.source, spec.execution.exchange_memory_bytes):
        rows = (batch["position"].to_numpy() & np.uint64(0xFFFFFFFF)).astype(np.uint32)
        if (np.diff(rows.astype(np.int64), prepend=previous) <= 0).any():
            raise CommitError(f"{spec.label}, unit {unit.index}: expected each row to be removed once; found it twice")
        previous = int(rows[-1])
        ledger.add_removals(spec.decided_by, batch.select(REMOVAL_SCHEMA.names), rows)
    dropped = ledger.counts[Action.DROP]
    counts = {"rows_read": dropped, "rows_kept": 0, "rows_dropped": dropped, "rows_quarantined": 0, "rows_edited": 0}
    files = {LEDGER: write_table(spec, unit.index, ledger.table(), LEDGER)} if dropped else {}
    return (ShardRecord(unit.index, unit.fingerprints[0], files, counts, dict(sorted(ledger.rules.items()))),)
