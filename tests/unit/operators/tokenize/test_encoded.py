"""Ids of many documents as two arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.tokenize.encoded import Encoded, encoded, from_documents, joined, overlaid, tokens_column

Documents = st.lists(st.lists(st.integers(0, 2**32 - 1), max_size=5), max_size=6)


def laid(documents: list[list[int]]) -> Encoded:
    return from_documents([np.array(ids, np.uint32) for ids in documents])


def apart(found: Encoded) -> list[list[int]]:
    return [found.ids[begin:end].tolist() for begin, end in zip(found.bounds, found.bounds[1:], strict=False)]


@given(parts=st.lists(Documents, max_size=4))
def test_parts_stand_one_after_the_other(parts: list[list[list[int]]]) -> None:
    assert apart(joined([laid(part) for part in parts])) == [ids for part in parts for ids in part]


def test_one_part_is_not_copied() -> None:
    part = laid([[1], [2, 3]])
    assert joined([part]) is part


@given(documents=Documents, data=st.data())
def test_a_later_part_covers_an_earlier(documents: list[list[int]], data: st.DataObject) -> None:
    covered = data.draw(st.lists(st.booleans(), min_size=len(documents), max_size=len(documents)))
    below = laid([[9, 9] if cover else ids for ids, cover in zip(documents, covered, strict=True)])
    rows = np.flatnonzero(np.array(covered, np.bool_))
    above = laid([documents[row] for row in rows])
    assert apart(overlaid(len(documents), [(np.arange(len(documents)), below), (rows, above)])) == documents


@given(
    documents=Documents,
    first=st.lists(st.integers(0, 9), max_size=1),
    last=st.lists(st.integers(0, 9), max_size=1),
)
def test_tokens_stand_around_documents_that_have_any(documents, first: list[int], last: list[int]) -> None:
    column, lengths = tokens_column(laid(documents), np.array(first, np.uint32), np.array(last, np.uint32))
    column.validate(full=True)
    assert column.to_pylist() == [[*first, *ids, *last] if ids else [] for ids in documents]
    assert lengths.tolist() == [len(ids) for ids in column.to_pylist()]


def test_nothing_is_copied_where_nothing_is_added() -> None:
    documents = laid([[1, 2], [3]])
    none = np.empty(0, np.uint32)
    column, _ = tokens_column(documents, none, none)
    assert column.values.buffers()[1].address == documents.ids.ctypes.data


def test_arrays_are_read_only() -> None:
    pair = encoded(np.zeros(1, np.uint32), np.array([0, 1]))
    with pytest.raises(ValueError, match="read-only"):
        pair.ids[0] = 1
