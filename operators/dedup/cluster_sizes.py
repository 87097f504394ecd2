"""Stars into clusters: what is left to do when the rounds of connected components have ended."""

from collections.abc import Iterator
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.dedup.components import CLUSTER_SCHEMA
from operators.dedup.edge_forest import NEIGHBOUR, NEIGHBOUR_SCHEMA, NODE
from operators.dedup.sorted_runs import begins_run
from pipeline.document import POSITION, POSITION_TYPE
from pipeline.operator import PartitionFunction, PartitionOperator

_MEMBER_SCHEMA: Final = pa.schema([pa.field(POSITION, POSITION_TYPE, nullable=False), *CLUSTER_SCHEMA])
_BLOCK_ROWS: Final = 1 << 18
"""Rows of one batch of a large cluster."""

UInt64Array = npt.NDArray[np.uint64]


class ClusterSizes(PartitionOperator):
    """Yields every document of a star with its cluster, the star's centre, and the number of the star's documents.

    Columns:
        node, neighbour: read; stars, each edge from both of its ends, sorted by both: a centre has larger neighbours,
            any other node has its centre alone.
        position: written; the document's.
        cluster: written; the smallest position of the component.
        cluster_size: written; documents of the component, 2 or more.

    Determinism:
        Exact.

    Cost:
        O(rows). A cluster's size is known at its end, so its positions are held until then: 8 bytes of memory a
        document of the largest cluster.
    """

    name: ClassVar[str] = "cluster_sizes"

    def requires(self) -> pa.Schema:
        """Stars."""
        return NEIGHBOUR_SCHEMA

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- members do not depend on it
        """Documents with cluster and size."""
        return _MEMBER_SCHEMA

    def open(self) -> PartitionFunction:
        """Nothing to load."""
        return _members


def _members(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    centre = np.uint64(0)
    held: list[UInt64Array] = []  # neighbours of `centre`, which may go on
    for batch in batches:
        nodes = batch.column(NODE).to_numpy()
        neighbours = batch.column(NEIGHBOUR).to_numpy()
        from_centre = neighbours > nodes
        nodes, neighbours = nodes[from_centre], neighbours[from_centre]
        if not len(nodes):
            continue
        begins = np.flatnonzero(begins_run(nodes))
        if held and nodes[0] == centre:
            after = int(begins[1]) if len(begins) > 1 else len(nodes)
            held.append(neighbours[:after])
            nodes, neighbours, begins = nodes[after:], neighbours[after:], begins[1:] - after
        if not len(nodes):
            continue
        if held:
            yield from _one_cluster(centre, held)
        last = int(begins[-1])
        yield _whole_clusters(nodes[:last], neighbours[:last], begins)
        centre, held = nodes[last], [neighbours[last:]]
    if held:
        yield from _one_cluster(centre, held)


def _whole_clusters(nodes: UInt64Array, neighbours: UInt64Array, begins: npt.NDArray[np.int64]) -> pa.RecordBatch:
    """The members of complete stars; `begins` has the first row of each, and the end."""
    sizes = np.diff(begins) + 1
    positions = np.insert(neighbours, begins[:-1], nodes[begins[:-1]])
    return _rows(positions, np.repeat(nodes[begins[:-1]], sizes), np.repeat(sizes, sizes))


def _one_cluster(centre: np.uint64, neighbours: list[UInt64Array]) -> Iterator[pa.RecordBatch]:
    size = 1 + sum(map(len, neighbours))
    for part in (np.array([centre]), *neighbours):
        for start in range(0, len(part), _BLOCK_ROWS):
            positions = part[start : start + _BLOCK_ROWS]
            yield _rows(positions, np.full(len(positions), centre), np.full(len(positions), size))


def _rows(positions: UInt64Array, clusters: UInt64Array, sizes: npt.NDArray[np.int64]) -> pa.RecordBatch:
    columns = [pa.array(positions), pa.array(clusters), pa.array(sizes, pa.uint32())]
    return pa.record_batch(columns, schema=_MEMBER_SCHEMA)
