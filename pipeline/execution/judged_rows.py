"""What rules say about every row of a unit, whether or not an earlier rule has dropped it: the step's attribution.

Dropped rows go on through the row operators, and this remembers that they are gone. One value file a shard:

    row           in the base, or the record's number in a step over sources
    text_bytes    of the text as it came to the step's operators; null where the step does not read text
    failed_at     label of the operator that failed on the row; what follows did not see it
    LABEL/RULE    what a rule of a rule set measured; null where it did not
    LABEL         the rule of another filter that would drop the row; null where none would

D rows of a batch, R rules of a rule set.
"""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.document import TEXT
from pipeline.operator import BoolArray, Filter, FloatArray, RuleArray
from pipeline.rule_set import RuleSet

ROW: Final = "row"
TEXT_BYTES: Final = "text_bytes"
FAILED_AT: Final = "failed_at"

Rows = npt.NDArray[np.uint32]


@dataclass(slots=True)
class JudgedRows:
    """Collects what the filters of a unit's stages say, in the order of the operators. Rows come in ascending order."""

    entered: list[Rows] = field(default_factory=list)
    text_bytes: list[pa.Array] = field(default_factory=list)
    gone: BoolArray = field(default_factory=lambda: np.zeros(0, np.bool_))
    """By row, as far as rows have come: whether a filter dropped it."""
    rules: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Of each filter, by its label."""
    values: dict[str, list[tuple[Rows, FloatArray]]] = field(default_factory=dict)
    """(D, R) by a rule set's label."""
    broken: dict[str, list[tuple[Rows, RuleArray]]] = field(default_factory=dict)
    """(D,) by another filter's label: the rule that would drop the row, -1 for none."""
    failed: dict[int, str] = field(default_factory=dict)

    @property
    def num_rows(self) -> int:
        """Rows that entered."""
        return sum(map(len, self.entered))

    def taken_over(self) -> "JudgedRows":
        """The same for the next stage, to be changed there: arrays that travelled are read-only."""
        return replace(self, gone=self.gone.copy())

    def declare(self, label: str, judge: Filter) -> None:
        """Makes room for a filter's columns."""
        self.rules[label] = judge.rules()
        if isinstance(judge, RuleSet):
            self.values[label] = []
        else:
            self.broken[label] = []

    def enter(self, batch: pa.RecordBatch, rows: Rows) -> None:
        """Notes rows that come to the first operator."""
        if not len(rows):
            return
        self.entered.append(rows)
        has_text = TEXT in batch.schema.names
        lengths = pc.binary_length(batch[TEXT]) if has_text else pa.nulls(batch.num_rows)
        self.text_bytes.append(lengths.cast(pa.int64()))
        missing = int(rows[-1]) + 1 - len(self.gone)
        if missing > 0:
            # Doubling keeps the cost of growing linear in the rows.
            self.gone = np.concatenate([self.gone, np.zeros(max(missing, len(self.gone)), np.bool_)])

    def drop(self, rows: Rows) -> None:
        """Notes rows that a filter dropped."""
        self.gone[rows] = True

    def fail(self, row: int, label: str) -> bool:
        """Notes a row on which an operator failed; says whether a filter had dropped it before."""
        self.failed[row] = label
        return bool(self.gone[row])

    def left(self, batch: pa.RecordBatch, rows: Rows) -> tuple[pa.RecordBatch, Rows]:
        """The rows of a batch that no filter dropped."""
        gone = self.gone[rows]
        return (batch.filter(pa.array(~gone)), rows[~gone]) if gone.any() else (batch, rows)

    def table(self) -> pa.Table:
        """All rows that entered, in their order."""
        rows = np.concatenate(self.entered) if self.entered else np.empty(0, np.uint32)
        columns: dict[str, pa.Array] = {
            ROW: pa.array(rows, pa.uint32()),
            TEXT_BYTES: pa.chunked_array(self.text_bytes, pa.int64()),
            FAILED_AT: pa.array([self.failed.get(row) for row in rows.tolist()], pa.string()),
        }
        for label, rules in self.rules.items():
            columns |= self._values(label, rows) if label in self.values else {label: self._broken(label, rules, rows)}
        fields = [pa.field(name, column.type, nullable=name != ROW) for name, column in columns.items()]
        return pa.Table.from_arrays(list(columns.values()), schema=pa.schema(fields))

    def _values(self, label: str, rows: Rows) -> dict[str, pa.Array]:
        rules = self.rules[label]
        values = np.full((len(rules), len(rows)), np.nan)  # a rule's values lie side by side
        for part, measured in self.values[label]:
            values[:, np.searchsorted(rows, part)] = measured.T
        return {f"{label}/{rule}": pa.array(values[place], from_pandas=True) for place, rule in enumerate(rules)}

    def _broken(self, label: str, rules: tuple[str, ...], rows: Rows) -> pa.Array:
        places = np.full(len(rows), -1, np.int16)
        for part, broken in self.broken[label]:
            places[np.searchsorted(rows, part)] = broken
        return pa.array(rules, pa.string()).take(pa.array(places, mask=places < 0))
