"""How many of the planted pairs MinHash should find: from exact similarities, by probability theory alone.

With K = bands * rows permutations, each value of two signatures is equal with probability J, independently.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from operators.dedup.canary_expectation import removal_probability
from operators.dedup.choose_survivors import ChooseSurvivors

_GRID: Final = np.linspace(0, 1, 1001)
"""Similarities at which probabilities are computed; between them they are smooth."""

FloatArray = npt.NDArray[np.float64]


def detection_probability(
    jaccard: FloatArray, *, num_bands: int = 14, rows_per_band: int = 8, verify_at: float = 0.0
) -> FloatArray:
    """The probability that a pair shares a bucket and the share of its equal values reaches `verify_at`.

    With `verify_at` 0 it is 1 - (1 - J^r)^b.
    """
    bands = ChooseSurvivors(num_bands=num_bands, rows_per_band=rows_per_band, verify="off")
    chooser = bands.model_copy(update={"verify": "signature", "verify_at": verify_at}) if verify_at else bands
    return np.interp(jaccard, _GRID, [removal_probability(at, chooser) for at in _GRID.tolist()])
