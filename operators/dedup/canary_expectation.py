"""How probable it is that a near-duplicate of known similarity is removed, for documents with nobody else near.

Two events make a removal: the documents share a bucket, and what verifies the removal reaches its threshold. An
estimate from the same values is no independent event, so their joint probability is computed.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from operators.dedup.buckets import collision_probability
from operators.dedup.choose_survivors import ChooseSurvivors
from operators.dedup.signature import num_kept_values

_ROUNDING: Final = 1e-9
"""Below the distance of two shares of equal values: what keeps 0.7 * 100 from being more than 70."""


def removal_probability(jaccard: float, chooser: ChooseSurvivors) -> float:
    """The probability over random permutations that a document of this similarity to a kept one is removed."""
    collides = collision_probability(jaccard, chooser.num_bands, chooser.rows_per_band)
    if chooser.verify == "off":
        return collides
    if chooser.verify == "jaccard":
        return collides if jaccard >= chooser.verify_at else 0.0
    kept = num_kept_values(chooser.num_bands * chooser.rows_per_band)
    least = math.ceil(chooser.verify_at * kept - _ROUNDING)
    reaches = _binomial(jaccard, kept)[least:].sum()
    return float(max(0.0, reaches - _without_a_band(jaccard, chooser, kept)[least:].sum()))


def _binomial(jaccard: float, num: int) -> npt.NDArray[np.float64]:
    """(num + 1,): how probable it is that so many of `num` values are equal."""
    counts = np.array([math.comb(num, equal) for equal in range(num + 1)], np.float64)
    equal = np.arange(num + 1)
    return counts * np.power(jaccard, equal) * np.power(1.0 - jaccard, num - equal)


def _without_a_band(jaccard: float, chooser: ChooseSurvivors, kept: int) -> npt.NDArray[np.float64]:
    """(kept + 1,): how probable it is that so many of the kept values are equal, and no band is equal as a whole."""
    rows = chooser.rows_per_band
    found = np.ones(1)
    for band in range(chooser.num_bands):
        own = min(max(kept - band * rows, 0), rows)  # of a signature the first values are kept
        one = _binomial(jaccard, own)
        one[own] -= jaccard**rows
        found = np.convolve(found, one)
    return found
