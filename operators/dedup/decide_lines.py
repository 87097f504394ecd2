"""Which of the lines that repeat each other go, after an exchange by the line's hash."""

from collections.abc import Iterator
from typing import ClassVar, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from operators.dedup.line_rows import COUNT, LINE, LINE_FIELDS, ORDINAL
from pipeline.document import POSITION, POSITION_TYPE
from pipeline.kernel import kernel
from pipeline.operator import PartitionFunction, PartitionOperator

REPEATED_SCHEMA: Final = pa.schema(
    [pa.field(POSITION, POSITION_TYPE, nullable=False), pa.field(ORDINAL, pa.uint32(), nullable=False)]
)

# What the state holds of the hash that is being met: whether there is one, its lines so far, its rows that wait.
_STARTED, _MET, _WAITING = np.uintp(0), np.uintp(1), np.uintp(2)

Numbers = npt.NDArray[np.int64]


@kernel
def _decide(
    lines: npt.NDArray[np.uint64],
    counts: npt.NDArray[np.uint32],
    rule: tuple[bool, int],
    last_line: npt.NDArray[np.uint64],
    state: Numbers,
    waiting: Numbers,
    out: Numbers,
) -> int:
    """Writes the numbers of the rows that go, and returns how many they are.

    Rows wait until `min_count` lines of their hash are met: fewer than that, as each stands for one at least. Those
    that waited before come first in the numbering.
    """
    keep_first, min_count = rule
    num_before = state[_WAITING]
    num_out = np.uintp(0)
    for row in range(lines.shape[0]):
        r = np.uintp(row)
        number = num_before + np.int64(row)
        if counts[r] == np.uint32(0):
            out[num_out] = number
            num_out += np.uintp(1)
            continue
        is_first = state[_STARTED] == 0 or lines[r] != last_line[0]
        if is_first:
            last_line[0] = lines[r]
            state[_STARTED] = 1
            state[_MET] = 0
            state[_WAITING] = 0
        state[_MET] += np.int64(counts[r])
        if not (is_first and keep_first):
            waiting[np.uintp(state[_WAITING])] = number
            state[_WAITING] += 1
        if state[_MET] >= min_count:
            for place in range(state[_WAITING]):
                out[num_out] = waiting[np.uintp(place)]
                num_out += np.uintp(1)
            state[_WAITING] = 0
    return int(np.int64(num_out))


class DecideLines(PartitionOperator):
    """Yields the lines that go: of those that are there `min_count` times or more, all, or all but the first.

    Which one is first is the exchange's order: its sort columns, then the position, then the place in the document.

    Columns:
        line, position, ordinal, count: read, as `line_rows` writes them.
        position, ordinal: written, one row a line that goes.

    Determinism:
        Exact.

    Cost:
        O(rows), and memory for `min_count` rows: how often a line is there does not matter.
    """

    name: ClassVar[str] = "decide_lines"

    keep: Literal["first", "none"] = "first"
    min_count: int = Field(default=2, ge=2)
    """As of `line_rows`."""

    def requires(self) -> pa.Schema:
        """Lines, and where they are."""
        return pa.schema(list(LINE_FIELDS))

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- other columns end here
        """Where the lines are that go."""
        return REPEATED_SCHEMA

    def open(self) -> PartitionFunction:
        """Nothing to load."""
        return self._decisions

    def _decisions(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rule = (self.keep == "first", self.min_count)
        last_line = np.zeros(1, np.uint64)
        state = np.zeros(3, np.int64)
        waiting = np.empty(self.min_count, np.int64)
        held = np.empty(0, np.uint64), np.empty(0, np.uint32)
        for batch in batches:
            positions = np.concatenate([held[0], batch.column(POSITION).to_numpy()])
            ordinals = np.concatenate([held[1], batch.column(ORDINAL).to_numpy()])
            out = np.empty(len(positions), np.int64)
            num_out = _decide(
                batch.column(LINE).to_numpy(), batch.column(COUNT).to_numpy(), rule, last_line, state, waiting, out
            )
            gone = out[:num_out]
            if num_out:
                yield pa.record_batch([pa.array(positions[gone]), pa.array(ordinals[gone])], schema=REPEATED_SCHEMA)
            num_held = int(state[_WAITING])
            held = positions[waiting[:num_held]], ordinals[waiting[:num_held]]
            waiting[:num_held] = np.arange(num_held)
