"""Rows that end or hang the process of the operator that is shown them, and how work goes on around them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.errors import PipelineError

Rows = npt.NDArray[np.uint32]


class Harm(StrEnum):
    """What became of a process, and so why a row is quarantined."""

    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"

    def told(self, detail: str) -> str:
        """For a message, with the signal or exit code, if there is one."""
        return f"{self.value} ({detail})" if detail else self.value


@dataclass(frozen=True, slots=True)
class PoisonRow:
    """A row that an operator must not be shown."""

    row: int
    """As in the ledger."""
    operator: str
    """Its label."""
    harm: Harm
    detail: str
    """The signal or exit code. No document text."""

    def to_json(self) -> dict[str, object]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> "PoisonRow":
        """The row that `to_json` described."""
        return cls(int(str(data["row"])), str(data["operator"]), Harm(str(data["harm"])), str(data["detail"]))


@dataclass(frozen=True, slots=True)
class RowRange:
    """Rows of a unit at an operator, both ends included."""

    operator: str
    first: int
    last: int


class TrialPassedError(PipelineError):
    """An operator returned from a row that it was shown alone: what a trial is run to find out."""


@dataclass(frozen=True, slots=True)
class Isolation:
    """What operators are shown of a unit, and in what company."""

    poison: tuple[PoisonRow, ...] = ()
    singly: tuple[RowRange, ...] = ()
    """Rows that the operator is shown one by one."""
    alone: RowRange | None = None
    """The only rows that this operator is shown, for a trial; nothing is made of the unit then."""

    def poison_at(self, operator: str, rows: Rows) -> tuple[PoisonRow, ...]:
        """Those among `rows`, which ascend, that the operator must not be shown."""
        if not self.poison:
            return ()
        there = set(rows.tolist())
        return tuple(one for one in self.poison if one.operator == operator and one.row in there)

    def parts(
        self, operator: str, batch: pa.RecordBatch, rows: Rows, without: Sequence[PoisonRow]
    ) -> Iterator[tuple[pa.RecordBatch, Rows]]:
        """What the operator is shown of a batch, call by call."""
        if not (without or self.singly or self.alone):
            yield batch, rows
            return
        shown = ~np.isin(rows, [one.row for one in without])
        if self.alone is not None and self.alone.operator == operator:
            shown &= (rows >= self.alone.first) & (rows <= self.alone.last)
        batch, rows = batch.filter(pa.array(shown)), rows[shown]
        if not len(rows):
            return
        single = np.zeros(len(rows), np.bool_)
        for one in self.singly:
            if one.operator == operator:
                single |= (rows >= one.first) & (rows <= one.last)
        # A call begins at the first row, at each single row and behind it.
        begins = np.flatnonzero(single | np.concatenate([[True], single[:-1]]))
        for begin, end in zip(begins, [*begins[1:], len(rows)], strict=True):
            yield batch.slice(begin, end - begin), rows[begin:end]

    def note_returned(self, operator: str) -> None:
        """Ends a trial whose operator has returned.

        Raises:
            TrialPassedError: this was a trial of that operator.
        """
        if self.alone is not None and self.alone.operator == operator:
            raise TrialPassedError(f"operator {operator}: returned from row {self.alone.first}")
