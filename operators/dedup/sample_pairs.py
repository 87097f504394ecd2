"""A sample of candidate pairs, drawn by a hash of each document's id, so that it is the same however work is cut."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from operators.dedup.choose_survivors import CANDIDATE, CANDIDATE_SIMILARITY
from operators.dedup.seeded_hash import seeded_hashes
from pipeline.document import DOC_ID, DOC_ID_TYPE, POSITION, POSITION_TYPE
from pipeline.operator import Determinism, RowReader, Task, TaskFunction, TaskInputs

PAIRS_FILE: Final = "pairs.json"

UInt64Array = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]

_LARGEST: Final = (1 << 64) - 1

_DECIMALS: Final = 6
"""Of a similarity in float32."""


class Pairs(NamedTuple):
    """P sampled pairs, by the document's position."""

    num_documents: int
    """Documents that have a candidate, in the sample or not."""
    documents: UInt64Array  # (P,) positions
    candidates: UInt64Array  # (P,) positions
    similarities: Floats  # (P,) estimated

    def positions(self) -> UInt64Array:
        """Of all documents of the sample, ascending, each once."""
        return np.unique(np.concatenate([self.documents, self.candidates]))


class _Drawn(NamedTuple):
    """Pairs with what they are chosen by."""

    draws: UInt64Array
    documents: UInt64Array
    candidates: UInt64Array
    similarities: npt.NDArray[np.float32]

    def smallest(self, num_pairs: int) -> "_Drawn":
        """The pairs with the smallest draws, in their order; positions break ties, so there are none."""
        order = np.lexsort((self.documents, self.draws))[:num_pairs]
        return _Drawn(self.draws[order], self.documents[order], self.candidates[order], self.similarities[order])


def _joined(parts: list[_Drawn]) -> _Drawn:
    """All of them."""
    parts = [_NONE, *parts]
    return _Drawn(
        np.concatenate([part.draws for part in parts]),
        np.concatenate([part.documents for part in parts]),
        np.concatenate([part.candidates for part in parts]),
        np.concatenate([part.similarities for part in parts]),
    )


_NONE: Final = _Drawn(np.empty(0, np.uint64), np.empty(0, np.uint64), np.empty(0, np.uint64), np.empty(0, np.float32))


class SamplePairs(Task):
    """A sample of the pairs of a document and its candidate, as the file `pairs.json`.

    A document has one candidate at most, so it stands for its pair: those with the smallest hashes of a seed and the
    doc_id are the sample, all pairs where there are no more than `num_pairs`. Candidates outside the view's base are
    left out, since their texts are not there to be compared with.

    The file has num_documents (with a candidate), and as lists of equal length, by position, document and candidate
    (positions) and similarity (estimated).

    Columns:
        doc_id, position: read.
        candidate, candidate_similarity: read; null for a document without candidate.

    Determinism:
        Seeded: neither shards nor workers nor batches matter to which documents are drawn.

    Cost:
        One pass over 36 bytes a document; memory is that of the sample and a batch.
    """

    name: ClassVar[str] = "sample_pairs"
    determinism: ClassVar[Determinism] = Determinism.SEEDED
    produces: ClassVar[Literal["table", "columns", "model"]] = "model"

    num_pairs: int = Field(default=10_000, ge=1)
    """10,000 pairs give the mean of a tenth with a hundredth of them to 0.005, which is less than estimates err by."""
    seed: int = Field(default=2, ge=0, lt=1 << 32)
    """Another one than that of the choice among candidates, so that the two choices are independent."""

    def requires(self) -> pa.Schema:
        """The pairs."""
        return pa.schema(
            [
                pa.field(DOC_ID, DOC_ID_TYPE, nullable=False),
                pa.field(POSITION, POSITION_TYPE, nullable=False),
                pa.field(CANDIDATE, POSITION_TYPE),
                pa.field(CANDIDATE_SIMILARITY, pa.float32()),
            ]
        )

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        """A model has no rows."""
        return pa.schema(())

    def open(self) -> TaskFunction:
        """Nothing to load."""

        def run(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
            assert inputs.rows is not None, "the planner gives this task a view"
            pairs = self._sample(inputs.rows, len(inputs.base_rows))
            (inputs.directory / PAIRS_FILE).write_text(_as_json(pairs), encoding="utf-8")
            return iter(())

        return run

    def _sample(self, rows: RowReader, num_shards: int) -> Pairs:
        num_documents = num_held = 0
        held: list[_Drawn] = []
        limit = np.uint64(_LARGEST)  # no pair beyond it can be in the sample
        for _, batch in rows.batches():
            paired = batch.filter(batch.column(CANDIDATE).is_valid())
            num_documents += paired.num_rows
            found = self._drawn(paired, num_shards, limit)
            if len(found.draws) == 0:
                continue
            held.append(found)
            num_held += len(found.draws)
            if num_held > 2 * self.num_pairs:  # sorting every batch would cost more than reading it
                held = [_joined(held).smallest(self.num_pairs)]
                num_held, limit = self.num_pairs, held[0].draws[-1]
        sample = _joined(held).smallest(self.num_pairs)
        order = np.argsort(sample.documents)
        estimates = sample.similarities[order].astype(np.float64).round(_DECIMALS)
        return Pairs(num_documents, sample.documents[order], sample.candidates[order], estimates)

    def _drawn(self, paired: pa.RecordBatch, num_shards: int, limit: np.uint64) -> _Drawn:
        """Rows with a candidate that is in the base, with their draws, where these are no larger than the limit."""
        candidates = paired.column(CANDIDATE).to_numpy(zero_copy_only=False)
        draws = seeded_hashes(paired.column(DOC_ID), self.seed)
        inside = (candidates >> np.uint64(32) < num_shards) & (draws <= limit)
        return _Drawn(
            draws[inside],
            paired.column(POSITION).to_numpy()[inside],
            candidates[inside],
            paired.column(CANDIDATE_SIMILARITY).to_numpy(zero_copy_only=False)[inside],
        )


def _as_json(pairs: Pairs) -> str:
    return (
        json.dumps(
            {
                "num_documents": pairs.num_documents,
                "document": pairs.documents.tolist(),
                "candidate": pairs.candidates.tolist(),
                "similarity": pairs.similarities.tolist(),
            }
        )
        + "\n"
    )


def read_pairs(path: Path) -> Pairs:
    """The pairs of a file that the task left."""
    found = json.loads(path.read_bytes())
    return Pairs(
        num_documents=found["num_documents"],
        documents=np.array(found["document"], np.uint64),
        candidates=np.array(found["candidate"], np.uint64),
        similarities=np.array(found["similarity"], np.float64),
    )


def slots_of(positions: UInt64Array, wanted: UInt64Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Which of D positions are among W wanted ones, ascending, and where among them."""
    if len(wanted) == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    places = np.minimum(np.searchsorted(wanted, positions), len(wanted) - 1)
    rows = np.flatnonzero(wanted[places] == positions)
    return rows, places[rows]
