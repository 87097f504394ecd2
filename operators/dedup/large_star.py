"""Half a round of connected components: larger neighbours are joined to the smallest. R rows of a batch."""

from collections.abc import Iterator
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.dedup.edge_forest import NEIGHBOUR, NEIGHBOUR_SCHEMA, NODE
from pipeline.kernel import kernel
from pipeline.operator import PartitionFunction, PartitionOperator

CHANGED: Final = "changed"
CHANGED_SCHEMA: Final = NEIGHBOUR_SCHEMA.append(pa.field(CHANGED, pa.bool_(), nullable=False))

NO_NODE: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
"""No document's position."""

BoolArray = npt.NDArray[np.bool_]
UInt64Array = npt.NDArray[np.uint64]


@kernel
def _large_star(
    nodes: UInt64Array,
    neighbours: UInt64Array,
    state: UInt64Array,
    out_nodes: UInt64Array,
    out_neighbours: UInt64Array,
    out_changed: BoolArray,
) -> int:
    """Writes the edges that R sorted rows leave, and returns their number.

    `state` (4,) goes from batch to batch: the node of the row before, its smallest neighbour or itself, the neighbour
    of the row before, and the last node that said that it has several smaller ones.
    """
    num_out = np.int64(0)
    for row in range(nodes.shape[0]):
        node = nodes[np.uintp(row)]
        neighbour = neighbours[np.uintp(row)]
        is_first = node != state[0]
        if is_first:
            state[0] = node
            state[1] = min(node, neighbour)
        elif neighbour == state[2]:
            continue
        state[2] = neighbour
        if neighbour > node:
            out_nodes[np.uintp(num_out)] = neighbour
            out_neighbours[np.uintp(num_out)] = state[1]
            out_changed[np.uintp(num_out)] = state[1] != node
            num_out += np.int64(1)
        elif not is_first and node != state[3]:
            state[3] = node
            out_nodes[np.uintp(num_out)] = node
            out_neighbours[np.uintp(num_out)] = state[1]
            out_changed[np.uintp(num_out)] = True
            num_out += np.int64(1)
    return int(num_out)


class LargeStar(PartitionOperator):
    """Joins every larger neighbour of a node to the smallest of the node and its neighbours.

    Where each node has either larger neighbours only, or no neighbour but one smaller, the graph is made of stars
    around their smallest nodes: the components are found, nothing changes, and no row says that it does.

    Columns:
        node, neighbour: read; each edge from both of its ends, sorted by both.
        node, neighbour: written; an edge once, from its larger end.
        changed: written; whether the graph was not yet stars here. A node with several smaller neighbours has an edge
            to the smallest once more, to say so.

    Determinism:
        Exact.

    Source:
        Large-star of Kiveris, Lattanzi, Mirrokni, Rastogi and Vassilvitskii, Connected Components in MapReduce and
        Beyond, SoCC 2014, section 3. How the end is noticed is ours.

    Cost:
        O(rows); a node's neighbours are not held in memory.
    """

    name: ClassVar[str] = "large_star"

    def requires(self) -> pa.Schema:
        """Edges, by node."""
        return NEIGHBOUR_SCHEMA

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- edges do not depend on it
        """Edges, and whether they are news."""
        return CHANGED_SCHEMA

    def open(self) -> PartitionFunction:
        """Nothing to load."""
        return _edges


def _edges(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    state = np.full(4, NO_NODE)
    for batch in batches:
        size = batch.num_rows
        out = np.empty(size, np.uint64), np.empty(size, np.uint64), np.empty(size, np.bool_)
        given = batch.column(NODE).to_numpy(), batch.column(NEIGHBOUR).to_numpy()
        num_out = _large_star(*given, state, *out)
        yield pa.record_batch([pa.array(column[:num_out]) for column in out], schema=CHANGED_SCHEMA)
