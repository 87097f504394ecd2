"""Buckets into edges of the candidate graph.

Arrays: R rows of a batch, T slots of the hash table, a power of two.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.dedup.band_rows import BUCKET, BUCKET_SCHEMA
from pipeline.document import POSITION, POSITION_TYPE
from pipeline.kernel import kernel
from pipeline.operator import PartitionFunction, PartitionOperator

DOCUMENT: Final = "document"
HUB: Final = "hub"
EDGE_SCHEMA: Final = pa.schema(
    [pa.field(DOCUMENT, POSITION_TYPE, nullable=False), pa.field(HUB, POSITION_TYPE, nullable=False)]
)

_NOBODY: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
"""No document's position: the slot is free."""
_FIRST_SLOTS: Final = 1 << 16
_BLOCK_ROWS: Final = 1 << 15
"""Rows between two looks at how full the table is; so many fit into the smallest one."""

UInt64Array = npt.NDArray[np.uint64]


@kernel
def _slot_of(bucket: np.uint64, keys: UInt64Array, hubs: UInt64Array) -> np.uintp:
    """The slot of `bucket`, or the free one where it belongs. Buckets are hashes: their own bits spread them."""
    mask = np.uintp(keys.shape[0] - 1)
    slot = np.uintp(bucket) & mask
    while hubs[slot] != _NOBODY and keys[slot] != bucket:
        slot = (slot + np.uintp(1)) & mask
    return slot


@kernel
def _move(old_keys: UInt64Array, old_hubs: UInt64Array, keys: UInt64Array, hubs: UInt64Array) -> None:
    """Copies a table into a larger one."""
    for index in range(old_keys.shape[0]):
        old = np.uintp(index)
        if old_hubs[old] != _NOBODY:
            slot = _slot_of(old_keys[old], keys, hubs)
            keys[slot] = old_keys[old]
            hubs[slot] = old_hubs[old]


@kernel
def _find_edges(
    buckets: UInt64Array,
    positions: UInt64Array,
    keys: UInt64Array,
    hubs: UInt64Array,
    last_edge: UInt64Array,
    documents_out: UInt64Array,
    hubs_out: UInt64Array,
) -> tuple[int, int]:
    """Writes an edge for each row whose bucket has another hub; returns the numbers of edges and of new buckets.

    The edge before is left out: rows of a document are neighbours, and often have the same hub in every bucket.
    """
    num_edges = np.int64(0)
    num_new = np.int64(0)
    for row in range(buckets.shape[0]):
        bucket = buckets[np.uintp(row)]
        position = positions[np.uintp(row)]
        slot = _slot_of(bucket, keys, hubs)
        hub = hubs[slot]
        if hub == _NOBODY:
            keys[slot] = bucket
            hubs[slot] = position
            num_new += np.int64(1)
        elif hub != position and (position != last_edge[0] or hub != last_edge[1]):
            last_edge[0] = position
            last_edge[1] = hub
            documents_out[np.uintp(num_edges)] = position
            hubs_out[np.uintp(num_edges)] = hub
            num_edges += np.int64(1)
    return int(num_edges), int(num_new)


class StarEdges(PartitionOperator):
    """Yields an edge from every later document of a bucket to the bucket's first.

    A star joins a bucket's documents as well as all pairs would, with one edge a document instead of a square number.
    An edge that several buckets imply may be there several times. Rows may come in any order, so their exchange need
    not sort them.

    Columns:
        bucket, position: read.
        document, hub: written; positions in the base, never equal. The hub is the document that came first.

    Determinism:
        Exact, given the order of the rows.

    Cost:
        One look-up a row in a hash table of 32 to 64 bytes a distinct bucket (half as much again while it grows); at
        most one edge of 16 bytes a row.
    """

    name: ClassVar[str] = "star_edges"
    version: ClassVar[int] = 2

    def requires(self) -> pa.Schema:
        """Buckets and positions."""
        return BUCKET_SCHEMA

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- edges do not depend on it
        """Edges."""
        return EDGE_SCHEMA

    def open(self) -> PartitionFunction:
        """Nothing to load."""
        return _edges


def _edges(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    hubs = _Hubs()
    for batch in batches:
        for start in range(0, batch.num_rows, _BLOCK_ROWS):
            block = batch.slice(start, _BLOCK_ROWS)
            documents, found = hubs.edges(block.column(BUCKET).to_numpy(), block.column(POSITION).to_numpy())
            yield pa.record_batch([pa.array(documents), pa.array(found)], schema=EDGE_SCHEMA)


class _Hubs:
    """The first document of every bucket of a partition so far: a hash table that grows with the buckets."""

    def __init__(self) -> None:
        self._keys = np.empty(_FIRST_SLOTS, np.uint64)
        self._hubs = np.full(_FIRST_SLOTS, _NOBODY)
        self._num_buckets = 0
        self._last_edge = np.full(2, _NOBODY)

    def edges(self, buckets: UInt64Array, positions: UInt64Array) -> tuple[UInt64Array, UInt64Array]:
        """The edges (document, hub) of one block of rows."""
        self._make_room(len(buckets))
        out = np.empty(len(buckets), np.uint64), np.empty(len(buckets), np.uint64)
        num_edges, num_new = _find_edges(buckets, positions, self._keys, self._hubs, self._last_edge, *out)
        self._num_buckets += num_new
        return out[0][:num_edges], out[1][:num_edges]

    def _make_room(self, num_rows: int) -> None:
        if 2 * (self._num_buckets + num_rows) <= len(self._keys):
            return
        keys = np.empty(2 * len(self._keys), np.uint64)
        hubs = np.full(len(keys), _NOBODY)
        _move(self._keys, self._hubs, keys, hubs)
        self._keys, self._hubs = keys, hubs
