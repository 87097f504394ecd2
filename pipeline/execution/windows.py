"""Cuts the rows of a shard into windows of equal size, however they arrive.

An operator whose results may depend on which rows it sees together, such as a model that pads documents to a common
length, is handed windows: they follow from the shard alone, never from the batches of an execution.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.operator import BoolArray

Rows = npt.NDArray[np.uint32]
Piece = tuple[pa.RecordBatch, Rows]
"""Rows, and their numbers in the base or among the records read, ascending."""


def windows(
    flow: Iterable[Piece], window_rows: int, counts: Callable[[Rows], BoolArray] | None = None
) -> Iterator[Piece]:
    """Windows of `window_rows` rows each, the last one shorter.

    Args:
        flow: the rows of a shard, in order, cut anyhow.
        window_rows: rows of a window that count.
        counts: which rows do; default: all. Those that do not ride along in the window of the row before them.
    """
    held: list[Piece] = []
    num_held = 0
    for piece in flow:
        batch, rows = piece
        while batch.num_rows:
            counting = np.arange(len(rows)) if counts is None else np.flatnonzero(counts(rows))
            room = window_rows - num_held
            if len(counting) < room:
                held.append((batch, rows))
                num_held += len(counting)
                break
            end = int(counting[room - 1]) + 1
            yield joined([*held, (batch.slice(0, end), rows[:end])])
            held, num_held = [], 0
            batch, rows = batch.slice(end), rows[end:]
    if held:
        yield joined(held)


def joined(pieces: Sequence[Piece]) -> Piece:
    """One piece of all rows, in ascending order of their numbers."""
    if len(pieces) == 1:
        return pieces[0]
    batch = pa.concat_batches([piece for piece, _ in pieces])
    rows = np.concatenate([numbers for _, numbers in pieces])
    if np.any(rows[1:] < rows[:-1]):
        order = np.argsort(rows)
        return batch.take(pa.array(order)), rows[order]
    return batch, rows
