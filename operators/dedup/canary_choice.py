"""Which documents get a canary: those of the smallest hashes, of all documents that have no company."""

import json
from collections.abc import Iterator
from typing import ClassVar, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from operators.dedup.components import CLUSTER_SIZE
from operators.dedup.sorted_runs import binary16_words
from pipeline.document import DOC_ID, DOC_ID_TYPE
from pipeline.hashing import GOLDEN_RATIO, mix64
from pipeline.kernel import kernel
from pipeline.operator import Task, TaskFunction, TaskInputs

CHOICE_FILE: Final = "canaries.json"
LARGEST_HASH: Final = "largest_hash"

UInt64Array = npt.NDArray[np.uint64]


@kernel
def _fill_hashes(words: UInt64Array, seed: np.uint64, out: UInt64Array) -> None:
    """Writes a hash of the seed and each of D ids, (D, 2)."""
    start = mix64(seed + GOLDEN_RATIO)
    for row in range(words.shape[0]):
        d = np.uintp(row)
        out[d] = mix64(mix64(start ^ words[d, np.uintp(0)]) + GOLDEN_RATIO ^ words[d, np.uintp(1)])


def canary_hashes(ids: pa.Array, seed: int) -> UInt64Array:
    """(D,): by which documents are chosen, and what is drawn for each."""
    words = binary16_words(ids)
    hashes = np.empty(len(words), np.uint64)
    _fill_hashes(words, np.uint64(seed), hashes)
    return hashes


class CanaryChoice(Task):
    """Leaves the hash up to which documents get a canary, in the file `canaries.json`.

    Columns:
        doc_id, cluster_size: read; a document with company gets none, since a third one could remove its copy.

    Determinism:
        Seeded: by a hash of the seed and the doc_id.

    Source:
        None.

    Cost:
        One pass over two columns, 20 bytes a document; memory is that of `num_canaries` hashes.
    """

    name: ClassVar[str] = "canary_choice"
    produces: ClassVar[Literal["table", "columns", "model"]] = "model"

    num_canaries: int = Field(ge=1, le=100_000)
    seed: int = Field(default=1, ge=0, lt=1 << 32)

    def requires(self) -> pa.Schema:
        """The id, and whether there is company."""
        return pa.schema([pa.field(DOC_ID, DOC_ID_TYPE, nullable=False), pa.field(CLUSTER_SIZE, pa.uint32())])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        """A model has no rows."""
        return pa.schema([])

    def open(self) -> TaskFunction:
        """Nothing to load."""

        def run(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
            assert inputs.rows is not None, "the planner gives this task a view"
            smallest = np.empty(0, np.uint64)
            for _, batch in inputs.rows.batches((DOC_ID, CLUSTER_SIZE)):
                alone = batch.filter(batch.column(CLUSTER_SIZE).is_null())
                hashes = np.concatenate([smallest, canary_hashes(alone.column(DOC_ID), self.seed)])
                smallest = np.sort(hashes)[: self.num_canaries]
            largest = int(smallest[-1]) if len(smallest) else 0
            text = json.dumps({LARGEST_HASH: largest, "num_documents": len(smallest)}, indent=1)
            (inputs.directory / CHOICE_FILE).write_text(text + "\n")
            return iter(())

        return run
