"""Removal of exact duplicates, after an exchange by content hash."""

from typing import ClassVar, Final

import numpy as np
import pyarrow as pa

from operators.dedup.content_hash import CONTENT_HASH, CONTENT_HASH_TYPE
from operators.dedup.sorted_runs import begins_run, binary16_words, first_of_run
from pipeline.document import DOC_ID, DOC_ID_TYPE, POSITION, POSITION_TYPE
from pipeline.operator import REMOVAL_SCHEMA, PartitionFunction, PartitionOperator

EXACT_DUPLICATE: Final = "exact_duplicate"


class DropDuplicates(PartitionOperator):
    """Keeps the first document of each content hash and removes the others.

    Which one is first is the exchange's order: its sort columns, then the position.

    Columns:
        content_hash, doc_id, position: read.
        position, rule, value, threshold, survivor: written, one row a removed document; rule "exact_duplicate",
            value the number of documents with that hash, no threshold, survivor the doc_id of the one that stays.

    Determinism:
        Exact.

    Cost:
        O(rows), no hash table: the rows are sorted.
    """

    name: ClassVar[str] = "drop_duplicates"

    def requires(self) -> pa.Schema:
        """The hash to compare, and what removals name."""
        return pa.schema(
            [
                pa.field(CONTENT_HASH, CONTENT_HASH_TYPE),
                pa.field(DOC_ID, DOC_ID_TYPE, nullable=False),
                pa.field(POSITION, POSITION_TYPE, nullable=False),
            ]
        )

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- removals do not depend on it
        """Removals."""
        return REMOVAL_SCHEMA

    def open(self) -> PartitionFunction:
        """Nothing to load."""
        return _removals


def _removals(batch: pa.RecordBatch) -> pa.RecordBatch:
    begins = begins_run(binary16_words(batch.column(CONTENT_HASH)))
    first = first_of_run(begins)
    copies = np.bincount(first, minlength=len(first))  # at a run's first row: its length
    removed = np.flatnonzero(~begins)
    survivor = first[removed]
    return pa.record_batch(
        [
            batch.column(POSITION).take(pa.array(removed)),
            pa.repeat(EXACT_DUPLICATE, len(removed)),
            pa.array(copies[survivor].astype(np.float64)),
            pa.nulls(len(removed), pa.float64()),
            batch.column(DOC_ID).take(pa.array(survivor)),
        ],
        schema=REMOVAL_SCHEMA,
    )
