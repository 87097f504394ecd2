"""How often a document stands in one epoch, by how many near-duplicates were found of it."""

from itertools import pairwise
from typing import ClassVar, Final, Self

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, model_validator

from operators.dedup.components import CLUSTER_SIZE
from pipeline.operator import AnnotateFunction, Annotator

COPIES: Final = "copies"


class SizeClass(BaseModel):
    """Clusters from a size on, up to that of the next class."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_size: int = Field(ge=1)
    copies: int = Field(ge=0, lt=1 << 31)


FINEWEB2_CLASSES: Final = tuple(
    SizeClass(min_size=size, copies=copies) for size, copies in ((1, 1), (2, 2), (3, 3), (5, 5), (100, 8), (1000, 1))
)
"""FineWeb-2's weights for all languages."""


class ClusterCopies(Annotator):
    """Adds the number of copies that a document is worth: more where the web has it several times, up to a point.

    What deduplication keeps of a cluster stands again for some of what it removed; a document that is there a thousand
    times is boilerplate, and stands once. `mix` takes the column as its `copies`.

    Columns:
        reads cluster_size (uint32, null: the document has no company, a size of 1), as `minhash_deduplication` leaves
            it in `NAME.clusters`.
        adds copies (int32).

    Determinism:
        Exact.

    Source:
        Penedo et al. 2025, FineWeb2, arXiv:2506.20920, section on rehydration: 1, 2 and 3 copies of what is there 1, 2,
        and 3 or 4 times, 5 of 5 to 99, 8 of 100 to 999, 1 beyond. They choose the weights by how many documents of
        each cluster size their filters keep, for which `classes` is there.

    Cost:
        Some nanoseconds a document.
    """

    name: ClassVar[str] = "cluster_copies"

    classes: tuple[SizeClass, ...] = Field(default=FINEWEB2_CLASSES, min_length=1)
    """From the smallest on, the first of size 1."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        sizes = [one.min_size for one in self.classes]
        if sizes[0] != 1 or any(larger <= smaller for smaller, larger in pairwise(sizes)):
            raise ValueError(f"classes: expected growing sizes that begin with 1; found {sizes}")
        return self

    def requires(self) -> pa.Schema:
        """The size of the cluster."""
        return pa.schema([pa.field(CLUSTER_SIZE, pa.uint32())])

    def adds(self) -> pa.Schema:
        """The number."""
        return pa.schema([pa.field(COPIES, pa.int32(), nullable=False)])

    def open(self) -> AnnotateFunction:
        """Nothing to load."""
        sizes = np.array([one.min_size for one in self.classes], np.uint64)
        copies = np.array([one.copies for one in self.classes], np.int32)
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            found = np.maximum(batch.column(CLUSTER_SIZE).fill_null(1).to_numpy(zero_copy_only=False), 1)
            places = np.searchsorted(sizes, found.astype(np.uint64), side="right") - 1
            return pa.RecordBatch.from_arrays([pa.array(copies[places])], schema=schema)

        return annotate
