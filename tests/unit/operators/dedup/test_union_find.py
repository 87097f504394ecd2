import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.dedup.union_find import find_root, flatten, singletons, unite
from tests.graphs import components_of_edges

SIZE = 12
EDGES = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)), max_size=30)


@pytest.mark.parametrize("kind", [np.uint32, np.uint64])
@given(EDGES)
def test_the_smallest_node_is_the_root_whatever_the_order(kind, edges):
    expected = list(range(SIZE))
    for component in components_of_edges(edges):
        for node in component:
            expected[node] = min(component)
    for order in (edges, edges[::-1]):
        parent = singletons(SIZE).astype(kind)
        for one, other in order:
            unite(parent, np.uintp(one), np.uintp(other))
        assert [int(find_root(parent.copy(), np.uintp(node))) for node in range(SIZE)] == expected
        flatten(parent)
        assert parent.tolist() == expected


def test_few_nodes_take_four_bytes_each():
    assert singletons(3).dtype == np.uint32
