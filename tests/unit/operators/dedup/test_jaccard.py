import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.dedup.jaccard import jaccard, sort_distinct

VALUES = st.lists(st.integers(0, 12) | st.integers(0, 2**32 - 1), max_size=60)


@settings(deadline=None, derandomize=True)
@given(VALUES)
def test_sorts_and_keeps_one_of_each(values):
    array = np.array(values, np.uint32)
    num = sort_distinct(array, np.empty_like(array))
    assert array[:num].tolist() == sorted(set(values))


@settings(deadline=None, derandomize=True)
@given(VALUES, VALUES)
def test_is_the_share_of_the_union_that_both_have(one, other):
    one, other = set(one), set(other)
    found = jaccard(*(np.array(sorted(values), np.uint32) for values in (one, other)))
    assert found == (len(one & other) / len(one | other) if one | other else 0.0)


@pytest.mark.parametrize(("one", "other", "similarity"), [([], [], 0), ([1], [], 0), ([1, 2], [2, 3], 1 / 3)])
def test_examples(one, other, similarity):
    assert jaccard(np.array(one, np.uint32), np.array(other, np.uint32)) == similarity
