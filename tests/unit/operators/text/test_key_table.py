import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.key_table import add_key, empty_table, key_table_for

MAX_KEYS = 64


@settings(deadline=None, derandomize=True)
@given(st.lists(st.lists(st.one_of(st.integers(0, 40), st.integers(0, 2**64 - 1)), max_size=MAX_KEYS), max_size=5))
def test_a_key_is_known_from_its_second_time_on_and_forgotten_in_the_next_table(tables):
    table = key_table_for(MAX_KEYS)
    for keys in tables:
        mask, stamp = empty_table(np.uintp(len(keys)), table)
        seen = set()
        for key in keys:
            assert add_key(np.uint64(key), mask, stamp, table) == (key in seen)
            seen.add(key)


@pytest.mark.parametrize("max_keys", [0, 1, 7, 8, 9, 100, 1 << 12, (1 << 12) + 1])
def test_a_table_fits_its_memory_and_stays_half_empty(max_keys):
    table = key_table_for(max_keys)
    mask, _ = empty_table(np.uintp(max_keys), table)
    num_slots = int(mask) + 1
    assert num_slots & int(mask) == 0
    assert 2 * max_keys <= num_slots <= len(table.keys)
