"""Documents of one chunk joined where they share a bucket, before anything travels.

Whatever lies in one chunk is joined here, so that a bucket sends one row a chunk, however many documents it holds.
Arrays: D documents of a chunk, B bands, T slots of a hash table, a power of two.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from operators.dedup.union_find import Forest, flatten, singletons, unite
from pipeline.hashing import GOLDEN_RATIO, mix64
from pipeline.kernel import kernel

BoolArray = npt.NDArray[np.bool_]
UInt64Array = npt.NDArray[np.uint64]


class BucketTable(NamedTuple):
    """Scratch: the buckets of one band, by open addressing."""

    buckets: UInt64Array  # (T,)
    holders: npt.NDArray[np.uint32]  # (T,) 1 + the first document of the bucket; 0: the slot is free


def bucket_table(num_documents: int) -> BucketTable:
    """A table that is half full at most: bands are joined one after the other, so that it stays in the CPU's cache."""
    num_slots = 1 << (2 * num_documents - 1).bit_length()
    return BucketTable(np.empty(num_slots, np.uint64), np.empty(num_slots, np.uint32))


@kernel
def _join(buckets: UInt64Array, table: BucketTable, parent: Forest, begins: BoolArray) -> None:
    """Joins documents of equal bucket, and marks each bucket's first document, (D, B)."""
    keys, holders = table
    mask = np.uintp(holders.shape[0] - 1)
    for band in range(buckets.shape[1]):
        b = np.uintp(band)
        holders[:] = np.uint32(0)
        for document in range(buckets.shape[0]):
            d = np.uintp(document)
            bucket = buckets[d, b]
            slot = np.uintp(bucket) & mask
            while holders[slot] != np.uint32(0) and keys[slot] != bucket:
                slot = (slot + np.uintp(1)) & mask
            begins[d, b] = holders[slot] == np.uint32(0)
            if begins[d, b]:
                keys[slot] = bucket
                holders[slot] = np.uint32(document + 1)
            else:
                unite(parent, np.uintp(holders[slot]) - np.uintp(1), d)


@kernel
def _mark_company(parent: Forest, company: BoolArray) -> int:
    """Marks the documents of a flat forest that are not alone, (D,), and returns how many there are."""
    num_marked = np.int64(0)
    for document in range(parent.shape[0]):
        d = np.uintp(document)
        root = np.uintp(parent[d])
        if root != d:
            num_marked += np.int64(1) if company[root] else np.int64(2)
            company[root] = True
            company[d] = True
    return int(num_marked)


@kernel
def _write_rows(
    buckets: UInt64Array,
    positions: UInt64Array,
    parent: Forest,
    begins: BoolArray,
    company: BoolArray,
    out_buckets: UInt64Array,
    out_positions: UInt64Array,
) -> None:
    """Writes what travels: documents in order, of each its membership, then the buckets that it begins."""
    at = np.uintp(0)
    for document in range(buckets.shape[0]):
        d = np.uintp(document)
        root = positions[np.uintp(parent[d])]
        if company[d]:
            out_buckets[at] = mix64(root + GOLDEN_RATIO)
            out_positions[at] = positions[d]
            at += np.uintp(1)
        for band in range(buckets.shape[1]):
            b = np.uintp(band)
            if begins[d, b]:
                out_buckets[at] = buckets[d, b]
                out_positions[at] = root
                at += np.uintp(1)


def combined_rows(buckets: UInt64Array, positions: UInt64Array, table: BucketTable) -> tuple[UInt64Array, UInt64Array]:
    """The chunk's rows (bucket, position): fewer, but they join the same documents.

    Each distinct bucket of the (D, B) has one row, for the first document that the chunk's forest joins to it. And the
    documents of each tree of the forest have a bucket of their own, a hash of the root's position, with a row each.
    """
    parent = singletons(len(positions))
    begins = np.empty(buckets.shape, np.bool_)
    _join(buckets, table, parent, begins)
    flatten(parent)
    company = np.zeros(len(positions), np.bool_)
    num_rows = int(np.count_nonzero(begins)) + _mark_company(parent, company)
    out = np.empty(num_rows, np.uint64), np.empty(num_rows, np.uint64)
    _write_rows(buckets, positions, parent, begins, company, *out)
    return out
