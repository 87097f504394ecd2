import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from operators.text.sorted_values import num_below

SMALL = st.integers(0, 30)


@given(st.lists(SMALL), SMALL)
def test_it_is_where_a_value_would_go_before_its_equals(values, bound):
    ascending = np.sort(np.array(values, np.uint64))
    assert num_below(ascending, np.uint64(bound)) == np.searchsorted(ascending, np.uint64(bound))
