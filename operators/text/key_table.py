"""A hash table of 64-bit keys that kernels use again and again for one document after another.

Open addressing: a slot is taken only if it bears the current stamp, so that a new table costs one addition, and memory
is touched only as far as the document needs. Letters are: T slots, a power of two.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from operators.text.prefetch import prefetch
from pipeline.hashing import mix64
from pipeline.kernel import borrowing_kernel, inline_kernel


class KeyTable(NamedTuple):
    """The memory of a table. `counts` is the caller's, for what it counts of each key."""

    keys: npt.NDArray[np.uint64]  # (T,)
    stamps: npt.NDArray[np.uint32]  # (T,) the slot is taken if it bears the current stamp
    counts: npt.NDArray[np.uint32]  # (T,)
    current_stamp: npt.NDArray[np.uint32]  # (1,)


def key_table_for(max_keys: int) -> KeyTable:
    """Memory for up to `max_keys` keys, then half full. Keys and counts are read only behind a stamp."""
    num_slots = 1 << (2 * max_keys + 15).bit_length()
    return KeyTable(
        keys=np.empty(num_slots, np.uint64),
        stamps=np.zeros(num_slots, np.uint32),
        counts=np.empty(num_slots, np.uint32),
        current_stamp=np.zeros(1, np.uint32),
    )


@borrowing_kernel
def empty_table(max_keys: np.uintp, table: KeyTable) -> tuple[np.uintp, np.uint32]:
    """Empties the table; returns the slot mask of one half full with `max_keys` keys, and the stamp to use it with."""
    table.current_stamp[0] += np.uint32(1)
    num_slots = np.uintp(16)
    while num_slots < max_keys + max_keys:
        num_slots += num_slots
    return num_slots - np.uintp(1), table.current_stamp[0]


@inline_kernel
def ask_for_slot(key: np.uint64, mask: np.uintp, table: KeyTable) -> None:
    """Begins to load what `find_slot` reads first, and the count."""
    slot = np.uintp(mix64(key)) & mask
    prefetch(table.stamps, slot)
    prefetch(table.keys, slot)
    prefetch(table.counts, slot)


@inline_kernel
def find_slot(key: np.uint64, mask: np.uintp, stamp: np.uint32, table: KeyTable) -> np.uintp:
    """The slot of `key`, or the empty one where it belongs."""
    slot = np.uintp(mix64(key)) & mask
    while table.stamps[slot] == stamp and table.keys[slot] != key:
        slot = (slot + np.uintp(1)) & mask
    return slot


@inline_kernel
def count_key(key: np.uint64, mask: np.uintp, stamp: np.uint32, table: KeyTable) -> np.uintp:
    """Counts one more of `key`, which may be new; returns its slot."""
    slot = find_slot(key, mask, stamp, table)
    if table.stamps[slot] != stamp:
        table.stamps[slot] = stamp
        table.keys[slot] = key
        table.counts[slot] = np.uint32(0)
    table.counts[slot] += np.uint32(1)
    return slot


@borrowing_kernel
def add_key(key: np.uint64, mask: np.uintp, stamp: np.uint32, table: KeyTable) -> bool:
    """Whether `key` is in the table already; it is afterwards."""
    slot = find_slot(key, mask, stamp, table)
    if table.stamps[slot] == stamp:
        return True
    table.stamps[slot] = stamp
    table.keys[slot] = key
    return False
