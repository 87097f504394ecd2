"""Rows that could not be processed, with the place where each lies in the input."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.artifact import IDENTITY, LEDGER, Manifest, ShardRecord
from pipeline.io.scratch import local_copy
from pipeline.io.store import Place
from pipeline.ledger import Action


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """One row, and why it is not in the artifact."""

    step: str
    operator: str
    reason: str
    detail: str
    place: str
    """File and position of a record that was read from sources; otherwise shard and row of the base."""


def quarantined_rows(
    step: str, folder: Place, records: Sequence[ShardRecord], limit: int, reader: Manifest | None = None
) -> Iterator[QuarantinedRow]:
    """The first `limit` quarantined rows of a step, finished or not, in shard and row order.

    Args:
        reader: the first reading of the step's sources, if it is another step.
    """
    for record in records:
        if limit <= 0:
            return
        if not record.counts["rows_quarantined"] or LEDGER not in record.files:
            continue
        ledger = pq.read_table(local_copy(str(folder / record.files[LEDGER].name)), memory_map=True)
        rows = ledger.filter(pc.equal(ledger["action"], Action.QUARANTINE.value)).slice(0, limit).to_pylist()
        limit -= len(rows)
        path = str(folder / record.files[IDENTITY].name) if IDENTITY in record.files else None
        inputs = record.inputs
        if path is None and reader is not None:
            path, inputs = reader.path(record.index, IDENTITY), reader.shards[record.index].inputs
        identity = None if path is None else pq.read_table(local_copy(path))
        for row in rows:
            place = f"shard {record.index}, row {row['row']}"
            if identity is not None:
                entry = inputs[identity["split"][row["row"]].as_py()]
                place = f"{entry['path']} at {identity['offset'][row['row']].as_py()}"
            yield QuarantinedRow(step, row["operator"], row["rule"], row["detail"] or "", place)
