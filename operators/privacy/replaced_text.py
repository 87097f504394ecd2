"""Puts placeholders in the place of spans; every other byte stays."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.privacy.personal_data import Spans
from pipeline.document import TEXT_TYPE
from pipeline.kernel import Bytes, Offsets, kernel

Counts = npt.NDArray[np.int64]  # (D, K) spans of each document by kind


class Placeholders(NamedTuple):
    """Texts to stand for what is found, by kind."""

    data: Bytes
    offsets: Offsets  # (P + 1,) placeholder p is data[offsets[p]:offsets[p + 1]]
    first: Offsets  # (K + 1,) those of kind k are first[k] to first[k + 1]; none where the kind is not looked for


def placeholder_table(by_kind: Sequence[Sequence[str]]) -> Placeholders:
    """The texts as arrays."""
    encoded = [text.encode() for texts in by_kind for text in texts]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    first = np.cumsum([0, *map(len, by_kind)], dtype=np.int64)
    return Placeholders(np.frombuffer(b"".join(encoded), np.uint8), offsets, first)


def replace_spans(
    data: Bytes, offsets: Offsets, spans: Spans, bounds: Offsets, placeholders: Placeholders
) -> tuple[pa.Array, Counts]:
    """The texts with placeholders, and how many of each kind each has.

    The n-th span of a kind in a document gets the kind's n-th placeholder, then the first again: this depends on the
    document alone.
    """
    num_documents, num_kinds = len(offsets) - 1, len(placeholders.first) - 1
    counts = np.zeros((num_documents, num_kinds), np.int64)
    chosen = np.empty(len(spans.starts), np.int64)
    _choose(spans, bounds, placeholders, counts, chosen)
    growth = np.diff(placeholders.offsets)[chosen] - (spans.stops - spans.starts)  # (S,)
    grown = np.concatenate([np.zeros(1, np.int64), np.cumsum(growth)])[bounds]  # (D + 1,)
    replaced_offsets = offsets - offsets[0] + grown
    replaced = np.empty(int(replaced_offsets[-1]), np.uint8)
    _copy(data, offsets, spans, chosen, placeholders, replaced)
    buffers = [None, pa.py_buffer(replaced_offsets), pa.py_buffer(replaced)]
    return pa.Array.from_buffers(TEXT_TYPE, num_documents, buffers), counts


@kernel
def _choose(
    spans: Spans, bounds: Offsets, placeholders: Placeholders, counts: Counts, chosen: npt.NDArray[np.int64]
) -> None:
    for d in range(bounds.shape[0] - 1):
        for s in range(bounds[d], bounds[d + 1]):
            kind = np.int64(spans.kinds[s])
            first = placeholders.first[kind]
            chosen[s] = first + counts[d, kind] % (placeholders.first[kind + 1] - first)
            counts[d, kind] += np.int64(1)


@kernel
def _copy(
    data: Bytes,
    offsets: Offsets,
    spans: Spans,
    chosen: npt.NDArray[np.int64],
    placeholders: Placeholders,
    replaced: Bytes,
) -> None:
    """Writes what lies between the spans, and the placeholders."""
    at = np.int64(0)
    copied = offsets[0]
    for s in range(chosen.shape[0]):
        size = spans.starts[s] - copied
        replaced[at : at + size] = data[copied : copied + size]
        at += size
        copied = spans.stops[s]
        begin = placeholders.offsets[chosen[s]]
        size = placeholders.offsets[chosen[s] + 1] - begin
        replaced[at : at + size] = placeholders.data[begin : begin + size]
        at += size
    size = offsets[offsets.shape[0] - 1] - copied
    replaced[at : at + size] = data[copied : copied + size]
