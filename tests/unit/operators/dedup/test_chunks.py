"""Chunks do not depend on how the stream was cut before."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.dedup.chunks import fixed_chunks


@given(st.lists(st.integers(0, 9), max_size=8), st.integers(1, 7))
def test_chunks_have_the_same_rows_and_fixed_sizes(sizes: list[int], num_rows: int):
    total = sum(sizes)
    rows, pairs = np.arange(total), np.arange(2 * total).reshape(total, 2)
    ends = np.cumsum([0, *sizes])
    parts = [(rows[start:stop], pairs[start:stop]) for start, stop in pairwise(ends)]
    chunks = list(fixed_chunks(iter(parts), num_rows))
    assert [len(numbers) for numbers, _ in chunks[:-1]] == [num_rows] * (len(chunks) - 1)
    assert len(chunks) == -(-total // num_rows)
    if total:
        assert np.concatenate([numbers for numbers, _ in chunks]).tolist() == rows.tolist()
        assert np.concatenate([both for _, both in chunks]).tolist() == pairs.tolist()


@pytest.mark.parametrize("sizes", [[], [0], [0, 0]])
def test_no_rows_are_no_chunk(sizes: list[int]):
    assert list(fixed_chunks([(np.arange(size),) for size in sizes], 3)) == []
