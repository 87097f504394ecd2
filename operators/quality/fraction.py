"""Ratios of counts, as rule sets measure them."""

import numpy as np
import numpy.typing as npt

from pipeline.operator import FloatArray


def fraction(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> FloatArray:
    """`part / whole`, and 0 where the whole is 0, so that an empty text has every fraction."""
    return np.divide(part, whole, out=np.zeros(part.shape, np.float64), where=whole != 0)
