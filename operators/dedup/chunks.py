"""Streams of arrays cut anew: chunks of a fixed number of rows, whatever the batches were."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = tuple[npt.NDArray[Any], ...]  # Any: of any numbers
"""Arrays of equal first dimension."""


def fixed_chunks(parts: Iterable[Arrays], num_rows: int) -> Iterator[Arrays]:
    """The same rows in chunks of so many; the last one holds what is left."""
    held: list[Arrays] = []
    room = num_rows
    for given in parts:
        part = given
        while len(part[0]) >= room:
            yield _joined([*held, tuple(array[:room] for array in part)])
            part = tuple(array[room:] for array in part)
            held, room = [], num_rows
        held.append(part)
        room -= len(part[0])
    if room < num_rows:
        yield _joined(held)


def _joined(parts: list[Arrays]) -> Arrays:
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))
