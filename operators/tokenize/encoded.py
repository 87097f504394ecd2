"""Token ids of many documents as two arrays, from an engine to an Arrow column.

Dimension letters: D documents, T tokens.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.tokenize.reference import Ids
from pipeline.kernel import Offsets, kernel

Rows = npt.NDArray[np.int64]


class Encoded(NamedTuple):
    """Ids of document d are `ids[bounds[d]:bounds[d + 1]]`. Both arrays are read-only, so that kernels compile once."""

    ids: Ids  # (T,)
    bounds: Offsets  # (D + 1,)


def encoded(ids: Ids, bounds: Offsets) -> Encoded:
    """The pair, read-only."""
    ids.flags.writeable = False
    bounds.flags.writeable = False
    return Encoded(ids, bounds)


def from_documents(documents: Sequence[Ids]) -> Encoded:
    """Arrays of one document each, laid end to end."""
    bounds = np.zeros(len(documents) + 1, np.int64)
    np.cumsum([ids.size for ids in documents], out=bounds[1:])
    return encoded(np.concatenate([np.empty(0, np.uint32), *documents]), bounds)


def joined(parts: Sequence[Encoded]) -> Encoded:
    """The documents of all parts, one part after the other; a single one is not copied."""
    if len(parts) == 1:
        return parts[0]
    shifts = np.cumsum([0, *(part.ids.size for part in parts)])
    bounds = [np.zeros(1, np.int64), *(part.bounds[1:] + shift for part, shift in zip(parts, shifts, strict=False))]
    return encoded(np.concatenate([np.empty(0, np.uint32), *(part.ids for part in parts)]), np.concatenate(bounds))


def overlaid(num_rows: int, parts: Sequence[tuple[Rows, Encoded]]) -> Encoded:
    """The documents of all parts at their rows, which cover all D; what a later part has counts, not an earlier."""
    laid = joined([documents for _, documents in parts])
    place = np.empty(num_rows, np.int64)  # (D,) where each document stands in `laid`
    num_laid = 0
    for rows, _ in parts:
        place[rows] = np.arange(num_laid, num_laid + rows.size)
        num_laid += rows.size
    taken = _column(laid).take(pa.array(place))
    return encoded(taken.values.to_numpy(), taken.offsets.to_numpy())


def tokens_column(documents: Encoded, first: Ids, last: Ids) -> tuple[pa.Array, Offsets]:
    """The column of ids, and their number a document, with the ids `first` and `last` around every document.

    A document without any token stays empty. Without `first` and `last` nothing is copied.
    """
    if not first.size and not last.size:
        return _column(documents), np.diff(documents.bounds)
    lengths = np.diff(documents.bounds)  # (D,)
    lengths = np.where(lengths > 0, lengths + first.size + last.size, 0)
    bounds = np.zeros(documents.bounds.size, np.int64)
    np.cumsum(lengths, out=bounds[1:])
    ids = np.empty(int(bounds[-1]), np.uint32)
    _frame(documents, first, last, ids, bounds)
    return _column(encoded(ids, bounds)), lengths


def _column(documents: Encoded) -> pa.Array:
    return pa.LargeListArray.from_arrays(pa.array(documents.bounds, pa.int64()), pa.array(documents.ids, pa.uint32()))


@kernel
def _frame(documents: Encoded, first: Ids, last: Ids, out: Ids, bounds: Offsets) -> None:
    """Copies every document that has tokens to where `bounds` says, between `first` and `last`."""
    for document in range(bounds.size - 1):
        d = np.uintp(document)
        begin, end = np.uintp(documents.bounds[d]), np.uintp(documents.bounds[d + np.uintp(1)])
        if begin == end:
            continue
        at = np.uintp(bounds[d])
        for i in range(first.size):
            out[at] = first[np.uintp(i)]
            at += np.uintp(1)
        for i in range(begin, end):
            out[at] = documents.ids[np.uintp(i)]
            at += np.uintp(1)
        for i in range(last.size):
            out[at] = last[np.uintp(i)]
            at += np.uintp(1)
