from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import operators.dedup.star_edges as star_edges_module
from operators.dedup.star_edges import EDGE_SCHEMA, StarEdges
from tests.graphs import components_of_buckets, components_of_edges

BUCKETS = st.sampled_from([0, 1, 7, 1 << 16, 1 << 17, 2**64 - 1])
ROWS = st.lists(st.tuples(BUCKETS, st.integers(0, 2**63)), max_size=30)


def batch(rows):
    return pa.record_batch(
        {
            "bucket": pa.array([bucket for bucket, _ in rows], pa.uint64()),
            "position": pa.array([position for _, position in rows], pa.uint64()),
        }
    )


def edges(rows, cuts=()):
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    found = list(StarEdges().open()(batch(rows[start:end]) for start, end in pairwise(bounds)))
    assert all(part.schema == EDGE_SCHEMA for part in found)
    table = pa.Table.from_batches(found, EDGE_SCHEMA)
    return list(zip(table.column("document").to_pylist(), table.column("hub").to_pylist(), strict=True))


@given(ROWS)
def test_components_are_those_of_shared_buckets(rows):
    assert components_of_edges(edges(rows)) == components_of_buckets(rows)


@given(ROWS)
def test_a_row_points_to_the_first_document_of_its_bucket(rows):
    first = {}
    expected = []
    for bucket, position in rows:
        edge = (position, first.setdefault(bucket, position))
        if edge[0] != edge[1] and edge != (expected[-1] if expected else None):
            expected.append(edge)
    assert edges(rows) == expected


@given(ROWS, st.lists(st.integers(0, 30), max_size=4))
def test_cutting_the_stream_changes_nothing(rows, cuts):
    assert edges(rows, cuts) == edges(rows)


@given(ROWS, st.integers(1, 4))
def test_partitions_together_join_what_one_joins(rows, num_partitions):
    parts = [[row for row in rows if row[0] % num_partitions == part] for part in range(num_partitions)]
    together = [edge for part in parts for edge in edges(part)]
    assert components_of_edges(together) == components_of_buckets(rows)


def test_equal_neighbours_are_one_edge():
    rows = [(1, 10), (2, 10), (3, 10), (1, 11), (2, 11), (3, 12), (3, 11), (1, 11)]
    assert edges(rows) == [(11, 10), (12, 10), (11, 10)]
    assert edges(rows, cuts=[4, 7]) == edges(rows)  # the neighbour may lie in the batch before


@pytest.mark.parametrize("block_rows", [1, 8])
def test_the_table_grows(monkeypatch, block_rows):
    monkeypatch.setattr(star_edges_module, "_FIRST_SLOTS", 16)
    monkeypatch.setattr(star_edges_module, "_BLOCK_ROWS", block_rows)
    rows = [(bucket * 0x9E3779B97F4A7C15 % 2**64, node) for node, bucket in enumerate([*range(500), *range(500)])]
    assert edges(rows) == [(node + 500, node) for node in range(500)]
