"""How a filter of several thresholds turns what it measured into verdicts: the first bound that is broken decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from pipeline.operator import FloatArray, Verdicts


@dataclass(frozen=True, slots=True)
class Bound:
    """One rule: what was measured in D documents, and the least (`min`) or most (`max`) that is kept."""

    value: FloatArray  # (D,); NaN breaks no bound
    side: Literal["min", "max"]
    limit: float | None
    """None turns the rule off."""


def first_broken(bounds: Sequence[Bound], num_documents: int) -> Verdicts:
    """Verdicts of the first bound that each document breaks; a value equal to its limit is kept.

    `bounds` stand in the order of the filter's `rules()`.
    """
    keep = np.ones(num_documents, np.bool_)
    rule = np.zeros(num_documents, np.int16)
    value = np.full(num_documents, np.nan)
    threshold = np.full(num_documents, np.nan)
    for index, bound in enumerate(bounds):
        if bound.limit is None:
            continue
        broken = bound.value < bound.limit if bound.side == "min" else bound.value > bound.limit
        decides = keep & broken  # (D,)
        rule[decides] = index
        value[decides] = bound.value[decides]
        threshold[decides] = bound.limit
        keep &= ~decides
    return Verdicts(keep=keep, rule=rule, value=value, threshold=threshold)


def fraction(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> FloatArray:
    """`part / whole`, and 0 where the whole is 0, so that an empty text has every fraction."""
    return np.divide(part, whole, out=np.zeros(part.shape, np.float64), where=whole != 0)
