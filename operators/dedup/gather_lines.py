"""The lines of a document that go, as one list, after an exchange by position."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.dedup.decide_lines import REPEATED_SCHEMA
from operators.dedup.line_rows import ORDINAL
from operators.dedup.repeated_lines import ORDINALS_TYPE, repeated_column
from operators.dedup.sorted_runs import begins_run
from operators.text.units import Unit
from pipeline.document import POSITION, POSITION_TYPE
from pipeline.operator import PartitionFunction, PartitionOperator

Rows = tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint32]]


class GatherLines(PartitionOperator):
    """Yields one row for each document that loses lines.

    Columns:
        position, ordinal: read; sorted by both.
        position: written.
        repeated_lines, or repeated_paragraphs: written; the ordinals that go, ascending. The column of a document that
            loses nothing is null.

    Determinism:
        Exact.

    Cost:
        O(rows); memory for the lines of one document.
    """

    name: ClassVar[str] = "gather_lines"

    unit: Unit = "line"

    def requires(self) -> pa.Schema:
        """Where the lines are that go."""
        return REPEATED_SCHEMA

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- other columns end here
        """Documents, and their lists."""
        ordinals = pa.field(repeated_column(self.unit), ORDINALS_TYPE)
        return pa.schema([pa.field(POSITION, POSITION_TYPE, nullable=False), ordinals])

    def open(self) -> PartitionFunction:
        """Nothing to load."""
        return self._lists

    def _lists(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        held: list[Rows] = []  # of the last document, which may go on
        for batch in batches:
            if batch.num_rows == 0:
                continue
            positions, ordinals = batch.column(POSITION).to_numpy(), batch.column(ORDINAL).to_numpy()
            last = int(np.flatnonzero(begins_run(positions))[-1])
            goes_on = last == 0 and held and held[0][0][0] == positions[0]
            if not goes_on:
                yield from self._whole([*held, (positions[:last], ordinals[:last])])
                held = []
            held.append((positions[last:], ordinals[last:]))
        yield from self._whole(held)

    def _whole(self, rows: list[Rows]) -> Iterator[pa.RecordBatch]:
        """One batch with all rows of whole documents, if there are any."""
        if not rows:
            return
        positions, ordinals = (np.concatenate(columns) for columns in zip(*rows, strict=True))
        if not len(positions):
            return
        starts = np.flatnonzero(begins_run(positions))
        offsets = np.append(starts, len(positions)).astype(np.int32)
        lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(ordinals))
        yield pa.record_batch([pa.array(positions[starts]), lists], schema=self.output_schema(REPEATED_SCHEMA))
