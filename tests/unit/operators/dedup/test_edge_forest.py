from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import operators.dedup.edge_forest as edge_forest_module
from operators.dedup.edge_forest import NEIGHBOUR_SCHEMA, EdgeForest
from tests.graphs import components_of_edges, stars_of

EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20)


def rows(edges, cuts=()):
    batch = pa.record_batch(
        {name: pa.array([edge[end] for edge in edges], pa.uint64()) for end, name in enumerate(("document", "hub"))}
    )
    bounds = [0, *sorted(min(cut, len(edges)) for cut in cuts), len(edges)]
    found = list(EdgeForest().open()(batch.slice(start, end - start) for start, end in pairwise(bounds)))
    assert all(part.schema == NEIGHBOUR_SCHEMA for part in found)
    return [tuple(row.values()) for row in pa.Table.from_batches(found, NEIGHBOUR_SCHEMA).to_pylist()]


@given(EDGES)
def test_one_chunk_leaves_stars_from_both_ends(edges):
    stars = stars_of(components_of_edges(edges))
    found = rows(edges)
    assert len(found) == 2 * len(stars)
    assert set(found) == stars | {(centre, node) for node, centre in stars}


@pytest.mark.parametrize("chunk", [1, 3, 100])
@given(edges=EDGES, cuts=st.lists(st.integers(0, 20), max_size=3))
def test_chunks_join_the_same_and_batches_do_not_matter(chunk, edges, cuts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edge_forest_module, "CHUNK_EDGES", chunk)
        assert components_of_edges(rows(edges)) == components_of_edges(edges)
        assert rows(edges, cuts) == rows(edges)


def test_positions_of_all_shards():
    far = (7 << 32) | 5
    assert rows([(far, 3)]) == [(far, 3), (3, far)]
