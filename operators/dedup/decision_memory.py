"""What the decision kernel remembers of one cluster: a table of buckets, and the documents that are their first.

Memory starts small, so that the many small clusters of a partition stay in the processor's cache; it doubles while a
cluster needs more, and is small again for the next.

Arrays: V values of a signature, H hubs of a bucket, T slots of the table, N hubs of a cluster, S shingles of these.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.kernel import kernel

STAMP, NUM_KEYS, NUM_HUBS, NUM_SHINGLES, SERIAL = range(5)
"""Places in `Memory.state`: the table's stamp, what the cluster has of each so far, and the document's number."""

_START_SLOTS: Final = 1 << 12
_START_HUBS: Final = 1 << 8
_START_SHINGLES: Final = 1 << 16


class BucketTable(NamedTuple):
    """Open addressing; a slot is taken only if it bears the cluster's stamp, so that a new table costs nothing."""

    keys: npt.NDArray[np.uint64]  # (T,)
    stamps: npt.NDArray[np.uint32]  # (T,)
    sizes: npt.NDArray[np.uint32]  # (T,) documents of the bucket so far
    hubs: npt.NDArray[np.uint32]  # (T, H) numbers of the first of them


class Hubs(NamedTuple):
    """Documents that are among the first of a bucket, numbered in survivor order; number 0 is the cluster's first."""

    signatures: npt.NDArray[np.uint16]  # (N, V)
    present: npt.NDArray[np.bool_]  # (N,) whether there is a signature
    ids: npt.NDArray[np.uint64]  # (N, 2)
    positions: npt.NDArray[np.uint64]  # (N,)
    stand_ins: npt.NDArray[np.uint32]  # (N,) itself if it was kept, else its survivor
    met_by: npt.NDArray[np.uint32]  # (N,) the last document of which it was a candidate
    compared_with: npt.NDArray[np.uint32]  # (N,) the last document that was compared with it
    shingles: npt.NDArray[np.uint32]  # (S,)
    shingle_bounds: npt.NDArray[np.uintp]  # (N, 2) where the shingles of a kept one begin and end


class Memory(NamedTuple):
    """All of it."""

    table: BucketTable
    hubs: Hubs
    state: npt.NDArray[np.uintp]  # (5,)
    slots: npt.NDArray[np.uintp]  # (B,) of the document's buckets, from looking them up to joining them


def fresh_memory(num_bands: int, num_values: int, hubs_per_bucket: int) -> Memory:
    """Memory for small clusters, empty."""
    return Memory(
        _empty_table(_start_slots(num_bands), hubs_per_bucket),
        Hubs(
            signatures=np.zeros((_START_HUBS, num_values), np.uint16),
            present=np.zeros(_START_HUBS, np.bool_),
            ids=np.zeros((_START_HUBS, 2), np.uint64),
            positions=np.zeros(_START_HUBS, np.uint64),
            stand_ins=np.zeros(_START_HUBS, np.uint32),
            met_by=np.zeros(_START_HUBS, np.uint32),
            compared_with=np.zeros(_START_HUBS, np.uint32),
            shingles=np.zeros(_START_SHINGLES, np.uint32),
            shingle_bounds=np.zeros((_START_HUBS, 2), np.uintp),
        ),
        np.zeros(5, np.uintp),
        np.zeros(num_bands, np.uintp),
    )


def is_grown(memory: Memory, num_bands: int) -> bool:
    """Whether a cluster needed more than fresh memory has."""
    table, hubs, *_ = memory
    start = (_start_slots(num_bands), _START_HUBS, _START_SHINGLES)
    return (len(table.keys), len(hubs.positions), len(hubs.shingles)) != start


def grown_memory(memory: Memory, *, num_bands: int, num_shingles: int) -> Memory:
    """The same contents in arrays with room for one more document of so many bands and shingles.

    What is full doubles. Pages that are not used yet take no memory.
    """
    table, hubs, state, slots = memory
    if 2 * (int(state[NUM_KEYS]) + num_bands) > len(table.keys):
        larger = _empty_table(2 * len(table.keys), table.hubs.shape[1])
        _rehash(table, larger, np.uint32(state[STAMP]))
        table = larger
    if state[NUM_HUBS] == len(hubs.positions):
        per_hub = {name: _doubled(array) for name, array in hubs._asdict().items() if name != "shingles"}
        hubs = hubs._replace(**per_hub)
    while int(state[NUM_SHINGLES]) + num_shingles > len(hubs.shingles):
        hubs = hubs._replace(shingles=_doubled(hubs.shingles))
    return Memory(table, hubs, state, slots)


def _start_slots(num_bands: int) -> int:
    """A power of two, so that the first document leaves the table half empty."""
    return max(_START_SLOTS, 1 << (2 * num_bands).bit_length())


def _empty_table(num_slots: int, hubs_per_bucket: int) -> BucketTable:
    return BucketTable(
        keys=np.zeros(num_slots, np.uint64),
        stamps=np.zeros(num_slots, np.uint32),
        sizes=np.zeros(num_slots, np.uint32),
        hubs=np.zeros((num_slots, hubs_per_bucket), np.uint32),
    )


def _doubled(array: npt.NDArray[Any]) -> npt.NDArray[Any]:  # Any: of every type
    larger = np.zeros((2 * len(array), *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger


@kernel
def _rehash(table: BucketTable, larger: BucketTable, stamp: np.uint32) -> None:
    """Enters the buckets of the cluster into an empty table."""
    mask = np.uintp(larger.keys.shape[0] - 1)
    for index in range(table.keys.shape[0]):
        old = np.uintp(index)
        if table.stamps[old] != stamp:
            continue
        slot = np.uintp(table.keys[old]) & mask
        while larger.stamps[slot] == stamp:
            slot = (slot + np.uintp(1)) & mask
        larger.keys[slot] = table.keys[old]
        larger.stamps[slot] = stamp
        larger.sizes[slot] = table.sizes[old]
        larger.hubs[slot] = table.hubs[old]
