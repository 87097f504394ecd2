"""Who stays of a cluster of near-duplicates, and who goes.

Arrays: D rows, V values of a signature, M survivors of a cluster that documents are compared with.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from operators.dedup.components import CLUSTER
from operators.dedup.signature import SIGNATURE, lists_of_column, signature_type
from operators.dedup.sorted_runs import begins_run, whole_keys
from operators.text.kernel import kernel
from pipeline.document import DOC_ID, DOC_ID_TYPE, POSITION, POSITION_TYPE
from pipeline.operator import REMOVAL_SCHEMA, PartitionFunction, PartitionOperator

NEAR_DUPLICATE: Final = "near_duplicate"

BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@kernel
def _similarity(signatures: npt.NDArray[np.uint16], one: int, other: int) -> float:
    """The share of equal values of two rows: the estimate of their Jaccard similarity."""
    num_equal = np.int64(0)
    for k in range(signatures.shape[1]):
        num_equal += np.int64(signatures[np.uintp(one), np.uintp(k)] == signatures[np.uintp(other), np.uintp(k)])
    return float(num_equal / signatures.shape[1])


@kernel
def _judge(
    begins: BoolArray,
    signatures: npt.NDArray[np.uint16],
    present: BoolArray,
    verify_at: float,
    kept: IndexArray,
    survivor: IndexArray,
    similarity: FloatArray,
) -> None:
    """Writes for every row the row that stays in its place, or -1, and their similarity, (D,). `kept` is scratch, (M,).

    Rows of a cluster are neighbours, `begins` says where one starts. A row without a signature is like no other.
    """
    num_kept = 0
    for row in range(begins.shape[0]):
        if begins[row]:
            num_kept = 0
        survivor[row] = -1
        for index in range(num_kept):
            other = kept[np.uintp(index)]
            estimate = _similarity(signatures, row, other) if present[row] and present[other] else 0.0
            if estimate >= verify_at:
                survivor[row] = other
                similarity[row] = estimate
                break
        if survivor[row] < 0 and num_kept < kept.shape[0]:
            kept[np.uintp(num_kept)] = row
            num_kept += 1


class ChooseSurvivors(PartitionOperator):
    """Keeps the first document of each cluster and removes those that are similar to a kept one.

    A cluster is what chains of candidate pairs join, so its ends may have nothing in common. Therefore every removal
    is checked: in the exchange's order a document is compared with the kept ones of its cluster, at most the first
    `max_survivors`, and is removed for the first whose estimated similarity reaches `verify_at`; else it is kept.

    Columns:
        cluster, minhash, doc_id, position: read.
        position, rule, value, threshold, survivor: written, one row a removed document; rule "near_duplicate", value
            the estimated Jaccard similarity to the survivor, threshold `verify_at`, survivor its doc_id.

    Determinism:
        Exact, given the exchange's total order.

    Source:
        14 bands of 8 rows join half of the pairs of similarity 0.68; 0.7, near that and the (1/b)^(1/r) = 0.72 of
        datatrove's settings, removes little that other pipelines keep. They verify nothing.

    Cost:
        O(rows * max_survivors * V) comparisons at most, one V a row where clusters are tight. A cluster's rows are held
        in memory.
    """

    name: ClassVar[str] = "choose_survivors"

    num_bands: int = Field(default=14, ge=1)
    rows_per_band: int = Field(default=8, ge=1)
    verify_at: float = Field(default=0.7, ge=0, le=1)
    """Least estimated Jaccard similarity of a removed document and its survivor; 0 removes whole clusters."""
    max_survivors: int = Field(default=16, ge=1)

    def requires(self) -> pa.Schema:
        """The cluster and signature to compare, and what removals name."""
        return pa.schema(
            [
                pa.field(CLUSTER, POSITION_TYPE),
                pa.field(SIGNATURE, signature_type(self.num_bands * self.rows_per_band)),
                pa.field(DOC_ID, DOC_ID_TYPE, nullable=False),
                pa.field(POSITION, POSITION_TYPE, nullable=False),
            ]
        )

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- removals do not depend on it
        """Removals."""
        return REMOVAL_SCHEMA

    def open(self) -> PartitionFunction:
        """Nothing to load."""

        def choose(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in whole_keys(batches, CLUSTER):
                yield self._removals(batch)

        return choose

    def _removals(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        signatures, present = lists_of_column(batch.column(SIGNATURE))
        begins = begins_run(batch.column(CLUSTER).to_numpy())
        kept = np.empty(self.max_survivors, np.int64)
        survivor = np.empty(batch.num_rows, np.int64)
        similarity = np.empty(batch.num_rows, np.float64)
        _judge(begins, signatures, present, self.verify_at, kept, survivor, similarity)
        removed = np.flatnonzero(survivor >= 0)
        return pa.record_batch(
            [
                batch.column(POSITION).take(pa.array(removed)),
                pa.repeat(NEAR_DUPLICATE, len(removed)),
                pa.array(similarity[removed]),
                pa.repeat(self.verify_at, len(removed)),
                batch.column(DOC_ID).take(pa.array(survivor[removed])),
            ],
            schema=REMOVAL_SCHEMA,
        )
