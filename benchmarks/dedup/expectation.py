"""How many of the planted pairs MinHash should find: from exact similarities, by probability theory alone.

With K = bands * rows permutations, each value of two signatures is equal with probability J, independently.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

_GRID: Final = np.linspace(0, 1, 1001)
"""Similarities at which probabilities are computed; between them they are smooth."""

FloatArray = npt.NDArray[np.float64]


def detection_probability(
    jaccard: FloatArray, *, num_bands: int = 14, rows_per_band: int = 8, verify_at: float = 0.0
) -> FloatArray:
    """The probability that a pair shares a bucket and the share of its equal values reaches `verify_at`.

    The two events are not independent: a shared bucket means `rows_per_band` equal values. So the distribution of the
    number of equal values is taken twice: over all bands, and over bands none of which is all equal; the difference,
    from the threshold upwards, is the answer. With `verify_at` 0 it is 1 - (1 - J^r)^b.
    """
    least = int(np.ceil(verify_at * num_bands * rows_per_band - 1e-9))
    found = [_at_least(at, num_bands, rows_per_band, least) for at in _GRID]
    return np.interp(jaccard, _GRID, found)


def _at_least(jaccard: float, num_bands: int, rows_per_band: int, least: int) -> float:
    band = np.array([1.0])  # the distribution of the number of equal values, one value after the other
    for _ in range(rows_per_band):
        band = np.convolve(band, [1 - jaccard, jaccard])
    broken = band.copy()
    broken[-1] = 0.0
    every, none = np.array([1.0]), np.array([1.0])
    for _ in range(num_bands):
        every, none = np.convolve(every, band), np.convolve(none, broken)
    return float(max(0.0, every[least:].sum() - none[least:].sum()))
