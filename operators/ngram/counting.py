"""Sorted windows to the nodes of a trie: the n-grams of each order with their counts.

A node of level k is an n-gram of k ids; its children are the n-grams that go on with one more. Windows that stand
together share nodes as far as their ids are equal. Letters are: W windows, N the order, M_k nodes of a level.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from operators.ngram.windows import Packing, Windows, id_at
from pipeline.kernel import inline_kernel, kernel

Counts = npt.NDArray[np.uint64]
Ids = npt.NDArray[np.uint32]


class Level(NamedTuple):
    """The nodes of one level, in the order of their n-grams."""

    ids: Ids  # (M_k,) the last id of each n-gram
    counts: Counts  # (M_k,) how often it occurs
    num_children: Counts  # (M_k,) different ids that follow it
    totals: Counts  # (M_k,) how often any id follows it


def count_levels(windows: Windows, packing: Packing) -> list[Level]:
    """The N levels of sorted windows."""
    num_nodes = np.zeros(int(packing.order), np.uint64)  # (N,)
    _count_nodes(windows, packing, num_nodes)
    ends = np.concatenate([[0], np.cumsum(num_nodes)]).astype(np.uint64)  # (N + 1,)
    num_all = int(ends[-1])
    nodes = Level(
        ids=np.zeros(num_all, np.uint32),
        counts=np.zeros(num_all, np.uint64),
        num_children=np.zeros(num_all, np.uint64),
        totals=np.zeros(num_all, np.uint64),
    )
    _fill_nodes(windows, packing, ends[:-1].copy(), nodes)
    spans = [slice(int(begin), int(end)) for begin, end in pairwise(ends)]
    return [Level(nodes.ids[k], nodes.counts[k], nodes.num_children[k], nodes.totals[k]) for k in spans]


@inline_kernel
def _num_shared(windows: Windows, row: np.uintp, packing: Packing) -> np.uintp:
    """How many ids at its begin a window shares with the one before it."""
    if row == np.uintp(0):
        return np.uintp(0)
    shared = np.uintp(0)
    while shared < packing.order and id_at(windows[row], shared, packing) == id_at(
        windows[row - np.uintp(1)], shared, packing
    ):
        shared += np.uintp(1)
    return shared


@kernel
def _count_nodes(windows: Windows, packing: Packing, num_nodes: Counts) -> None:
    """Adds the new nodes of each level."""
    for w in range(windows.shape[0]):
        row = np.uintp(w)
        place = _num_shared(windows, row, packing)
        while place < packing.order and id_at(windows[row], place, packing) != np.uint64(0):
            num_nodes[place] += np.uint64(1)
            place += np.uintp(1)


@kernel
def _fill_nodes(windows: Windows, packing: Packing, next_nodes: Counts, nodes: Level) -> None:
    """Writes the nodes; `next_nodes` says where each level begins, and then where its next node goes."""
    for w in range(windows.shape[0]):
        row = np.uintp(w)
        shared = _num_shared(windows, row, packing)
        for k in range(packing.order):
            place = np.uintp(k)
            number = id_at(windows[row], place, packing)
            if number == np.uint64(0):
                break
            is_new = place >= shared
            if is_new:
                nodes.ids[np.uintp(next_nodes[place])] = np.uint32(number - np.uint64(1))
                next_nodes[place] += np.uint64(1)
            nodes.counts[np.uintp(next_nodes[place] - np.uint64(1))] += np.uint64(1)
            if place > np.uintp(0):
                parent = np.uintp(next_nodes[place - np.uintp(1)] - np.uint64(1))
                nodes.totals[parent] += np.uint64(1)
                nodes.num_children[parent] += np.uint64(is_new)
