"""Edges as the rounds of connected components read them: of both ends, after joining what one process can.

Arrays: E edges of a chunk, N documents that they join.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.dedup.chunks import fixed_chunks
from operators.dedup.star_edges import DOCUMENT, EDGE_SCHEMA, HUB
from operators.dedup.union_find import Forest, flatten, singletons, unite
from pipeline.document import POSITION_TYPE
from pipeline.kernel import kernel
from pipeline.operator import ShardFunction, ShardOperator

NODE: Final = "node"
NEIGHBOUR: Final = "neighbour"
NEIGHBOUR_SCHEMA: Final = pa.schema(
    [pa.field(NODE, POSITION_TYPE, nullable=False), pa.field(NEIGHBOUR, POSITION_TYPE, nullable=False)]
)
CHUNK_EDGES: Final = 1 << 22
"""Edges that are joined before they travel. Components do not depend on it, but which edges travel does."""

UInt64Array = npt.NDArray[np.uint64]


@kernel
def _unite_all(parent: Forest, ones: npt.NDArray[np.int64], others: npt.NDArray[np.int64]) -> None:
    """Joins both ends of E edges, each the index of a document."""
    for edge in range(ones.shape[0]):
        unite(parent, np.uintp(ones[np.uintp(edge)]), np.uintp(others[np.uintp(edge)]))


class EdgeForest(ShardOperator):
    """Yields edges that join what the given ones join, at most one a document and chunk, each from both of its ends.

    Columns:
        document, hub: read; positions in the base.
        node, neighbour: written; the two ends of an edge, once this way and once that way. An edge leads to the
            smallest position that its chunk joins to the other.

    Determinism:
        Exact. A chunk is a number of edges, so batches do not reach it.

    Cost:
        A sort of 2 * CHUNK_EDGES positions a chunk: 0.2 microseconds an edge, 200 bytes of memory.
    """

    name: ClassVar[str] = "edge_forest"

    def requires(self) -> pa.Schema:
        """Edges."""
        return EDGE_SCHEMA

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- edges do not depend on it
        """Edges, by node."""
        return NEIGHBOUR_SCHEMA

    def open(self) -> ShardFunction:
        """Nothing to load."""
        return _forests


def _forests(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    edges = ((batch.column(DOCUMENT).to_numpy(), batch.column(HUB).to_numpy()) for batch in batches)
    for documents, hubs in fixed_chunks(edges, CHUNK_EDGES):
        yield _forest(np.concatenate((documents, hubs)))


def _forest(ends: UInt64Array) -> pa.RecordBatch:
    """The forest of E edges; `ends` (2E,) are their documents, then their hubs."""
    positions, indexes = np.unique(ends, return_inverse=True)  # (N,) ascending: the smallest index, the smallest place
    parent = singletons(len(positions))
    _unite_all(parent, *np.split(indexes, 2))
    flatten(parent)
    joined = np.flatnonzero(parent != np.arange(len(parent)))
    documents, roots = positions[joined], positions[parent[joined]]
    columns = [np.concatenate(ends) for ends in ((documents, roots), (roots, documents))]
    return pa.record_batch([pa.array(column) for column in columns], schema=NEIGHBOUR_SCHEMA)
