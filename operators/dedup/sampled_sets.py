"""The sets of shingles of the documents in a sample of pairs, and of no others."""

from collections.abc import Callable
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.dedup.sample_pairs import read_pairs, slots_of
from operators.dedup.shingle_operator import ShingleOperator
from operators.dedup.shingle_sets import SHINGLES, SHINGLES_TYPE, shingle_column
from pipeline.document import POSITION, POSITION_TYPE, TEXT
from pipeline.operator import AnnotateFunction, FileRef

SAMPLED_SHINGLES: Final = "sampled_shingles"


class SampledSets(ShingleOperator):
    """Adds the set of shingles of each document that is in a sample of pairs.

    The Jaccard similarity of two such sets is what signatures estimate, with the same settings.

    Columns:
        position: read.
        text: read, or shingles where `sets_exist`; of sampled documents alone.
        sampled_shingles: written; list of uint32, sorted and distinct hashes. Null outside the sample, and where no
            unit is left after normalisation.

    Determinism:
        Exact.

    Cost:
        As signatures without permutations, for the sampled documents; a microsecond or so a batch without any. What
        remains is to read the texts once more, which a view does for all rows.
    """

    name: ClassVar[str] = "sampled_sets"

    pairs: FileRef
    """The `pairs.json` of `sample_pairs`."""
    sets_exist: bool = False
    """Whether the view has the column `shingles`, made with these settings; then no text is read."""

    def requires(self) -> pa.Schema:
        """Which document it is, and what its set is made of."""
        made_of = [pa.field(SHINGLES, SHINGLES_TYPE)] if self.sets_exist else super().requires()
        return pa.schema([*made_of, pa.field(POSITION, POSITION_TYPE, nullable=False)])

    def adds(self) -> pa.Schema:
        """The sets."""
        return pa.schema([pa.field(SAMPLED_SHINGLES, SHINGLES_TYPE)])

    def notes(self) -> tuple[str, ...]:
        """What is read for it."""
        return () if self.sets_exist else ("texts are read once more, for the sets of the sampled pairs",)

    def open(self) -> AnnotateFunction:
        """Loads the sample, and the tables of the normalisation where texts are read."""
        sampled = read_pairs(self.pairs.open_path()).positions()
        sets_of = self._open_sets()
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            rows, _ = slots_of(batch.column(POSITION).to_numpy(), sampled)
            if len(rows) == 0:
                return pa.record_batch([pa.nulls(batch.num_rows, SHINGLES_TYPE)], schema=schema)
            sets = sets_of(batch.take(pa.array(rows)))
            return pa.record_batch([sets.take(_spread(rows, batch.num_rows))], schema=schema)

        return annotate

    def _open_sets(self) -> Callable[[pa.RecordBatch], pa.Array]:
        """From sampled rows to their sets."""
        if self.sets_exist:
            return lambda sampled: sampled.column(SHINGLES)
        how, read_documents = self.open_shingling()

        def made(sampled: pa.RecordBatch) -> pa.Array:
            data, offsets = read_documents(sampled.column(TEXT))
            return shingle_column(data, offsets, np.ones(sampled.num_rows, np.bool_), how)

        return made


def _spread(rows: npt.NDArray[np.int64], num_rows: int) -> pa.Array:
    """For each of `num_rows` rows its number among the given ones, null where it is none of them."""
    numbers = np.zeros(num_rows, np.int64)
    numbers[rows] = np.arange(len(rows))
    others = np.ones(num_rows, np.bool_)
    others[rows] = False
    return pa.array(numbers, mask=others)
