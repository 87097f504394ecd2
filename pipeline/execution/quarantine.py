"""Records as they were read from sources: their identity, and the ones that could not become documents."""

from collections.abc import Mapping
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.document import DOC_ID, IdHasher
from pipeline.errors import BudgetError
from pipeline.io.read_batch import ReadBatch, SplitSummary
from pipeline.io.splits import Split
from pipeline.ledger import IDENTITY_SCHEMA, READ, LedgerBuilder
from pipeline.plan.logical import ErrorBudget


class SourceRecords:
    """Accounts for every record that a unit reads from sources for the first time."""

    def __init__(self, ledger: LedgerBuilder) -> None:
        self._ledger = ledger
        self._identity: list[pa.RecordBatch] = []
        self._first = 0
        self._split_first = 0
        self._inputs: list[dict[str, object]] = []

    @property
    def rows_read(self) -> int:
        """Records so far."""
        return self._first

    def take(self, batch: ReadBatch, split: Split) -> tuple[pa.RecordBatch, npt.NDArray[np.uint32]]:
        """Notes the next batch of a split; returns its documents with their ordinals among all records of the unit."""
        ids = np.empty(batch.num_records, "V16")
        start = self._first - self._split_first  # the batch's first record, counted in its split
        ids[batch.ordinals - start] = _fixed_values(batch.documents[DOC_ID])
        hasher = IdHasher(split.file.source, split.file.relative_path)
        for rejected in batch.rejected:
            ids[rejected.ordinal - start] = np.frombuffer(hasher.at(rejected.position), "V16")[0]
        for (reason, detail), alike in groupby(batch.rejected, key=lambda rejected: (rejected.reason, rejected.detail)):
            rows = np.array([self._split_first + rejected.ordinal for rejected in alike], np.uint32)
            self._ledger.add_quarantined(READ, rows, reason.value, detail)
        columns = [
            pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), batch.num_records, [None, pa.py_buffer(ids)]),
            batch.input_ids,
            pa.array(np.full(batch.num_records, len(self._inputs), np.uint32)),
            pa.array(batch.positions),
        ]
        self._identity.append(pa.RecordBatch.from_arrays(columns, schema=IDENTITY_SCHEMA))
        self._first += batch.num_records
        return batch.documents, (batch.ordinals + self._split_first).astype(np.uint32)

    def end_split(self, split: Split, summary: SplitSummary) -> None:
        """Notes what was found at the end of a split."""
        self._inputs.append(input_entry(split, summary))
        self._split_first = self._first

    @property
    def inputs(self) -> tuple[dict[str, object], ...]:
        """One entry for each split that was read to its end."""
        return tuple(self._inputs)

    def identity(self) -> pa.Table | None:
        """IDENTITY_SCHEMA rows of all records, in order; None where nothing was read from sources."""
        return pa.Table.from_batches(self._identity, IDENTITY_SCHEMA) if self._identity or self._inputs else None


def input_entry(split: Split, summary: SplitSummary) -> dict[str, object]:
    """What a commit records of a split that was read to its end."""
    entry: dict[str, object] = {
        "source": split.file.source,
        "path": split.file.relative_path,
        "digest": split.file.digest,
        "start": split.start,
        "end": split.end,
        "num_records": summary.num_records,
        "num_bytes": summary.num_bytes,
        "content_digest": summary.content_digest,
        "num_duplicate_keys": summary.num_duplicate_keys,
    }
    if summary.damaged is not None:
        entry["damaged"] = {
            "offset": summary.damaged.offset,
            "reason": summary.damaged.reason.value,
            "unread_compressed_bytes": summary.damaged.unread_compressed_bytes,
            "lost_rows": summary.damaged.lost_rows,
        }
    return entry


def _fixed_values(column: pa.Array) -> npt.NDArray[np.void]:
    return np.frombuffer(column.buffers()[1], "V16")[column.offset : column.offset + len(column)]


def check_budget(
    step: str,
    budget: ErrorBudget,
    *,
    rows: int,
    bad_rows: Mapping[str, int],
    files: int,
    damaged_files: int,
) -> None:
    """Judges a step once all its input is read.

    Args:
        bad_rows: quarantined rows by reason.

    Raises:
        BudgetError: more bad rows or damaged files than the recipe allows.
    """
    allowed_rows = max(budget.min_bad_rows, int(budget.max_bad_fraction * rows))
    found = sum(bad_rows.values())
    if found > allowed_rows:
        reason = max(sorted(bad_rows), key=lambda name: bad_rows[name])
        raise BudgetError(
            f"step {step}: expected at most {allowed_rows} bad rows of {rows}; found {found}, most often {reason} "
            f"({bad_rows[reason]}); what was done stays committed: look at the quarantined rows with "
            "`corpusmill status`, then mend the input or raise error_budget.max_bad_fraction and run again"
        )
    allowed_files = max(budget.min_damaged_files, int(budget.max_damaged_fraction * files))
    if damaged_files > allowed_files:
        raise BudgetError(
            f"step {step}: expected at most {allowed_files} damaged files of {files}; found {damaged_files}; what was "
            "done stays committed: mend the files, which `corpusmill status` names, or raise "
            "error_budget.max_damaged_fraction and run again"
        )
