"""Who stays of a cluster of near-duplicates, and who goes: decisions as columns. D rows, B bands, V values."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BeforeValidator, Field

from operators.dedup.components import CLUSTER
from operators.dedup.decision import (
    BY_SHINGLES,
    BY_SIGNATURE,
    UNVERIFIED,
    Decisions,
    Members,
    Rule,
    decide,
    undecided,
)
from operators.dedup.decision_memory import Memory, fresh_memory, grown_memory, is_grown
from operators.dedup.shingle_sets import SHINGLES, SHINGLES_TYPE
from operators.dedup.signature import (
    BUCKET_VALUE,
    BUCKETS,
    SIGNATURE,
    SIGNATURE_VALUE,
    buckets_type,
    num_kept_values,
    signature_type,
    values_of_column,
)
from operators.dedup.sorted_runs import begins_run, binary16_words
from pipeline.document import DOC_ID, DOC_ID_TYPE, POSITION, POSITION_TYPE
from pipeline.operator import PartitionFunction, PartitionOperator


def _off_as_yaml_reads_it(value: Any) -> Any:  # Any: pydantic hands over raw input
    return "off" if value is False else value


Verification = Annotated[Literal["signature", "jaccard", "off"], BeforeValidator(_off_as_yaml_reads_it)]
"""What is compared. A plain `off` in YAML is the boolean, and means the word here."""

SURVIVOR: Final = "survivor"
SIMILARITY: Final = "similarity"
CLUSTER_ID: Final = "cluster_id"
DISTANCE: Final = "distance"
CANDIDATE: Final = "candidate"
CANDIDATE_SIMILARITY: Final = "candidate_similarity"
BUCKET_SIZE: Final = "bucket_size"
DECISION_FIELDS: Final = (
    pa.field(SURVIVOR, DOC_ID_TYPE),
    pa.field(SIMILARITY, pa.float32()),
    pa.field(CLUSTER_ID, DOC_ID_TYPE),
    pa.field(DISTANCE, pa.float32()),
    pa.field(CANDIDATE, POSITION_TYPE),
    pa.field(CANDIDATE_SIMILARITY, pa.float32()),
    pa.field(BUCKET_SIZE, pa.uint32()),
)
DECISION_SCHEMA: Final = pa.schema([pa.field(POSITION, POSITION_TYPE, nullable=False), *DECISION_FIELDS])

IndexArray = npt.NDArray[np.int64]

_CODES: Final[dict[str, int]] = {"signature": BY_SIGNATURE, "jaccard": BY_SHINGLES, "off": UNVERIFIED}


class ChooseSurvivors(PartitionOperator):
    """Decides on every document of a cluster: whether it stays, or which document stays in its place.

    A cluster is what chains of shared buckets join, so its ends may have nothing in common. Therefore every removal is
    verified. Documents are decided in the exchange's order, the survivor order. The candidates of a document are the
    first `hubs` documents of each of its buckets. A candidate stands for itself if it was kept, else its survivor does.
    The document is removed if its similarity to one of these reaches `verify_at`, and its survivor is the most similar
    of them, the first in the order where several are; else it is kept. So documents that come later in the order
    change no decision.

    `verify` says what is compared: `signature`, the share of equal values of two signatures; `jaccard`, exactly the
    sets of shingle hashes; `off`, nothing: the first document of each cluster stays and all others go.

    Columns:
        cluster, minhash_buckets, minhash, doc_id, position: read; shingles too, for `jaccard`. Rows of a cluster in
            survivor order. A row without buckets and signature has no candidates.
        position: written, one row a row.
        survivor: written; the doc_id of the document that stays in its place, null where it is kept.
        similarity: written; float32 in 0..1, to the survivor. Of a document that is kept, the greatest that was found;
            null where there was nobody to compare with. For `off` the estimate from signatures.
        cluster_id: written; the doc_id of the cluster's first document.
        distance: written; float32, 1 - the estimated similarity to the cluster's first document; null without
            signature.
        candidate: written; position of one candidate, the one with the smallest hash of `seed` and both doc_ids; null
            if there is none.
        candidate_similarity: written; float32, estimated from signatures, to that candidate itself.
        bucket_size: written; uint32, documents in the largest bucket of the document, itself included, up to here in
            the order; null without buckets.

    Determinism:
        Exact, given the exchange's total order.

    Source:
        The rule is ours. 14 bands of 8 rows join half of the pairs of similarity 0.68; 0.7, near that and the
        (1/b)^(1/r) = 0.72 of datatrove's settings, removes little that other pipelines keep. They verify nothing.

    Cost:
        At most num_bands * hubs comparisons a document, one where a cluster is tight. A comparison takes some tens of
        nanoseconds by signature, and some microseconds by shingles. Memory is that of one cluster: per document that
        is among the first `hubs` of a bucket 2 V + 53 bytes, 4 a shingle for `jaccard`, and 16 + 4 * hubs a bucket,
        twice to four times that in all, since arrays double and the table is half empty.
    """

    name: ClassVar[str] = "choose_survivors"
    version: ClassVar[int] = 2

    num_bands: int = Field(default=14, ge=1)
    rows_per_band: int = Field(default=8, ge=1)
    hubs: int = Field(default=3, ge=1)
    """Documents of a bucket, its first, that the others are compared with."""
    verify: Verification = "signature"
    verify_at: float = Field(default=0.7, gt=0, le=1)
    """Least similarity of a removed document and its survivor; without meaning where `verify` is off."""
    seed: int = Field(default=1, ge=0, lt=1 << 32)
    """Of the choice among candidates; no decision depends on it."""

    def notes(self) -> tuple[str, ...]:
        """What travels."""
        num_bytes = 32 + 8 * self.num_bands + 2 * num_kept_values(self.num_bands * self.rows_per_band)
        sets = ", and 4 bytes a shingle" if self.verify == "jaccard" else ""
        return (f"each document with company travels in {num_bytes} bytes, the order's columns aside{sets}",)

    def requires(self) -> pa.Schema:
        """The cluster, what to compare, and what decisions name."""
        fields = [
            pa.field(CLUSTER, POSITION_TYPE),
            pa.field(BUCKETS, buckets_type(self.num_bands)),
            pa.field(SIGNATURE, signature_type(self.num_bands * self.rows_per_band)),
            pa.field(DOC_ID, DOC_ID_TYPE, nullable=False),
            pa.field(POSITION, POSITION_TYPE, nullable=False),
        ]
        return pa.schema([*fields, pa.field(SHINGLES, SHINGLES_TYPE)] if self.verify == "jaccard" else fields)

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- decisions do not depend on it
        """Decisions."""
        return DECISION_SCHEMA

    def open(self) -> PartitionFunction:
        """Nothing to load."""
        return self._decisions

    def _decisions(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        memory: Memory | None = None
        last_cluster: np.uint64 | None = None
        for batch in batches:
            if batch.num_rows == 0:
                continue
            clusters = batch.column(CLUSTER).to_numpy()
            begins = begins_run(clusters)
            begins[0] = last_cluster is None or clusters[0] != last_cluster
            last_cluster = clusters[-1]
            members = self._members(batch, begins)
            memory, decisions = self._decide(members, memory or self._fresh_memory(members))
            yield _as_batch(batch.column(POSITION), decisions, members.present)

    def _members(self, batch: pa.RecordBatch, begins: npt.NDArray[np.bool_]) -> Members:
        buckets, has_buckets = values_of_column(batch.column(BUCKETS), BUCKET_VALUE)
        signatures, has_signature = values_of_column(batch.column(SIGNATURE), SIGNATURE_VALUE)
        shingles = np.empty(0, np.uint32)
        starts = ends = np.zeros(batch.num_rows, np.int64)
        if self.verify == "jaccard":
            shingles, starts, ends = _sets_of_column(batch.column(SHINGLES))
        return Members(
            begins=begins,
            buckets=buckets,
            signatures=signatures,
            present=has_buckets & has_signature,
            ids=binary16_words(batch.column(DOC_ID)),
            positions=batch.column(POSITION).to_numpy(),
            shingles=shingles,
            shingle_starts=starts,
            shingle_ends=ends,
        )

    def _fresh_memory(self, members: Members) -> Memory:
        return fresh_memory(self.num_bands, members.signatures.shape[1], self.hubs)

    def _decide(self, members: Members, memory: Memory) -> tuple[Memory, Decisions]:
        """All decisions on a batch, and the memory that the next one goes on with."""
        out = undecided(len(members.begins))
        rule = Rule(_CODES[self.verify], self.verify_at, self.seed)
        row = 0
        while True:
            grown = is_grown(memory, self.num_bands)
            row = decide(members, row, rule, memory, grown, out)
            if row == len(members.begins):
                return memory, out
            if grown and members.begins[row]:
                memory = self._fresh_memory(members)
            else:
                num_shingles = int(members.shingle_ends[row] - members.shingle_starts[row])
                memory = grown_memory(memory, num_bands=self.num_bands, num_shingles=num_shingles)


def _sets_of_column(column: pa.Array) -> tuple[npt.NDArray[np.uint32], IndexArray, IndexArray]:
    """The values of a column of lists, and where those of each row begin and end, (D,); a null has none."""
    _, offsets, *_ = column.buffers()
    bounds = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1].astype(np.int64)
    child = column.values
    data = child.buffers()[1]
    values = np.empty(0, np.uint32) if data is None else np.frombuffer(data, np.uint32)[child.offset :]
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    return values, bounds[:-1], np.where(valid, bounds[1:], bounds[:-1])


def _as_batch(positions: pa.Array, decisions: Decisions, present: npt.NDArray[np.bool_]) -> pa.RecordBatch:
    always = np.ones(len(positions), np.bool_)
    columns = [
        positions,
        _ids(decisions.survivor, decisions.removed),
        pa.array(decisions.similarity, from_pandas=True),
        _ids(decisions.cluster_id, always),
        pa.array(decisions.distance, from_pandas=True),
        pa.array(decisions.candidate, mask=~decisions.has_candidate),
        pa.array(decisions.candidate_similarity, from_pandas=True),
        pa.array(decisions.bucket_size, mask=~present),
    ]
    return pa.record_batch(columns, schema=DECISION_SCHEMA)


def _ids(words: npt.NDArray[np.uint64], valid: npt.NDArray[np.bool_]) -> pa.Array:
    """(D, 2) words as a column of ids, null where not valid."""
    buffers = [pa.py_buffer(np.packbits(valid, bitorder="little")), pa.py_buffer(words)]
    return pa.FixedSizeBinaryArray.from_buffers(DOC_ID_TYPE, len(words), buffers)
