"""A forest of disjoint sets as one array: what kernels join documents with. N nodes.

Every node holds a smaller node of its set, or itself: the smallest node of a set is its root, whatever the order in
which sets were joined. After Tarjan and van Leeuwen, Worst-case analysis of set union algorithms, JACM 31, 1984: path
halving; linking by index, which costs O(log N) amortised at worst.
"""

import numpy as np
import numpy.typing as npt

from pipeline.kernel import kernel

# uint32 while N fits, which halves the memory.
Forest = npt.NDArray[np.uint32] | npt.NDArray[np.uint64]


def singletons(num_nodes: int) -> Forest:
    """Every node its own root, (N,)."""
    if num_nodes < 1 << 32:
        return np.arange(num_nodes, dtype=np.uint32)
    return np.arange(num_nodes, dtype=np.uint64)


@kernel
def find_root(parent: Forest, node: np.uintp) -> np.uintp:
    """The root of `node`; halves the path on the way."""
    while np.uintp(parent[node]) != node:
        parent[node] = parent[np.uintp(parent[node])]
        node = np.uintp(parent[node])
    return node


@kernel
def unite(parent: Forest, one: np.uintp, other: np.uintp) -> None:
    """Joins the sets of two nodes; the smaller root wins."""
    one = find_root(parent, one)
    other = find_root(parent, other)
    if one < other:
        parent[other] = one
    elif other < one:
        parent[one] = other


@kernel
def flatten(parent: Forest) -> None:
    """Makes every parent a root. Parents are smaller: one ascending pass does."""
    for index in range(parent.shape[0]):
        node = np.uintp(index)
        parent[node] = parent[np.uintp(parent[node])]
