from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

import operators.dedup.components as components_module
from operators.dedup.components import CLUSTER_SCHEMA, ConnectedComponents
from pipeline.errors import OperatorError, PlanError, SchemaError
from pipeline.operator import TaskInputs


@dataclass
class Table:
    """Rows in memory, in batches of `batch_rows`."""

    rows: pa.Table
    batch_rows: int = 7

    @property
    def schema(self):
        return self.rows.schema

    def batches(self, columns=None):
        table = self.rows.select(columns) if columns else self.rows
        for batch in table.to_batches(max_chunksize=self.batch_rows):
            yield 0, batch


def positions_of(base_rows):
    return [(shard << 32) | row for shard, rows in enumerate(base_rows) for row in range(rows)]


def edge_table(documents, hubs):
    return pa.table({"document": pa.array(documents, pa.uint64()), "hub": pa.array(hubs, pa.uint64())})


def run(base_rows, edges, batch_rows=7):
    """Cluster and size of every document; `edges` are pairs of document numbers over all shards."""
    positions = positions_of(base_rows)
    table = edge_table([positions[one] for one, _ in edges], [positions[other] for _, other in edges])
    inputs = TaskInputs(None, {"dedup.edges": Table(table, batch_rows)}, tuple(base_rows), Path("unused"))
    found = list(ConnectedComponents().open()(inputs))
    assert [shard for shard, _ in found] == list(range(len(base_rows)))
    assert [batch.num_rows for _, batch in found] == list(base_rows)
    assert all(batch.schema == CLUSTER_SCHEMA for _, batch in found)
    return [tuple(row.values()) for _, batch in found for row in batch.to_pylist()]


def expected(base_rows, edges):
    """The same from scipy's labels."""
    positions = positions_of(base_rows)
    size = len(positions)
    ends = np.array([edge for edge in edges if edge[0] != edge[1]], np.int64).reshape(-1, 2)
    graph = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    members = np.bincount(labels, minlength=size)
    smallest = {label: positions[node] for node, label in reversed(list(enumerate(labels)))}
    return [(smallest[label], members[label]) if members[label] > 1 else (None, None) for label in labels]


@st.composite
def graphs(draw):
    base_rows = draw(st.lists(st.integers(0, 12), min_size=1, max_size=6).filter(any))
    node = st.integers(0, sum(base_rows) - 1)
    return base_rows, draw(st.lists(st.tuples(node, node), max_size=40))


@settings(deadline=None, derandomize=True, max_examples=50)
@given(graphs())
def test_equals_scipy_on_random_graphs(graph):
    base_rows, edges = graph
    assert run(base_rows, edges) == expected(base_rows, edges)


SIZE = 3000
RNG = np.random.default_rng(3)
ORDER = RNG.permutation(SIZE)
SHAPES = {
    "chain": list(pairwise(ORDER)),
    "ascending chain": [(node, node + 1) for node in range(SIZE - 1)],
    "descending chain": [(node + 1, node) for node in reversed(range(SIZE - 1))],
    "star": [(node, SIZE - 1) for node in range(SIZE)],
    "one giant component and small ones": RNG.integers(0, SIZE, (SIZE, 2)).tolist(),
    "many small components": [(node, node - node % 3) for node in range(0, SIZE, 2)],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("base_rows", [[SIZE], [0, 1, SIZE // 2 - 1, 0, 0, SIZE // 2, 0]])
def test_equals_scipy_on_hard_shapes(shape, base_rows):
    assert run(base_rows, SHAPES[shape], batch_rows=500) == expected(base_rows, SHAPES[shape])


def test_order_of_edges_does_not_matter():
    edges = SHAPES["one giant component and small ones"]
    turned = [(other, one) for one, other in reversed(edges)]
    assert run([SIZE], edges) == run([SIZE], turned)


def test_wide_numbers_give_the_same(monkeypatch):
    edges = SHAPES["chain"]
    narrow = run([SIZE // 2, SIZE // 2], edges)
    monkeypatch.setattr(components_module, "singletons", lambda size: np.arange(size, dtype=np.uint64))
    assert run([SIZE // 2, SIZE // 2], edges) == narrow


def test_no_edges_and_empty_shards():
    assert run([0, 2, 0], []) == [(None, None), (None, None)]
    assert run([], []) == []


@pytest.mark.parametrize("wrong", [5, (1 << 32) | 3, 2 << 32, 2**64 - 1])
@pytest.mark.parametrize("end", ["document", "hub"])
def test_refuses_positions_outside_the_base(wrong, end):
    columns = {"document": [0, 1], "hub": [0, 0]}
    columns[end][1] = wrong
    table = Table(edge_table(columns["document"], columns["hub"]))
    inputs = TaskInputs(None, {"dedup.edges": table}, (5, 3), Path("unused"))
    with pytest.raises(OperatorError, match=r"'dedup.edges'.*2 shards, 8 rows.*run the step that made it again"):
        list(ConnectedComponents().open()(inputs))


def test_a_base_fits_while_its_forest_does():
    assert ConnectedComponents(memory_bytes=80).fits((3, 0, 7))
    assert not ConnectedComponents(memory_bytes=80).fits((3, 1, 7))
    assert ConnectedComponents().fits((1 << 30,))
    assert not ConnectedComponents(memory_bytes=12 << 32).fits((1 << 32, 1))


def test_refuses_other_than_one_table():
    table = Table(edge_table([], []))
    for tables in ({}, {"one": table, "two": table}):
        with pytest.raises(PlanError, match="expected exactly one table"):
            list(ConnectedComponents().open()(TaskInputs(None, tables, (1,), Path("unused"))))


@pytest.mark.parametrize("schema", [{"document": pa.uint64()}, {"document": pa.uint64(), "hub": pa.int64()}])
def test_refuses_a_table_without_edges(schema):
    table = Table(pa.schema(schema.items()).empty_table())
    with pytest.raises(SchemaError, match=r"expected column 'hub' \(uint64\) in table 'pairs'"):
        list(ConnectedComponents().open()(TaskInputs(None, {"pairs": table}, (1,), Path("unused"))))
