from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import operators.dedup.cluster_sizes as cluster_sizes_module
from operators.dedup.cluster_sizes import ClusterSizes
from operators.dedup.edge_forest import NEIGHBOUR_SCHEMA
from tests.graphs import components_of_edges, stars_of

EDGES = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=12)


def members(components, cuts=(), wanted=lambda node: True):  # noqa: ARG005 -- every node, unless a test has parts
    """(position, cluster, cluster_size) of the stars, of the nodes in a partition."""
    stars = stars_of(components)
    rows = sorted(row for row in {*stars, *((centre, node) for node, centre in stars)} if wanted(row[0]))
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    batches = (
        pa.RecordBatch.from_pylist(
            [dict(zip(NEIGHBOUR_SCHEMA.names, row, strict=True)) for row in part], NEIGHBOUR_SCHEMA
        )
        for part in (rows[start:end] for start, end in pairwise(bounds))
    )
    operator = ClusterSizes()
    schema = operator.output_schema(NEIGHBOUR_SCHEMA)
    found = list(operator.open()(batches))
    assert all(part.schema == schema for part in found)
    return [tuple(row.values()) for row in pa.Table.from_batches(found, schema).to_pylist()]


@given(EDGES, st.integers(1, 3))
def test_every_member_has_its_cluster_and_its_size(edges, num_partitions):
    components = components_of_edges(edges)
    parts = [
        members(components, wanted=lambda node, at=at: node % num_partitions == at) for at in range(num_partitions)
    ]
    expected = [(node, min(component), len(component)) for component in components for node in component]
    assert sorted(row for part in parts for row in part) == sorted(expected)


@pytest.mark.parametrize("block_rows", [1, 100])
@given(edges=EDGES, cuts=st.lists(st.integers(0, 24), max_size=6))
def test_cutting_the_stream_changes_nothing(block_rows, edges, cuts):
    components = components_of_edges(edges)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster_sizes_module, "_BLOCK_ROWS", block_rows)
        assert members(components, cuts) == members(components)
