"""What packed rows hold, counted batch by batch.

Dimension letters: R rows.
"""

from typing import Final, TypedDict

import numpy as np
import pyarrow as pa

from operators.pack.packed_table import DOC_IDS, NUM_CONTINUED, NUM_TRUNCATED
from operators.pack.token_buffer import Numbers
from operators.tokenize.tokenizer import NUM_TOKENS

FILL_BUCKETS: Final = 20
"""Rows are counted by how full they are in steps of 5 %."""


class PackingFigures(TypedDict):
    """What `packing.json` says."""

    rows: int
    capacity: int
    tokens: int
    padding: int
    padding_fraction: float
    documents: int
    """Documents that have a token in a row."""
    pieces: int
    splits: int
    """Pieces behind the first of their document."""
    truncated_tokens: int
    truncated_rows: int
    """Rows with a document that was truncated."""
    documents_per_row: dict[str, float]
    """mean, min, median and max of the documents, whole or in part, of a row."""
    rows_by_documents: dict[str, int]
    """Rows with so many documents."""
    rows_by_fill: list[int]
    """Rows that are filled to at most 5 %, 10 %, ... 100 %."""


class PackingStatistics:
    """Counts over all rows; memory grows with the most documents that a row holds."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._tokens = self._continued = self._truncated = self._truncated_rows = 0
        self._by_documents: Numbers = np.zeros(1, np.int64)
        self._by_fill: Numbers = np.zeros(FILL_BUCKETS, np.int64)

    def add(self, batch: pa.RecordBatch) -> None:
        """Counts the rows of `batch`."""
        tokens, continued, truncated = (
            batch.column(name).to_numpy() for name in (NUM_TOKENS, NUM_CONTINUED, NUM_TRUNCATED)
        )  # (R,) each
        self._tokens += int(tokens.sum())
        self._continued += int(continued.sum())
        self._truncated += int(truncated.sum())
        self._truncated_rows += int(np.count_nonzero(truncated))
        documents = batch.column(DOC_IDS).value_lengths().to_numpy()  # (R,)
        counts = np.bincount(documents, minlength=len(self._by_documents))
        counts[: len(self._by_documents)] += self._by_documents
        self._by_documents = counts
        full = -(-tokens * FILL_BUCKETS // self._capacity)  # (R,) 1..FILL_BUCKETS
        self._by_fill += np.bincount(np.clip(full, 1, FILL_BUCKETS) - 1, minlength=FILL_BUCKETS)

    def figures(self) -> PackingFigures:
        """All that was counted."""
        rows = int(self._by_documents.sum())
        per_row = np.arange(len(self._by_documents))
        pieces = int(self._by_documents @ per_row)
        places = rows * self._capacity
        return {
            "rows": rows,
            "capacity": self._capacity,
            "tokens": self._tokens,
            "padding": places - self._tokens,
            "padding_fraction": round(1 - self._tokens / places, 6) if rows else 0.0,
            "documents": pieces - self._continued,
            "pieces": pieces,
            "splits": self._continued,
            "truncated_tokens": self._truncated,
            "truncated_rows": self._truncated_rows,
            "documents_per_row": self._documents_per_row(rows, pieces),
            "rows_by_documents": {str(n): int(self._by_documents[n]) for n in np.flatnonzero(self._by_documents)},
            "rows_by_fill": self._by_fill.tolist(),
        }

    def _documents_per_row(self, rows: int, pieces: int) -> dict[str, float]:
        if not rows:
            return {}
        present = np.flatnonzero(self._by_documents)
        middle = int(np.searchsorted(np.cumsum(self._by_documents), (rows + 1) // 2))
        return {
            "mean": round(pieces / rows, 3),
            "min": int(present[0]),
            "median": middle,
            "max": int(present[-1]),
        }
