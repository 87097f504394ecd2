"""Connected components of the candidate graph: edges into clusters.

Arrays: N documents of the base, numbered through all shards (a shard's start plus the row), E edges of a batch.
"""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from operators.dedup.star_edges import DOCUMENT, EDGE_SCHEMA, HUB
from operators.dedup.union_find import Forest, flatten, singletons, unite
from pipeline.document import POSITION_TYPE, split_position
from pipeline.errors import OperatorError, PlanError, SchemaError
from pipeline.kernel import kernel
from pipeline.operator import RowReader, Task, TaskFunction, TaskInputs

CLUSTER: Final = "cluster"
CLUSTER_SIZE: Final = "cluster_size"
CLUSTER_SCHEMA: Final = pa.schema([pa.field(CLUSTER, POSITION_TYPE), pa.field(CLUSTER_SIZE, pa.uint32())])

UInt64Array = npt.NDArray[np.uint64]


@kernel
def _node(position: np.uint64, starts: UInt64Array) -> np.uint64:
    """The number of the document at `position`, or N if the base has no such row."""
    num_shards = np.uint64(starts.shape[0] - 1)
    shard = position >> np.uint64(32)
    if shard >= num_shards:
        return np.uint64(starts[np.uintp(num_shards)])
    node = starts[np.uintp(shard)] + (position & np.uint64(0xFFFFFFFF))
    inside = node < starts[np.uintp(shard) + np.uintp(1)]
    return np.uint64(node if inside else starts[np.uintp(num_shards)])


@kernel
def _join(parent: Forest, documents: UInt64Array, hubs: UInt64Array, starts: UInt64Array) -> int:
    """Joins both ends of E edges. Returns the first edge outside the base, or -1."""
    outside = np.uint64(parent.shape[0])
    for edge in range(documents.shape[0]):
        one = _node(documents[np.uintp(edge)], starts)
        other = _node(hubs[np.uintp(edge)], starts)
        if outside in (one, other):
            return edge
        unite(parent, np.uintp(one), np.uintp(other))
    return -1


@kernel
def _count_members(parent: Forest, sizes: npt.NDArray[np.uint32]) -> None:
    """Adds up the nodes of every root of a flat forest, (N,)."""
    for node in range(parent.shape[0]):
        sizes[np.uintp(parent[np.uintp(node)])] += np.uint32(1)


class ConnectedComponents(Task):
    """Adds to every document its cluster, the connected component of the edge table that it belongs to, and its size.

    Columns:
        document, hub: read from the one table of the step; positions in the base.
        cluster: written for every row of the base; the smallest position of the component.
        cluster_size: written; documents of the component, 2 or more. Both are null for a document that no edge joins
            to another.

    Determinism:
        Exact: the smallest position is the root, whatever the order of the edges.

    Raises:
        PlanError: the step does not name exactly one table.
        SchemaError: the table has no document and hub columns.
        OperatorError: an edge names a position outside the base.

    Source:
        Union by smallest index with path halving, see `operators.dedup.union_find`.

    Cost:
        One process, one pass over the edges; 8 bytes of memory a document of the base (12 beyond 2^32 documents),
        10 to 40 ns an edge. Where that is more than `memory_bytes`, the step's `beyond_memory` runs instead.
    """

    name: ClassVar[str] = "connected_components"
    version: ClassVar[int] = 2
    produces: ClassVar[Literal["table", "columns", "model"]] = "columns"

    memory_bytes: int = Field(default=8 << 30, ge=0)
    """Of the forest and the sizes. A larger base needs the rounds that the step has as `beyond_memory`."""

    def fits(self, base_rows: Sequence[int]) -> bool:
        """Whether the forest of the base's documents fits."""
        num_documents = sum(base_rows)
        return num_documents * (8 if num_documents < 1 << 32 else 12) <= self.memory_bytes

    def requires(self) -> pa.Schema:
        """Nothing of the view: edges come from a table."""
        return pa.schema([])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- a task writes its own columns alone
        """The cluster and its size alone."""
        return CLUSTER_SCHEMA

    def open(self) -> TaskFunction:
        """Nothing to load."""
        return _clusters


def _clusters(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
    starts = np.concatenate([[0], np.cumsum(inputs.base_rows)]).astype(np.uint64)  # (shards + 1,)
    num_documents = int(starts[-1])
    parent = singletons(num_documents)
    _read_edges(*_only_table(inputs), parent, starts)
    flatten(parent)
    sizes = np.zeros(num_documents, np.uint32)  # counts at the roots, 0 elsewhere
    _count_members(parent, sizes)
    for shard in range(len(inputs.base_rows)):
        roots = parent[int(starts[shard]) : int(starts[shard + 1])].astype(np.uint64)
        shards = np.searchsorted(starts, roots, side="right").astype(np.uint64) - np.uint64(1)
        positions = (shards << np.uint64(32)) | (roots - starts[shards])
        members = sizes[roots]
        alone = members == 1
        columns = [pa.array(positions, POSITION_TYPE, mask=alone), pa.array(members, pa.uint32(), mask=alone)]
        yield shard, pa.record_batch(columns, schema=CLUSTER_SCHEMA)


def _only_table(inputs: TaskInputs) -> tuple[str, RowReader]:
    if len(inputs.tables) != 1:
        raise PlanError(
            f"connected_components: expected exactly one table, of edges; found {sorted(inputs.tables)}; "
            "name it in the step's `tables`"
        )
    name, table = next(iter(inputs.tables.items()))
    for field in EDGE_SCHEMA:
        index = table.schema.get_field_index(field.name)
        if index < 0 or table.schema.field(index).type != field.type:
            raise SchemaError(
                f"connected_components: expected column {field.name!r} ({field.type}) in table {name!r}; "
                f"available: {table.schema.names}"
            )
    return name, table


def _read_edges(name: str, table: RowReader, parent: Forest, starts: UInt64Array) -> None:
    for _, batch in table.batches((DOCUMENT, HUB)):
        documents = batch.column(DOCUMENT).to_numpy()
        hubs = batch.column(HUB).to_numpy()
        wrong = _join(parent, documents, hubs, starts)
        if wrong >= 0:
            found = [split_position(int(end[wrong])) for end in (documents, hubs)]
            raise OperatorError(
                f"connected_components: expected edges of table {name!r} inside the base of {len(starts) - 1} shards, "
                f"{len(parent)} rows; found an edge of (shard, row) {found[0]} and {found[1]}; "
                "the table belongs to another base, so run the step that made it again"
            )
