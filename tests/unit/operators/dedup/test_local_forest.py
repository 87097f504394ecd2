from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from operators.dedup.local_forest import bucket_table, combined_rows
from tests.graphs import components_of_buckets

TABLE = bucket_table(32)
"""Shared by all tests: it must not remember what it held."""


@st.composite
def chunks(draw):
    num_bands = draw(st.integers(1, 4))
    # Few values, so that documents meet; numbers that share low bits, so that slots do.
    bucket = st.sampled_from([0, 1, 2, 64, 128, 1 << 40, 2**64 - 1])
    rows = draw(st.lists(st.lists(bucket, min_size=num_bands, max_size=num_bands), max_size=32))
    return np.array(rows, np.uint64).reshape(-1, num_bands)


def rows_of(buckets, positions=None):
    places = np.arange(len(buckets), dtype=np.uint64) if positions is None else np.array(positions, np.uint64)
    found, at = combined_rows(buckets, places, TABLE)
    return list(zip(found.tolist(), at.tolist(), strict=True))


def every_row(buckets):
    return [(int(bucket), document) for document, row in enumerate(buckets) for bucket in row]


@given(chunks())
def test_the_same_documents_are_joined(buckets):
    assert components_of_buckets(rows_of(buckets)) == components_of_buckets(every_row(buckets))


@given(chunks())
def test_a_bucket_of_a_band_has_one_row_and_a_joined_document_one_more(buckets):
    rows = rows_of(buckets)
    distinct = sum(len(set(band.tolist())) for band in buckets.T)
    # A document's own bucket in two bands that hold equal numbers counts in both; so do the joins of each band alone.
    joined = components_of_buckets(
        ((band, int(bucket)), document) for document, row in enumerate(buckets) for band, bucket in enumerate(row)
    )
    assert len(rows) == distinct + sum(map(len, joined))


def test_a_bucket_that_all_share_sends_one_row():
    buckets = np.array([[7, 100 + document] for document in range(30)], np.uint64)
    rows = Counter(bucket for bucket, _ in rows_of(buckets))
    assert rows[7] == 1
    assert sorted(rows.values())[-2:] == [1, 30]  # the other one is the bucket of the tree


def test_a_row_names_the_first_document_of_its_tree():
    """So that equal edges meet: the tree's documents need no edges of their own to what they share with others."""
    buckets = np.array([[1, 2], [1, 3], [4, 3], [5, 6]], np.uint64)
    rows = rows_of(buckets, positions=[10, 11, 12, 13])
    own = {bucket: node for bucket, node in rows if bucket in range(1, 7)}
    assert own == {1: 10, 2: 10, 3: 10, 4: 10, 5: 13, 6: 13}
    assert [node for bucket, node in rows if bucket not in own] == [10, 11, 12]


def test_trees_have_buckets_of_their_own():
    buckets = np.array([[1], [2], [1], [2]], np.uint64)
    trees = {bucket for bucket, _ in rows_of(buckets)} - {1, 2}
    assert len(trees) == 2
    # Another chunk's tree is another bucket, though it lies at the same rows.
    assert trees.isdisjoint(bucket for bucket, _ in rows_of(buckets, positions=[8, 9, 10, 11]))


def test_rows_are_frozen():
    """Other rows need another version of the operator: they decide the order of edges."""
    assert rows_of(np.array([[1, 2], [1, 3]], np.uint64)) == [
        (mixed := 11286133854226296554, 0),
        (1, 0),
        (2, 0),
        (mixed, 1),
        (3, 0),
    ]


def test_no_documents():
    assert rows_of(np.empty((0, 3), np.uint64)) == []
