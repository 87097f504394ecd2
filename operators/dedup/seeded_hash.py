"""Draws of documents that depend on a seed and the doc_id alone: never on a stream, an order or a worker."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.dedup.sorted_runs import binary16_words
from pipeline.hashing import GOLDEN_RATIO, mix64
from pipeline.kernel import kernel

UInt64Array = npt.NDArray[np.uint64]


def seeded_hashes(doc_ids: pa.Array, seed: int) -> UInt64Array:
    """A (D,) hash of the seed and each doc_id."""
    hashes = np.empty(len(doc_ids), np.uint64)
    _fill(binary16_words(doc_ids), np.uint64(seed), hashes)
    return hashes


@kernel
def _fill(ids: UInt64Array, seed: np.uint64, out: UInt64Array) -> None:
    """Hashes of the seed and each of D ids, (D, 2)."""
    start = mix64((seed + np.uint64(1)) * GOLDEN_RATIO)
    for document in range(ids.shape[0]):
        d = np.uintp(document)
        half = mix64(start ^ ids[d, np.uintp(0)])
        out[d] = mix64((half + GOLDEN_RATIO) ^ ids[d, np.uintp(1)])
