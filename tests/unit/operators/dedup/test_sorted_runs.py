from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.dedup.sorted_runs import begins_run, binary16_words, first_of_run, whole_keys

KEYS = st.lists(st.integers(0, 5), max_size=40).map(sorted)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(KEYS)
def test_first_of_run_is_the_first_index_of_the_key(keys):
    found = first_of_run(begins_run(np.array(keys, np.uint64)))
    assert found.tolist() == [keys.index(key) for key in keys]


@settings(deadline=None, derandomize=True, max_examples=50)
@given(KEYS, st.integers(0, 3))
def test_binary_keys_differ_in_any_of_their_bytes(keys, offset):
    # The key's number goes into another byte each time, in the first and in the second word.
    values = [bytes(key if place == 3 * key else 0 for place in range(16)) for key in keys]
    column = pa.array([b"\xff" * 16] * offset + values, pa.binary(16)).slice(offset)
    found = first_of_run(begins_run(binary16_words(column)))
    assert found.tolist() == [keys.index(key) for key in keys]


@settings(deadline=None, derandomize=True, max_examples=50)
@given(KEYS, st.data())
def test_whole_keys_parts_no_key_and_loses_no_row(keys, data):
    batch = pa.record_batch({"key": pa.array(keys, pa.uint64()), "row": pa.array(range(len(keys)), pa.int64())})
    bounds = [0, *sorted(data.draw(st.lists(st.integers(0, len(keys)), max_size=8))), len(keys)]
    stream = (batch.slice(start, stop - start) for start, stop in pairwise(bounds))
    found = list(whole_keys(stream, "key"))
    assert [row for part in found for row in part["row"].to_pylist()] == list(range(len(keys)))
    seen = [set(part["key"].to_pylist()) for part in found]
    assert all(seen)
    assert sum(map(len, seen)) == len(set(keys))
