"""Names the documents that a classifier learns from: those of the highest predictive strength against the lowest."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import ClassVar, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from operators.dedup.seeded_hash import seeded_hashes
from operators.preselect.predictive_strength import STRENGTH, STRENGTH_TYPE
from pipeline.document import DOC_ID, DOC_ID_TYPE, POSITION, POSITION_TYPE
from pipeline.errors import OperatorError
from pipeline.operator import BoolArray, Determinism, RowReader, Task, TaskFunction, TaskInputs

STRENGTH_CLASS: Final = "strength_class"
CLASS_TYPE: Final = pa.large_string()
POSITIVE: Final = "positive"
NEGATIVE: Final = "negative"

CLASS_SCHEMA: Final = pa.schema([pa.field(STRENGTH_CLASS, CLASS_TYPE)])

Strengths = npt.NDArray[np.float32]
Hashes = npt.NDArray[np.uint64]


class _Side(NamedTuple):
    """One class: all documents beyond a strength, and of those that have it the ones of the smallest hashes."""

    last: float
    num_of_last: int
    num_all: int


class StrengthClasses(Task):
    """The class of each document that a classifier is trained on: `positive`, `negative`, or null.

    Positive are documents of at least `min_positive`; with `num_positives`, the strongest so many of them. Negative are
    documents from the weakest upwards, until there are as many as positive ones, or `num_negatives`; never one of at
    least `min_positive`. Where only some documents of a strength are needed, a hash draws them.

    Columns:
        doc_id, predictive_strength: read; documents without a strength have no class.
        strength_class: written; large_string, for every row of the base.

    Determinism:
        Seeded: by a hash of the seed and the doc_id.

    Raises:
        OperatorError: a class would be empty.

    Source:
        Shum et al. 2025, Predictive Data Selection, arXiv:2503.00808, section 2.3 and appendix A.1: positives have a
        strength of 1, negatives are taken from 0 upwards until they are as many. Which of equal strength are taken is
        not said there.

    Cost:
        Three passes over three columns of the seeds; memory is 8 bytes a document of the strength that a
        class ends at.
    """

    name: ClassVar[str] = "strength_classes"
    determinism: ClassVar[Determinism] = Determinism.SEEDED
    produces = "columns"

    min_positive: float = Field(default=1.0, gt=0, le=1)
    """The least strength of a positive document; compared as a float32, as strengths are stored."""
    num_positives: int | None = Field(default=None, ge=1)
    """At most so many; all where not given."""
    num_negatives: int | None = Field(default=None, ge=1)
    """At most so many; as many as there are positive ones where not given."""
    seed: int = Field(default=1, ge=0, lt=1 << 32)

    def requires(self) -> pa.Schema:
        """The strength, the id that draws, and the place in the base."""
        return pa.schema(
            [
                pa.field(DOC_ID, DOC_ID_TYPE, nullable=False),
                pa.field(STRENGTH, STRENGTH_TYPE),
                pa.field(POSITION, POSITION_TYPE, nullable=False),
            ]
        )

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- a task writes its own columns alone
        """The class alone."""
        return CLASS_SCHEMA

    def open(self) -> TaskFunction:
        """Returns the choice."""
        return self._classes

    def _classes(self, inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
        assert inputs.rows is not None, "the planner gives this task a view"
        counts = Counter[float]()
        for _, strengths, _ in _known(inputs.rows):
            values, num_documents = np.unique(strengths, return_counts=True)
            counts.update(dict(zip(values.tolist(), num_documents.tolist(), strict=True)))
        positive, negative = self._sides(counts)
        limits = _hash_limits(inputs.rows, (positive, negative), self.seed)
        codes = [np.full(num_rows, -1, np.int8) for num_rows in inputs.base_rows]
        for batch, strengths, known in _known(inputs.rows):
            hashes = seeded_hashes(batch.column(DOC_ID).filter(pa.array(known)), self.seed)
            positions = batch.column(POSITION).to_numpy()[known]
            at_top = (strengths > positive.last) | ((strengths == positive.last) & (hashes <= limits[0]))
            at_bottom = (strengths < negative.last) | ((strengths == negative.last) & (hashes <= limits[1]))
            for chosen, code in ((at_top, 0), (at_bottom, 1)):
                _mark(codes, positions[chosen], code)
        names = pa.array([POSITIVE, NEGATIVE], CLASS_TYPE)
        for shard, found in enumerate(codes):
            yield shard, pa.record_batch([names.take(pa.array(found, mask=found < 0))], schema=CLASS_SCHEMA)

    def _sides(self, counts: Mapping[float, int]) -> tuple[_Side, _Side]:
        """Where the classes end, by how many documents have each strength."""
        least = float(np.float32(self.min_positive))
        strong = sorted((strength for strength in counts if strength >= least), reverse=True)
        weak = sorted(strength for strength in counts if strength < least)
        positive = _side(strong, counts, self.num_positives)
        negative = _side(weak, counts, self.num_negatives or (positive.num_all if positive else None))
        if positive is None or negative is None:
            raise OperatorError(
                f"{self.name}: expected documents of a strength of {least} and more, and of less; found "
                f"{sum(counts[strength] for strength in strong)} and {sum(counts[strength] for strength in weak)}; "
                "give more seeds, or another min_positive"
            )
        return positive, negative


def _side(strengths: list[float], counts: Mapping[float, int], wanted: int | None) -> _Side | None:
    """The class that takes strengths in their order until it has so many documents, or all."""
    taken = 0
    for strength in strengths:
        if wanted is not None and taken + counts[strength] >= wanted:
            return _Side(strength, wanted - taken, wanted)
        taken += counts[strength]
    return _Side(strengths[-1], counts[strengths[-1]], taken) if strengths else None


def _known(rows: RowReader) -> Iterator[tuple[pa.RecordBatch, Strengths, BoolArray]]:
    """Batches, the strengths in them, and which rows have one."""
    for _, batch in rows.batches((DOC_ID, STRENGTH, POSITION)):
        strengths = batch.column(STRENGTH).fill_null(float("nan")).to_numpy(zero_copy_only=False)
        known = ~np.isnan(strengths)
        yield batch, strengths[known], known


def _hash_limits(rows: RowReader, sides: tuple[_Side, ...], seed: int) -> list[np.uint64]:
    """The largest hash that each class takes of the documents of its last strength."""
    smallest: list[Hashes] = [np.zeros(0, np.uint64) for _ in sides]
    for batch, strengths, known in _known(rows):
        hashes = seeded_hashes(batch.column(DOC_ID).filter(pa.array(known)), seed)
        for number, side in enumerate(sides):
            found = np.concatenate([smallest[number], hashes[strengths == side.last]])
            smallest[number] = np.sort(found)[: side.num_of_last]
    return [found[-1] for found in smallest]


def _mark(codes: list[npt.NDArray[np.int8]], positions: Hashes, code: int) -> None:
    """Writes a code at places of the base."""
    shards = (positions >> np.uint64(32)).astype(np.int64)
    rows = (positions & np.uint64(0xFFFFFFFF)).astype(np.int64)
    for shard in np.unique(shards).tolist():
        codes[shard][rows[shards == shard]] = code
