from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.dedup.edge_forest import NEIGHBOUR_SCHEMA
from operators.dedup.large_star import CHANGED_SCHEMA, LargeStar
from tests.graphs import components_of_edges, stars_of

EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda edge: edge[0] != edge[1]), max_size=20)


def both_ends(edges):
    return sorted([*edges, *((other, one) for one, other in edges)])


def rows(edges, cuts=()):
    """What comes of edges that stand as the exchange would hand them over."""
    given_rows = both_ends(edges)
    bounds = [0, *sorted(min(cut, len(given_rows)) for cut in cuts), len(given_rows)]
    batches = (
        pa.RecordBatch.from_pylist(
            [{"node": node, "neighbour": neighbour} for node, neighbour in given_rows[start:end]], NEIGHBOUR_SCHEMA
        )
        for start, end in pairwise(bounds)
    )
    found = list(LargeStar().open()(batches))
    assert all(part.schema == CHANGED_SCHEMA for part in found)
    return [tuple(row.values()) for row in pa.Table.from_batches(found, CHANGED_SCHEMA).to_pylist()]


def test_larger_neighbours_go_to_the_smallest():
    # 5 has a smaller neighbour, so its larger ones leave it; 2 is the smallest, so its own stay.
    assert rows([(5, 2), (7, 5), (8, 5)]) == [(5, 2, False), (7, 2, True), (8, 2, True)]


def test_several_smaller_neighbours_are_news():
    assert rows([(5, 1), (5, 2), (5, 3)]) == [(5, 1, False), (5, 2, False), (5, 3, False), (5, 1, True)]


@given(EDGES)
def test_components_stay(edges):
    assert components_of_edges((node, other) for node, other, _ in rows(edges)) == components_of_edges(edges)


@given(EDGES)
def test_edges_point_down_and_hardly_grow(edges):
    found = rows(edges)
    assert all(node > neighbour for node, neighbour, _ in found)
    assert len(found) <= len({frozenset(edge) for edge in edges}) + len({node for edge in edges for node in edge})


@given(EDGES)
def test_nothing_is_news_if_and_only_if_the_graph_is_stars(edges):
    stars = stars_of(components_of_edges(edges))
    is_stars = {(max(edge), min(edge)) for edge in edges} == stars
    found = rows(edges)
    assert any(changed for *_, changed in found) == (not is_stars)
    if is_stars:
        assert sorted(found) == sorted((node, centre, False) for node, centre in stars)


@given(EDGES, st.lists(st.integers(0, 40), max_size=4))
def test_cutting_the_stream_changes_nothing(edges, cuts):
    assert rows(edges, cuts) == rows(edges)


@pytest.mark.parametrize("times", [1, 3])
def test_repeated_edges_are_one(times):
    assert rows([(5, 2), (7, 5)] * times) == [(5, 2, False), (7, 2, True)]
