"""Runs of equal keys in sorted rows: what partition operators see. D rows, W words of 8 bytes in a key."""

from collections.abc import Iterator
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


def whole_keys(batches: Iterator[pa.RecordBatch], key: str) -> Iterator[pa.RecordBatch]:
    """The rows of a sorted stream in batches that hold whole keys of the uint64 column `key`, none of them empty.

    A key that goes on is held in memory until it ends.
    """
    held: list[pa.RecordBatch] = []
    last = None
    for batch in batches:
        if batch.num_rows == 0:
            continue
        keys = batch.column(key).to_numpy()
        begins = begins_run(keys)
        begins[0] = keys[0] != last
        last = keys[-1]
        if begins.any():
            cut = int(np.flatnonzero(begins)[-1])
            yield from _joined([*held, batch.slice(0, cut)])
            held = [batch.slice(cut)]
        else:
            held.append(batch)
    yield from _joined(held)


def _joined(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """The batches as one, or none where they have no rows."""
    if not any(batch.num_rows for batch in batches):
        return []
    joined: list[pa.RecordBatch] = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return joined
