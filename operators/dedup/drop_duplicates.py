"""Removal of exact duplicates, after an exchange by content hash."""

from collections.abc import Iterator
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
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
        O(rows), no hash table: the rows are sorted. 8 bytes of memory a copy of one hash, since its number is known at
        the last of them.
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


def _removals(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Removals hash by hash; those of a hash that may go on in the next batch wait until it has ended."""
    last = survivor = None
    waiting: list[npt.NDArray[np.uint64]] = []  # positions of the copies of `survivor` so far
    for batch in batches:
        if batch.num_rows == 0:
            continue
        hashes = batch.column(CONTENT_HASH)
        begins = begins_run(binary16_words(hashes))
        begins[0] = hashes[0] != last
        last = hashes[-1]
        starts = np.flatnonzero(begins)
        end = int(starts[0]) if len(starts) else batch.num_rows
        waiting.append(batch.column(POSITION).to_numpy()[:end])
        if not len(starts):
            continue
        if survivor is not None:
            yield _copies_of(survivor, np.concatenate(waiting))
        open_from = int(starts[-1])
        yield _removals_of_whole_keys(batch.slice(end, open_from - end), begins[end:open_from])
        survivor = batch.column(DOC_ID)[open_from]
        waiting = [batch.column(POSITION).to_numpy()[open_from + 1 :]]
    if survivor is not None:
        yield _copies_of(survivor, np.concatenate(waiting))


def _copies_of(survivor: pa.Scalar, positions: npt.NDArray[np.uint64]) -> pa.RecordBatch:
    num_copies = np.full(len(positions), 1.0 + len(positions))
    return _removed(pa.array(positions), num_copies, pa.repeat(survivor, len(positions)))


def _removals_of_whole_keys(batch: pa.RecordBatch, begins: npt.NDArray[np.bool_]) -> pa.RecordBatch:
    first = first_of_run(begins)
    copies = np.bincount(first, minlength=len(first))  # at a run's first row: its length
    removed = np.flatnonzero(~begins)
    survivor = first[removed]
    return _removed(
        batch.column(POSITION).take(pa.array(removed)),
        copies[survivor].astype(np.float64),
        batch.column(DOC_ID).take(pa.array(survivor)),
    )


def _removed(positions: pa.Array, num_copies: npt.NDArray[np.float64], survivors: pa.Array) -> pa.RecordBatch:
    num_rows = len(positions)
    columns = [
        positions,
        pa.repeat(EXACT_DUPLICATE, num_rows),
        pa.array(num_copies),
        pa.nulls(num_rows, pa.float64()),
        survivors,
    ]
    return pa.record_batch(columns, schema=REMOVAL_SCHEMA)
