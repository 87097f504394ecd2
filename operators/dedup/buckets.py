"""Buckets: documents of which a whole band of the signature is equal share one, and are candidates for near-duplicates.

Arrays: K permutations (num_bands * rows_per_band).
"""

import numpy as np
import numpy.typing as npt

from pipeline.hashing import GOLDEN_RATIO, WORD_MULTIPLIER, mix64
from pipeline.kernel import kernel


def collision_probability(jaccard: float, num_bands: int, rows_per_band: int) -> float:
    """How probable it is that two documents of this Jaccard similarity share a bucket: 1 - (1 - J^r)^b.

    Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4.2.
    """
    if not 0 <= jaccard <= 1:
        raise ValueError(f"collision_probability: expected jaccard in 0..1; found {jaccard}")
    return 1.0 - (1.0 - jaccard**rows_per_band) ** num_bands


@kernel
def fill_buckets(values: npt.NDArray[np.uint32], rows_per_band: int, out: npt.NDArray[np.uint64]) -> None:
    """Writes the bucket of every band of one signature, (num_bands,), from its K values.

    A bucket is a 64-bit hash of the band's index and its values: equal bands share one, and others only by the
    accident of a hash, one pair in 2^64.
    """
    row = np.uintp(0)
    for index in range(out.shape[0]):
        band = np.uintp(index)
        bucket = (np.uint64(band) + np.uint64(1)) * GOLDEN_RATIO
        for _ in range(rows_per_band):
            bucket = (bucket ^ np.uint64(values[row])) * WORD_MULTIPLIER
            bucket ^= bucket >> np.uint64(32)
            row += np.uintp(1)
        out[band] = mix64(bucket)
