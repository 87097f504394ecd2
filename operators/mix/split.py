"""Which part of the data a document belongs to: training, or one of the parts that are held out."""

from typing import ClassVar, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, model_validator

from operators.dedup.choose_survivors import CLUSTER_ID
from operators.mix.draws import Purpose, draws_of
from pipeline.document import DOC_ID, DOC_ID_TYPE
from pipeline.operator import AnnotateFunction, Annotator, Determinism

SPLIT: Final = "split"
TRAIN: Final = "train"
WHOLE: Final = 1 << 64
"""Draws are below it."""


class HeldOut(BaseModel):
    """A part that is not trained on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    share: float = Field(gt=0, lt=1)
    """Of all clusters."""


class Split(Annotator):
    """Names the part that a document belongs to, the same for all documents of a cluster of near-duplicates.

    A hash of the id of the cluster's first document decides, where a cluster is what chains of shared buckets join,
    before anything is verified. A document without company decides by its own id. So documents that are alike enough
    to meet in a bucket are in one part, and a later build that is made against the index of an earlier one, whose
    documents come first in the survivor order, finds its new documents the parts of the old ones. No document of the
    earlier build moves: what it wrote stays.

    A new document may join two clusters that were apart. Then it goes with the one whose first document comes first,
    and what the other one's documents have in common with it straddles two parts, if these differ.

    Columns:
        reads doc_id and `cluster` (16 bytes; null for a document without company).
        adds `column` (large_string, never null): the name of a held-out part, or `rest`.

    Determinism:
        SEEDED. The parts lie behind one another in the range of the hash, so that a part which is made larger keeps
        its documents, if it is the last one.

    Source:
        None.

    Cost:
        Some nanoseconds a document; no text.
    """

    name: ClassVar[str] = "split"
    determinism = Determinism.SEEDED

    held_out: tuple[HeldOut, ...] = Field(default=(HeldOut(name="validation", share=0.001),), min_length=1)
    """The parts with their shares of the clusters; shares of documents and tokens come out near them."""
    rest: str = TRAIN
    """What all other documents belong to."""
    cluster: str | None = CLUSTER_ID
    """The column with the doc_id of the cluster's first document, as `minhash_deduplication` leaves it in
    `NAME.decisions`. None: every document decides by its own id."""
    column: str = SPLIT
    seed: int = Field(default=1, ge=0, lt=1 << 32)

    @model_validator(mode="after")
    def _parts_are_apart(self) -> Self:
        names = [part.name for part in self.held_out]
        if len({*names, self.rest}) != len(names) + 1:
            raise ValueError(f"held_out, rest: expected distinct names; found {[*names, self.rest]}")
        if sum(part.share for part in self.held_out) >= 1:
            raise ValueError("held_out: expected shares that leave something for the rest; their sum is 1 or more")
        return self

    def requires(self) -> pa.Schema:
        """Ids."""
        own = pa.field(DOC_ID, DOC_ID_TYPE, nullable=False)
        return pa.schema([own] if self.cluster is None else [own, pa.field(self.cluster, DOC_ID_TYPE)])

    def adds(self) -> pa.Schema:
        """The part's name."""
        return pa.schema([pa.field(self.column, pa.large_string(), nullable=False)])

    def open(self) -> AnnotateFunction:
        """Nothing to load."""
        names = pa.array([*(part.name for part in self.held_out), self.rest], pa.large_string())
        ends = np.array([int(share * WHOLE) for share in np.cumsum([part.share for part in self.held_out])], np.uint64)
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            ids = batch.column(DOC_ID)
            if self.cluster is not None:
                ids = pc.coalesce(batch.column(self.cluster), ids)
            places = np.searchsorted(ends, draws_of(ids, self.seed, Purpose.SPLIT), side="right")
            return pa.RecordBatch.from_arrays([names.take(pa.array(places))], schema=schema)

        return annotate
