"""A trie of n-grams in arrays, and what stands before each of them.

Node 0 is the empty n-gram. The nodes of level 1 follow, then those of level 2 and so on; a level is in the order of its
n-grams, so the children of a node stand together, ascending by id, and `begins` says where. Letters are: M nodes, I
inner nodes (of all levels but the last), N the order.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.kernel import inline_kernel, kernel

Ids = npt.NDArray[np.uint32]
Counts = npt.NDArray[np.uint32]
Nodes = npt.NDArray[np.uint64]
Totals = npt.NDArray[np.uint64]

NO_NODE: Final = np.uint64(0xFFFFFFFFFFFFFFFF)


class NgramModel(NamedTuple):
    """What kernels read of a model."""

    ids: Ids  # (M,)
    counts: Counts  # (M,) how often an n-gram occurs; 0 for node 0
    begins: Nodes  # (I + 1,) the first child of each inner node
    totals: Totals  # (I,) sums of the counts of the children
    left_counts: Counts  # (I,) different ids that stand before an n-gram; 0 for node 0
    left_totals: Totals  # (I,) sums of the left counts of the children; 0 where these are not inner nodes
    discounts: npt.NDArray[np.float64]  # (N,)
    left_discounts: npt.NDArray[np.float64]  # (N - 1,)
    vocab_size: np.float64


@inline_kernel
def find_child(number: np.uint32, node: np.uint64, ids: Ids, begins: Nodes) -> np.uint64:
    """The child of an inner node that an id leads to, or NO_NODE."""
    low, high = begins[np.uintp(node)], begins[np.uintp(node) + np.uintp(1)]
    end = high
    while low < high:
        middle = (low + high) >> np.uint64(1)
        if ids[np.uintp(middle)] < number:
            low = middle + np.uint64(1)
        else:
            high = middle
    return low if low < end and ids[np.uintp(low)] == number else NO_NODE


@kernel
def fill_left_counts(order: int, ids: Ids, begins: Nodes, left_counts: Counts) -> None:
    """Counts, for the n-grams of fewer than `order` ids, the different ids that stand before them.

    Every n-gram is met once, on the way through the trie; without its first id it is an n-gram that this id stands
    before. One that only begins documents counts 1, as if their beginning were an id.
    """
    # Of each n-gram on the way down: its next child, where they end, and the node of the n-gram without its first id.
    children, ends, suffixes = np.zeros(order, np.uint64), np.zeros(order, np.uint64), np.zeros(order, np.uint64)
    children[0], ends[0] = begins[0], begins[1]
    level = np.uintp(0)
    while True:
        if children[level] == ends[level]:
            if level == np.uintp(0):
                break
            level -= np.uintp(1)
            continue
        node = np.uintp(children[level])
        children[level] += np.uint64(1)
        suffix = np.uint64(0)
        if level > np.uintp(0):
            suffix = find_child(ids[node], suffixes[level], ids, begins)
            left_counts[np.uintp(suffix)] += np.uint32(1)
        if level + np.uintp(1) < np.uintp(order):
            level += np.uintp(1)
            children[level], ends[level], suffixes[level] = begins[node], begins[node + np.uintp(1)], suffix
    for i in range(1, left_counts.shape[0]):
        left_counts[np.uintp(i)] = max(left_counts[np.uintp(i)], np.uint32(1))


@kernel
def fill_left_totals(begins: Nodes, left_counts: Counts, left_totals: Totals) -> None:
    """Adds up the left counts of the children of each inner node."""
    num_inner = np.uintp(left_counts.shape[0])
    for i in range(left_totals.shape[0]):
        node = np.uintp(i)
        for j in range(np.uintp(begins[node]), min(np.uintp(begins[node + np.uintp(1)]), num_inner)):
            left_totals[node] += np.uint64(left_counts[np.uintp(j)])
