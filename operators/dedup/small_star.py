"""The other half of a round of connected components: a node and its smaller neighbours are joined to the smallest.

Arrays: R rows of a batch.
"""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.dedup.edge_forest import NEIGHBOUR, NODE
from operators.dedup.large_star import CHANGED, CHANGED_SCHEMA, NO_NODE
from pipeline.kernel import kernel
from pipeline.operator import PartitionFunction, PartitionOperator

BoolArray = npt.NDArray[np.bool_]
UInt64Array = npt.NDArray[np.uint64]


@kernel
def _small_star(
    nodes: UInt64Array,
    neighbours: UInt64Array,
    changed: BoolArray,
    state: UInt64Array,
    out_nodes: UInt64Array,
    out_neighbours: UInt64Array,
    out_changed: BoolArray,
) -> int:
    """Writes both ends of the edges that R sorted rows leave, (2R,), and returns the number of rows.

    `state` (4,) goes from batch to batch: the node of the row before, its smallest neighbour, the neighbour of the row
    before, and whether that edge was said to be news. A repeated edge is left out, unless it is the first to say so.
    """
    num_out = np.int64(0)
    for row in range(nodes.shape[0]):
        node = nodes[np.uintp(row)]
        neighbour = neighbours[np.uintp(row)]
        if node != state[0]:
            state[0] = node
            state[1] = neighbour
        elif neighbour == state[2] and (state[3] or not changed[np.uintp(row)]):
            continue
        state[2] = neighbour
        state[3] = np.uint64(changed[np.uintp(row)])
        end = node if neighbour == state[1] else neighbour
        for ends in ((end, state[1]), (state[1], end)):
            out_nodes[np.uintp(num_out)] = ends[0]
            out_neighbours[np.uintp(num_out)] = ends[1]
            out_changed[np.uintp(num_out)] = changed[np.uintp(row)]
            num_out += np.int64(1)
    return int(num_out)


class SmallStar(PartitionOperator):
    """Joins a node and all its smaller neighbours to the smallest of them.

    Columns:
        node, neighbour, changed: read; an edge from its larger end, sorted by both.
        node, neighbour, changed: written; each edge from both of its ends. `changed` is the given edge's: a graph that
            was stars already stays as it is.

    Determinism:
        Exact.

    Source:
        Small-star of Kiveris, Lattanzi, Mirrokni, Rastogi and Vassilvitskii, Connected Components in MapReduce and
        Beyond, SoCC 2014, section 3.

    Cost:
        O(rows); a node's neighbours are not held in memory.
    """

    name: ClassVar[str] = "small_star"

    def requires(self) -> pa.Schema:
        """Edges, and whether they are news."""
        return CHANGED_SCHEMA

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- edges do not depend on it
        """The same."""
        return CHANGED_SCHEMA

    def open(self) -> PartitionFunction:
        """Nothing to load."""
        return _edges


def _edges(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    state = np.full(4, NO_NODE)
    for batch in batches:
        size = 2 * batch.num_rows
        out = np.empty(size, np.uint64), np.empty(size, np.uint64), np.empty(size, np.bool_)
        changed = batch.column(CHANGED).to_numpy(zero_copy_only=False)
        given = batch.column(NODE).to_numpy(), batch.column(NEIGHBOUR).to_numpy(), changed
        num_out = _small_star(*given, state, *out)
        yield pa.record_batch([pa.array(column[:num_out]) for column in out], schema=CHANGED_SCHEMA)
