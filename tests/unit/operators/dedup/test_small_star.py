from itertools import pairwise

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from operators.dedup.large_star import CHANGED_SCHEMA
from operators.dedup.small_star import SmallStar
from tests.graphs import components_of_edges

EDGES = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.booleans()).filter(lambda edge: edge[0] > edge[1]), max_size=20
)


def rows(edges, cuts=()):
    """What comes of (node, neighbour, changed) as the exchange would hand them over; each edge once a direction."""
    given_rows = sorted(edges, key=lambda edge: edge[:2])
    bounds = [0, *sorted(min(cut, len(given_rows)) for cut in cuts), len(given_rows)]
    batches = (
        pa.RecordBatch.from_pylist(
            [dict(zip(CHANGED_SCHEMA.names, row, strict=True)) for row in given_rows[start:end]], CHANGED_SCHEMA
        )
        for start, end in pairwise(bounds)
    )
    found = list(SmallStar().open()(batches))
    assert all(part.schema == CHANGED_SCHEMA for part in found)
    return [tuple(row.values()) for row in pa.Table.from_batches(found, CHANGED_SCHEMA).to_pylist()]


def test_smaller_neighbours_go_to_the_smallest():
    assert rows([(9, 2, False), (9, 5, False), (9, 7, True)]) == [
        (9, 2, False), (2, 9, False), (5, 2, False), (2, 5, False), (7, 2, True), (2, 7, True)
    ]  # fmt: skip


@given(EDGES)
def test_components_stay(edges):
    expected = components_of_edges((one, other) for one, other, _ in edges)
    assert components_of_edges((one, other) for one, other, _ in rows(edges)) == expected


@given(EDGES)
def test_every_edge_has_both_ends(edges):
    found = rows(edges)
    assert found[1::2] == [(neighbour, node, changed) for node, neighbour, changed in found[0::2]]


@given(EDGES)
def test_news_are_neither_lost_nor_made(edges):
    assert any(changed for *_, changed in rows(edges)) == any(changed for *_, changed in edges)


@given(EDGES, st.lists(st.integers(0, 20), max_size=4))
def test_cutting_the_stream_changes_nothing(edges, cuts):
    assert rows(edges, cuts) == rows(edges)


def test_repeated_edges_are_one_and_one_more_if_they_are_news():
    assert rows([(5, 2, False)] * 3) == [(5, 2, False), (2, 5, False)]
    assert rows([(5, 2, True)] * 3) == [(5, 2, True), (2, 5, True)]
    late = [(5, 2, False), (5, 2, False), (5, 2, True), (5, 2, True), (5, 2, False)]
    assert rows(late)[::2] == [(5, 2, False), (5, 2, True)]
