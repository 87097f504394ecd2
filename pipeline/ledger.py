"""The ledger: why rows left or changed. One file per shard and step, keyed by row of the step's base (or of its input).

`explain`, the summary and every report are questions to these files. They hold no document text.
"""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.operator import FloatArray, RuleArray


class Action(StrEnum):
    """What happened to a row."""

    DROP = "drop"
    EDIT = "edit"
    QUARANTINE = "quarantine"


READ = "read"
"""Stands where an operator's name would in ledger rows that the reader writes."""

LEDGER_SCHEMA = pa.schema(
    [
        pa.field("row", pa.uint32(), nullable=False),
        pa.field("operator", pa.string(), nullable=False),
        pa.field("action", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("value", pa.float64()),
        pa.field("threshold", pa.float64()),
        pa.field("survivor", pa.binary(16)),
        pa.field("detail", pa.string()),
    ]
)
"""`row`: in the base shard, or the record's ordinal where the step reads sources. `survivor`: doc_id that stays."""

IDENTITY_SCHEMA = pa.schema(
    [
        pa.field("doc_id", pa.binary(16), nullable=False),
        pa.field("input_id", pa.large_string()),
        pa.field("split", pa.uint32(), nullable=False),
        pa.field("offset", pa.uint64(), nullable=False),
    ]
)
"""Of every record that was read, kept or not: its ids, and where it lies (split of the shard, position in the file)."""


@dataclass(slots=True)
class LedgerBuilder:
    """Collects one shard's ledger rows and counts them by rule."""

    parts: list[pa.RecordBatch] = field(default_factory=list)
    rules: dict[str, int] = field(default_factory=dict)
    counts: dict[Action, int] = field(default_factory=lambda: dict.fromkeys(Action, 0))

    def add_verdicts(
        self,
        operator: str,
        action: Action,
        names: tuple[str, ...],
        rows: npt.NDArray[np.uint32],
        *,
        rule: RuleArray,
        value: FloatArray,
        threshold: FloatArray | None,
        survivor: pa.Array | None = None,
    ) -> None:
        """Rows that a filter dropped or a transform edited, once for each rule that did; NaN becomes null."""
        if len(rows) == 0:
            return
        spelled = pa.DictionaryArray.from_arrays(pa.array(rule.astype(np.int32)), pa.array(names)).cast(pa.string())
        bound = pa.nulls(len(rows), pa.float64()) if threshold is None else pa.array(threshold, from_pandas=True)
        self._append(operator, action, rows, spelled, pa.array(value, from_pandas=True), bound, survivor)
        for index, num in enumerate(np.bincount(rule, minlength=len(names))):
            self._count(operator, action, names[index], int(num))

    def add_removals(self, operator: str, removals: pa.RecordBatch, rows: npt.NDArray[np.uint32]) -> None:
        """Rows that a partition operator removed (REMOVAL_SCHEMA)."""
        self._append(
            operator,
            Action.DROP,
            rows,
            removals["rule"],
            removals["value"],
            removals["threshold"],
            removals["survivor"],
        )
        for item in removals["rule"].value_counts().to_pylist():
            self._count(operator, Action.DROP, item["values"], item["counts"])

    def add_quarantine(self, operator: str, row: int, reason: str, detail: str) -> None:
        """One row that could not be processed."""
        self._append(
            operator,
            Action.QUARANTINE,
            np.array([row], np.uint32),
            pa.array([reason]),
            pa.nulls(1, pa.float64()),
            pa.nulls(1, pa.float64()),
            detail=pa.array([detail]),
        )
        self._count(operator, Action.QUARANTINE, reason, 1)

    def table(self) -> pa.Table:
        """All rows, ordered by row; several entries of one row stay in the order in which they happened."""
        table = pa.Table.from_batches(self.parts, LEDGER_SCHEMA)
        order = np.argsort(table["row"].to_numpy(), kind="stable")
        return table.take(pa.array(order))

    def _append(
        self,
        operator: str,
        action: Action,
        rows: npt.NDArray[np.uint32],
        rule: pa.Array,
        value: pa.Array,
        threshold: pa.Array,
        survivor: pa.Array | None = None,
        detail: pa.Array | None = None,
    ) -> None:
        size = len(rows)
        columns = [
            pa.array(rows, pa.uint32()),
            pa.repeat(operator, size).cast(pa.string()),
            pa.repeat(action.value, size).cast(pa.string()),
            rule.cast(pa.string()),
            value,
            threshold,
            pa.nulls(size, pa.binary(16)) if survivor is None else survivor,
            pa.nulls(size, pa.string()) if detail is None else detail,
        ]
        self.parts.append(pa.RecordBatch.from_arrays(columns, schema=LEDGER_SCHEMA))

    def _count(self, operator: str, action: Action, rule: str, num: int) -> None:
        if num:
            key = f"{operator}/{action.value}/{rule}"
            self.rules[key] = self.rules.get(key, 0) + num
            self.counts[action] += num
