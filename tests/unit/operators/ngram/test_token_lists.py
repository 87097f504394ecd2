"""Columns of token ids as arrays."""

import pyarrow as pa

from operators.ngram.token_lists import token_lists


def test_nulls_and_slices() -> None:
    column = pa.array([[9], [1, 2], None, [], [3]], pa.large_list(pa.uint32())).slice(1)
    ids, offsets = token_lists(column)
    assert (ids.tolist(), offsets.tolist()) == ([1, 2, 3], [0, 2, 2, 2, 3])


def test_no_documents() -> None:
    ids, offsets = token_lists(pa.array([], pa.large_list(pa.uint32())))
    assert (ids.tolist(), offsets.tolist()) == ([], [0])
