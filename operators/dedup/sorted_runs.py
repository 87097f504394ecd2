"""Runs of equal keys in sorted rows: what partition operators see. D rows, W words of 8 bytes in a key."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def begins_run(keys: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:  # Any: keys of every type compare alike
    """Whether each row's key differs from the row before; keys are (D,) or (D, W)."""
    begins = np.ones(len(keys), np.bool_)
    differs = keys[1:] != keys[:-1]
    begins[1:] = differs if keys.ndim == 1 else differs.any(axis=1)
    return begins


def first_of_run(begins: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """The index of the first row of each row's run, (D,)."""
    starts = np.flatnonzero(begins)
    return np.repeat(starts, np.diff(starts, append=len(begins)))


def binary16_words(column: pa.Array) -> npt.NDArray[np.uint64]:
    """A binary(16) column as (D, 2) words, without copying; fit for equality, not for order."""
    data = column.buffers()[1]
    words = np.empty(0, np.uint64) if data is None else np.frombuffer(data, np.uint64)
    return words[2 * column.offset : 2 * (column.offset + len(column))].reshape(-1, 2)
