"""Buckets into edges of the candidate graph."""

from collections.abc import Iterator
from typing import ClassVar, Final

import pyarrow as pa

from operators.dedup.band_rows import BUCKET, BUCKET_SCHEMA
from operators.dedup.sorted_runs import begins_run, first_of_run
from pipeline.document import POSITION, POSITION_TYPE
from pipeline.operator import PartitionFunction, PartitionOperator

DOCUMENT: Final = "document"
HUB: Final = "hub"
EDGE_SCHEMA: Final = pa.schema(
    [pa.field(DOCUMENT, POSITION_TYPE, nullable=False), pa.field(HUB, POSITION_TYPE, nullable=False)]
)


class StarEdges(PartitionOperator):
    """Yields an edge from every later document of a bucket to the bucket's first.

    A star joins a bucket's documents as well as all pairs would, with one edge a document instead of a square number.
    An edge that several buckets imply is there several times: which buckets share a batch is not ours to know.

    Columns:
        bucket, position: read.
        document, hub: written; positions in the base.

    Determinism:
        Exact.

    Cost:
        O(rows); at most one edge of 16 bytes a row.
    """

    name: ClassVar[str] = "star_edges"

    def requires(self) -> pa.Schema:
        """Buckets and positions."""
        return BUCKET_SCHEMA

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- edges do not depend on it
        """Edges."""
        return EDGE_SCHEMA

    def open(self) -> PartitionFunction:
        """Nothing to load."""
        return _edges


def _edges(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    bucket = hub = None
    for batch in batches:
        if batch.num_rows == 0:
            continue
        buckets = batch.column(BUCKET).to_numpy()
        positions = batch.column(POSITION).to_numpy()
        begins = begins_run(buckets)
        first = first_of_run(begins)
        hubs = positions[first]
        if buckets[0] == bucket:  # the bucket of the batch before goes on, and its hub lies there
            begins[0] = False
            hubs[first == 0] = hub
        bucket, hub = buckets[-1], hubs[-1]
        yield pa.record_batch([pa.array(positions[~begins]), pa.array(hubs[~begins])], schema=EDGE_SCHEMA)
