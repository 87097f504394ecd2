"""The shingles of documents that have company, as sets: what an exact similarity is computed from."""

from typing import ClassVar, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from operators.dedup.components import CLUSTER_SIZE
from operators.dedup.jaccard import sort_distinct
from operators.dedup.shingle_operator import ShingleOperator
from operators.dedup.shingles import Scratch, Shingling, max_units, scratch_for, shingle_document
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.kernel import Bytes, Offsets, kernel
from pipeline.operator import AnnotateFunction

SHINGLES: Final = "shingles"
SHINGLES_TYPE: Final = pa.list_(pa.uint32())

BoolArray = npt.NDArray[np.bool_]


class Sets(NamedTuple):
    """What the kernel fills."""

    values: npt.NDArray[np.uint32]  # (N,) the sets one after the other
    bounds: npt.NDArray[np.int64]  # (D + 1,)


@kernel
def _fill_sets(
    data: Bytes,
    offsets: Offsets,
    wanted: BoolArray,
    how: Shingling,
    scratch: Scratch,
    spare: npt.NDArray[np.uint32],
    sets: Sets,
) -> int:
    """Writes the sets of the documents that are wanted, (D,); returns N. Others, and those without a unit, get none."""
    num = 0
    for document in range(offsets.shape[0] - 1):
        d = np.uintp(document)
        sets.bounds[d] = num
        if not wanted[d]:
            continue
        num_shingles = shingle_document(data, offsets[d], offsets[d + np.uintp(1)], how, scratch)
        num_distinct = sort_distinct(scratch.shingles[:num_shingles], spare)
        for index in range(num_distinct):
            sets.values[np.uintp(num + index)] = scratch.shingles[np.uintp(index)]
        num += num_distinct
    sets.bounds[np.uintp(offsets.shape[0] - 1)] = num
    return num


class ShingleSets(ShingleOperator):
    """Adds the set of shingles of each document that has company in its cluster.

    The Jaccard similarity of two such sets is what signatures estimate, with the same settings. Most documents have no
    company, so the sets of the others cost little beside their texts.

    Columns:
        text: read.
        cluster_size: read, unless every document gets its set; uint32, null for a document without company.
        shingles: written; list of uint32, sorted and distinct hashes. Null without company, and where no unit is
            left after normalisation.

    Determinism:
        Exact.

    Source:
        Broder, On the resemblance and containment of documents, 1997.

    Cost:
        As signatures without permutations, for documents with company only; 4 bytes a distinct shingle.
    """

    name: ClassVar[str] = "shingle_sets"

    every: bool = False
    """Whether documents without company get their sets too: those of an index may have company later."""

    def requires(self) -> pa.Schema:
        """The text, and whether there is company."""
        company = [] if self.every else [pa.field(CLUSTER_SIZE, pa.uint32())]
        return pa.schema([*super().requires(), *company])

    def adds(self) -> pa.Schema:
        """The sets."""
        return pa.schema([pa.field(SHINGLES, SHINGLES_TYPE)])

    def open(self) -> AnnotateFunction:
        """Loads the tables of the normalisation."""
        how, read_documents = self.open_shingling()
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            wanted = pa.repeat(True, batch.num_rows) if self.every else batch.column(CLUSTER_SIZE).is_valid()
            # Without their text the others cost nothing, not even a tokenizer.
            texts = pc.if_else(wanted, batch.column(TEXT), pa.scalar("", TEXT_TYPE))
            column = shingle_column(*read_documents(texts), wanted.to_numpy(zero_copy_only=False), how)
            return pa.record_batch([column], schema=schema)

        return annotate


def shingle_column(data: Bytes, offsets: Offsets, wanted: BoolArray, how: Shingling) -> pa.Array:
    """The sets of the documents that are wanted, (D,); null for others, and where no unit is left."""
    lengths = np.diff(offsets)
    scratch = scratch_for(int(lengths.max(initial=0)), how.way)
    capacity = sum(max_units(length, how.way) for length in lengths[wanted].tolist())
    sets = Sets(np.empty(capacity, np.uint32), np.zeros(len(lengths) + 1, np.int64))
    num = _fill_sets(data, offsets, wanted, how, scratch, np.empty_like(scratch.shingles), sets)
    none = np.append(np.diff(sets.bounds) == 0, np.False_)  # of the last bound nobody asks
    # A null in the offsets of a list makes the list null.
    bounds = pa.array(sets.bounds.astype(np.int32), mask=none)
    return pa.ListArray.from_arrays(bounds, pa.array(sets.values[:num]))
