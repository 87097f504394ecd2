"""Draws for what mixing decides by chance: of one seed, and yet different for each purpose.

Were they the same, a shuffle would put the documents that a mix has drawn to one end.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.dedup.seeded_hash import seeded_hashes
from pipeline.document import DOC_ID_TYPE

SEED_BITS = 32
PURPOSE_BITS = 8

Words = npt.NDArray[np.uint64]


class Purpose(IntEnum):
    """What is drawn for."""

    SPLIT = 1
    MIX = 2
    SHUFFLE = 3
    SUBSET = 4
    SUBSET_ORDER = 5


def draws_of(doc_ids: pa.Array, seed: int, purpose: Purpose, round_number: int = 0) -> Words:
    """A (D,) number of 64 bits for each doc_id.

    Args:
        doc_ids: of D documents.
        seed: below 2 ** 32.
        purpose: of the draw.
        round_number: of those with one purpose, below 2 ** 24.
    """
    salt = int(purpose) + (round_number << PURPOSE_BITS)
    return seeded_hashes(doc_ids, seed + (salt << SEED_BITS))


def draws_of_places(positions: Words, seed: int, purpose: Purpose) -> Words:
    """As `draws_of`, for rows that have no id of their own."""
    words = np.zeros((len(positions), 2), np.uint64)
    words[:, 0] = positions
    ids = pa.FixedSizeBinaryArray.from_buffers(DOC_ID_TYPE, len(words), [None, pa.py_buffer(words)])
    return draws_of(ids, seed, purpose)
