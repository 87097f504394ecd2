"""Checks that documents which nobody planted are not similar: the truth table would otherwise be wrong.

D documents, S different shingles.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse  # type: ignore[import-untyped]

from benchmarks.dedup.corpus import ShingleSet, shingle_set

BLOCK: Final = 500
"""Documents that are compared with all others at once: bounds the memory."""


class Pair(NamedTuple):
    """Two documents, by their places, and their similarity."""

    one: int
    other: int
    jaccard: float


def most_similar(texts: Sequence[str], planted: set[tuple[int, int]]) -> Pair:
    """The pair of highest exact Jaccard similarity that is not planted (smaller place first), of all pairs."""
    best = Pair(0, 0, 0.0)
    for one, others, jaccards in _similarities([shingle_set(text) for text in texts]):
        for at in np.argsort(-jaccards):
            if jaccards[at] <= best.jaccard:
                break
            if (one, int(others[at])) not in planted:
                best = Pair(one, int(others[at]), float(jaccards[at]))
                break
    return best


def _similarities(
    shingles: list[ShingleSet],
) -> Iterator[tuple[int, npt.NDArray[np.int64], npt.NDArray[np.float64]]]:
    """For each document the later ones that share a shingle with it, and their similarities."""
    sizes = np.array([len(found) for found in shingles])
    _, columns = np.unique(np.concatenate(shingles), return_inverse=True)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    contains = sparse.csr_array((np.ones(len(columns), np.int32), columns, starts))  # (D, S)
    transposed = contains.T.tocsr()
    for start in range(0, len(shingles), BLOCK):
        common = (contains[start : start + BLOCK] @ transposed).tocsr()
        for row in range(common.shape[0]):
            one = start + row
            inside = slice(common.indptr[row], common.indptr[row + 1])
            later = common.indices[inside] > one
            others, both = common.indices[inside][later], common.data[inside][later]
            yield one, others, both / (sizes[one] + sizes[others] - both)
