"""Records of sources that an earlier step has numbered, read again: what left stays out, what is bound stands beside.

A record is accounted for once. Those that an earlier reading rejected, or that a bound step removed, are skipped here
in silence. A record that only now turns out to be unreadable, in a column that nobody had asked for, is quarantined.
"""

from itertools import groupby

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.artifact import ViewShard, with_positions
from pipeline.execution.quarantine import input_entry
from pipeline.io.read_batch import ReadBatch, SplitSummary
from pipeline.io.shard_file import AlignedRows
from pipeline.io.splits import Split
from pipeline.ledger import READ, LedgerBuilder

UNREAD = "unread"
"""Reason for a record that an earlier step numbered, and that its file no longer gives: the file changed."""


class BoundRecords:
    """Joins the documents of a unit's splits with a view of what steps over the same sources left.

    Args:
        view: ids and bound columns of all records of the unit, which of them are gone, and what the step reads.
        num_records: of each split, as they were numbered.
        ledger: takes records that are rejected now and were not before.
    """

    def __init__(self, view: ViewShard, num_records: tuple[int, ...], ledger: LedgerBuilder) -> None:
        self._view = view
        self._num_records = num_records
        self._ledger = ledger
        self._beside = AlignedRows(view.files)
        self._is_gone = np.zeros(view.num_rows, np.bool_)  # (records of the unit,)
        self._is_gone[view.removed_rows()] = True
        self._split_first = 0
        self._next = 0
        self._inputs: list[dict[str, object]] = []
        self.rows_read = 0

    @property
    def inputs(self) -> tuple[dict[str, object], ...]:
        """One entry for each split that was read to its end."""
        return tuple(self._inputs)

    def identity(self) -> None:
        """The ids of all records are where they were first read."""

    def take(self, batch: ReadBatch, split: Split) -> tuple[pa.RecordBatch, npt.NDArray[np.uint32]]:  # noqa: ARG002
        """The next documents of a split that the view still holds, with their ordinals in the unit."""
        first = self._next
        # A file that changed unseen may give more; its digest tells once it is read.
        last = min(first + batch.num_records, self._end_of_split)
        self._next = last
        for (reason, detail), alike in groupby(batch.rejected, key=lambda rejected: (rejected.reason, rejected.detail)):
            bad = np.array([self._split_first + rejected.ordinal for rejected in alike])
            self._quarantine(bad[bad < last], reason.value, detail)
        rows = batch.ordinals + self._split_first
        is_kept = rows < last
        is_kept[is_kept] = ~self._is_gone[rows[is_kept]]
        documents = batch.documents
        if not is_kept.all():
            documents = documents.filter(pa.array(is_kept))
            rows = rows[is_kept]
        if len(rows) == 0 and first == last:
            return documents, rows.astype(np.uint32)
        beside = self._beside.take(last - first)
        if len(rows) != beside.num_rows:
            beside = beside.take(pa.array(rows - first))
        self.rows_read += len(rows)
        return self._arranged(documents, beside, rows.astype(np.uint32)), rows.astype(np.uint32)

    def end_split(self, split: Split, summary: SplitSummary) -> None:
        """Notes what was found at the end of a split, and records that it no longer gave."""
        end = self._end_of_split
        if end > self._next:
            self._beside.take(end - self._next)
        self._quarantine(np.arange(self._next, end), UNREAD, "the file gives fewer records than when it was first read")
        self._inputs.append(input_entry(split, summary))
        self._split_first = self._next = end

    @property
    def _end_of_split(self) -> int:
        return self._split_first + self._num_records[len(self._inputs)]

    def _quarantine(self, rows: npt.NDArray[np.int64], reason: str, detail: str) -> None:
        """Those of the rows that no earlier step has accounted for."""
        left = rows[~self._is_gone[rows]].astype(np.uint32)
        if len(left):
            self._ledger.add_quarantined(READ, left, reason, detail)
        self.rows_read += len(left)

    def _arranged(
        self, documents: pa.RecordBatch, beside: pa.RecordBatch, rows: npt.NDArray[np.uint32]
    ) -> pa.RecordBatch:
        fields = {field.name: field for field in (*documents.schema, *beside.schema)}
        columns = dict(zip(fields, (*documents.columns, *beside.columns), strict=True))
        schema = pa.schema(list(fields.values()))
        batch = self._view.offered(pa.RecordBatch.from_arrays(list(columns.values()), schema=schema))
        return with_positions(batch, self._view.index, rows) if self._view.with_position else batch
