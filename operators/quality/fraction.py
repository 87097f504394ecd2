"""Ratios of counts, as rule sets measure them."""

import numpy as np

from operators.text.statistics import Counts, Measures
from pipeline.operator import FloatArray


def fraction(part: Counts | Measures, whole: Counts | Measures) -> FloatArray:
    """`part / whole`, and 0 where the whole is 0, so that an empty text has every fraction."""
    return np.divide(part, whole, out=np.zeros(part.shape, np.float64), where=whole != 0)
