"""The ledger: why rows left or changed. One file per shard and step, keyed by row of the step's base (or of its input).

`explain`, the summary and every report are questions to these files. They hold no document text.
"""

from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class _Entries:
    """Entries of one operator and action: E of them, as they came; columns are made of them once a shard."""

    operator: str
    action: Action
    rows: npt.NDArray[np.uint32]  # (E,)
    names: tuple[str, ...]
    rule: RuleArray  # (E,) indices of `names`
    value: FloatArray  # (E,) NaN where there is none
    threshold: FloatArray  # (E,) NaN where there is none
    survivor: pa.Array | None
    detail: pa.Array | str | None
    """Of each of them, or of all."""


@dataclass(slots=True)
class LedgerBuilder:
    """Collects one shard's ledger rows and counts them by rule."""

    parts: list[_Entries] = field(default_factory=list)
    rules: dict[str, int] = field(default_factory=dict)
    counts: dict[Action, int] = field(default_factory=lambda: dict.fromkeys(Action, 0))

    def add_verdicts(  # noqa: PLR0913 -- a column each
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
        detail: pa.Array | None = None,
    ) -> None:
        """Rows that a filter dropped or a transform edited, once for each rule that did; NaN becomes null."""
        if len(rows) == 0:
            return
        bound = np.full(len(rows), np.nan) if threshold is None else threshold
        self._add(_Entries(operator, action, rows, names, rule, value, bound, survivor, detail))

    def add_removals(self, operator: str, removals: pa.RecordBatch, rows: npt.NDArray[np.uint32]) -> None:
        """Rows that a partition operator removed (REMOVAL_SCHEMA)."""
        rules = removals["rule"].dictionary_encode()
        value, threshold = (removals[name].to_numpy(zero_copy_only=False) for name in ("value", "threshold"))
        names, rule = tuple(rules.dictionary.to_pylist()), rules.indices.to_numpy().astype(np.int16)
        entries = _Entries(operator, Action.DROP, rows, names, rule, value, threshold, removals["survivor"], None)
        self._add(entries)

    def add_quarantine(self, operator: str, row: int, reason: str, detail: str) -> None:
        """One row that could not be processed."""
        self.add_quarantined(operator, np.array([row], np.uint32), reason, detail)

    def add_quarantined(self, operator: str, rows: npt.NDArray[np.uint32], reason: str, detail: str) -> None:
        """Rows that could not be processed, all for one reason."""
        none = np.full(len(rows), np.nan)
        rule = np.zeros(len(rows), np.int16)
        self._add(_Entries(operator, Action.QUARANTINE, rows, (reason,), rule, none, none, None, detail))

    def table(self) -> pa.Table:
        """All rows, ordered by row; several entries of one row stay in the order in which they happened."""
        parts = self.parts
        if not parts:
            return LEDGER_SCHEMA.empty_table()
        rows = np.concatenate([part.rows for part in parts])
        order = np.argsort(rows, kind="stable")
        sizes = [len(part.rows) for part in parts]
        part_of = np.repeat(np.arange(len(parts), dtype=np.int32), sizes)[order]
        first_name = np.cumsum([0, *(len(part.names) for part in parts)], dtype=np.int32)
        rules = np.concatenate([part.rule + first for part, first in zip(parts, first_name[:-1], strict=True)])
        values, thresholds = (
            np.concatenate([getattr(part, name) for part in parts])[order] for name in ("value", "threshold")
        )
        survivors = pa.concat_arrays(
            [pa.nulls(size, pa.binary(16)) if part.survivor is None else part.survivor
             for part, size in zip(parts, sizes, strict=True)]
        )  # fmt: skip
        details = pa.concat_arrays(
            [part.detail if isinstance(part.detail, pa.Array) else pa.repeat(pa.scalar(part.detail, pa.string()), size)
             for part, size in zip(parts, sizes, strict=True)]
        )  # fmt: skip
        columns = [
            pa.array(rows[order]),
            _spelled(part_of, [part.operator for part in parts]),
            _spelled(part_of, [part.action.value for part in parts]),
            _spelled(rules[order], [name for part in parts for name in part.names]),
            pa.array(values, from_pandas=True),
            pa.array(thresholds, from_pandas=True),
            survivors.take(pa.array(order)),
            details.take(pa.array(order)),
        ]
        return pa.Table.from_arrays(columns, schema=LEDGER_SCHEMA)

    def _add(self, entries: _Entries) -> None:
        self.parts.append(entries)
        for index, num in enumerate(np.bincount(entries.rule, minlength=len(entries.names)).tolist()):
            if num:
                key = f"{entries.operator}/{entries.action}/{entries.names[index]}"
                self.rules[key] = self.rules.get(key, 0) + num
                self.counts[entries.action] += num


def _spelled(codes: npt.NDArray[np.int32], names: Sequence[str]) -> pa.Array:
    """The names that `codes` index."""
    return pa.array(names, pa.string()).take(pa.array(codes))
