"""A binary search. In a kernel, NumPy's has every process that loads it import SciPy's linear algebra first."""

import numpy as np
import numpy.typing as npt

from pipeline.kernel import borrowing_kernel


@borrowing_kernel
def num_below(ascending: npt.NDArray[np.integer], bound: np.integer) -> np.uintp:
    """How many of the values (N,) are less than a bound of their type."""
    low, high = np.uintp(0), np.uintp(ascending.shape[0])
    while low < high:
        middle = low + ((high - low) >> np.uintp(1))
        if ascending[middle] < bound:
            low = middle + np.uintp(1)
        else:
            high = middle
    return low
