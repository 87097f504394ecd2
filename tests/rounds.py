"""A recipe whose last step runs rounds: components of a graph that its documents describe, as the corpus gives it."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pyarrow as pa

from operators.dedup.cluster_sizes import ClusterSizes
from operators.dedup.components import ConnectedComponents
from operators.dedup.edge_forest import NEIGHBOUR, NEIGHBOUR_SCHEMA, NODE, EdgeForest
from operators.dedup.large_star import CHANGED, LargeStar
from operators.dedup.small_star import SmallStar
from operators.dedup.star_edges import EDGE_SCHEMA
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.operator import ShardFunction, ShardOperator
from pipeline.plan.logical import ArtifactKind, Exchange, Layout, Recipe, Repeat, SortKey, Source, Step, View
from tests.corpus import Record, jsonl

BY_NODE = Exchange(key=NODE, sort=(SortKey(column=NEIGHBOUR),))
ROUNDS = Repeat(nodes=(BY_NODE, LargeStar(), BY_NODE, SmallStar()), while_any=CHANGED)


class NumberedEdges(ShardOperator):
    """Reads the two numbers of each text as an edge, and yields it from both of its ends."""

    name: ClassVar[str] = "numbered_edges"

    def requires(self) -> pa.Schema:
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002
        return NEIGHBOUR_SCHEMA

    def open(self) -> ShardFunction:
        def edges(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                ends = np.array([text.split() for text in batch[TEXT].to_pylist()], np.uint64).reshape(-1, 2)
                both = np.concatenate([ends, ends[:, ::-1]])
                yield pa.record_batch([pa.array(both[:, 0]), pa.array(both[:, 1])], schema=NEIGHBOUR_SCHEMA)

        return edges


def edge_files(edges: list[tuple[int, int]], num_files: int = 3) -> dict[str, bytes]:
    """Input files for `rounds`."""
    lines = [Record(f"e{number}", f"{one} {other}").line() for number, (one, other) in enumerate(edges)]
    return {f"edges/{file}.jsonl": jsonl(lines[file::num_files]) for file in range(num_files)}


def rounds(repeat: Repeat = ROUNDS) -> Recipe:
    """Edges, then their components as a table of (cluster, cluster_size), a row a node."""
    steps = (
        Step(name="edges", view=View(sources=("edges",)), write=ArtifactKind.DOCUMENTS),
        Step(
            name="components",
            view=View(base="edges"),
            nodes=(NumberedEdges(), repeat, ClusterSizes()),
            write=ArtifactKind.TABLE,
        ),
    )
    source = Source(paths=("edges/*.jsonl",))
    return Recipe(name="rounds", sources={"edges": source}, steps=steps, layout=Layout(partition_bytes=1 << 11))


class EdgesBetweenRows(ShardOperator):
    """Reads the two numbers of each text as rows of the first shard, and yields the edge between them."""

    name: ClassVar[str] = "edges_between_rows"

    def requires(self) -> pa.Schema:
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002
        return EDGE_SCHEMA

    def open(self) -> ShardFunction:
        def edges(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                ends = np.array([text.split() for text in batch[TEXT].to_pylist()], np.uint64).reshape(-1, 2)
                yield pa.record_batch([pa.array(ends[:, 0]), pa.array(ends[:, 1])], schema=EDGE_SCHEMA)

        return edges


def clusters(memory_bytes: int) -> Recipe:
    """Documents that name two rows each, and the components of these rows as columns."""
    by_node = ROUNDS.nodes[0]
    assert isinstance(by_node, Exchange)
    table = Step(name="pairs", view=View(base="edges"), nodes=(EdgesBetweenRows(),), write=ArtifactKind.TABLE)
    columns = Step(
        name="clusters",
        view=View(base="edges"),
        tables=("pairs",),
        nodes=(ConnectedComponents(memory_bytes=memory_bytes),),
        beyond_memory=(EdgeForest(), ROUNDS, ClusterSizes()),
        write=ArtifactKind.COLUMNS,
    )
    recipe = rounds()
    return recipe.model_copy(update={"steps": (recipe.steps[0], table, columns)})
