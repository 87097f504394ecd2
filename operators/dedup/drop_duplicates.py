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
            value which document of that hash it is, counted from 1, so 2 for the first that goes; no threshold;
            survivor the doc_id of the one that stays.

    Determinism:
        Exact.

    Cost:
        O(rows), no hash table: the rows are sorted. Memory for one batch, however many copies there are.
    """

    name: ClassVar[str] = "drop_duplicates"
    version: ClassVar[int] = 2

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
    """Removals batch by batch; of the hash that goes on, its survivor and the number of its documents are carried."""
    last = None
    survivor = pa.nulls(1, DOC_ID_TYPE)
    num_before = 0
    for batch in batches:
        if batch.num_rows == 0:
            continue
        hashes = batch.column(CONTENT_HASH)
        begins = begins_run(binary16_words(hashes))
        first = first_of_run(begins)
        number = np.arange(1, batch.num_rows + 1) - first  # which document of its hash a row is, from 1
        survivors = pa.concat_arrays([survivor, batch.column(DOC_ID)])
        place = first + 1  # of the survivor, in `survivors`
        if hashes[0] == last:
            begins[0] = False
            number[first == 0] += num_before
            place[first == 0] = 0
        last, num_before, survivor = hashes[-1], int(number[-1]), survivors.slice(int(place[-1]), 1)
        removed = np.flatnonzero(~begins)
        if len(removed):
            yield _removed(batch.column(POSITION).take(removed), number[removed], survivors.take(place[removed]))


def _removed(positions: pa.Array, number: npt.NDArray[np.int64], survivors: pa.Array) -> pa.RecordBatch:
    columns = [
        positions,
        pa.repeat(EXACT_DUPLICATE, len(positions)),
        pa.array(number.astype(np.float64)),
        pa.nulls(len(positions), pa.float64()),
        survivors,
    ]
    return pa.record_batch(columns, schema=REMOVAL_SCHEMA)
