import numpy as np
import pyarrow as pa
import pytest

import operators.dedup.band_rows as band_rows_module
from operators.dedup.band_rows import BUCKET_SCHEMA, BandRows
from operators.dedup.signature import column_of_values
from tests.graphs import components_of_buckets

DRAWN = np.random.default_rng(1).integers(0, 12, (40, 2))


def batch(buckets, positions=None, null=None):
    values = np.array(buckets, np.uint64)  # (D, num_bands)
    places = range(len(values)) if positions is None else positions
    missing = np.zeros(len(values), np.bool_) if null is None else np.array(null)
    return pa.record_batch(
        {"minhash_buckets": column_of_values(values, missing), "position": pa.array(places, pa.uint64())}
    )


def rows(*batches, num_bands=2):
    found = list(BandRows(num_bands=num_bands).open()(iter(batches)))
    assert all(part.schema == BUCKET_SCHEMA for part in found)
    table = pa.Table.from_batches(found, BUCKET_SCHEMA)
    return list(zip(table.column("bucket").to_pylist(), table.column("position").to_pylist(), strict=True))


def test_buckets_of_documents_that_meet_nobody():
    assert rows(batch([[7, 8], [9, 6]], [10, 11])) == [(7, 10), (8, 10), (9, 11), (6, 11)]


def test_a_shared_bucket_has_one_row():
    (tree, first), *own, (same_tree, second), last = rows(batch([[7, 8], [7, 9]], [10, 11]))
    assert (tree, first, second) == (same_tree, 10, 11)
    assert own == [(7, 10), (8, 10)]
    assert last == (9, 10)  # the tree's first document stands for the second one


def test_documents_without_buckets_have_no_rows():
    assert rows(batch([[1, 2]] * 3, [5, 6, 7], null=[True, False, True])) == [(1, 6), (2, 6)]


@pytest.mark.parametrize("chunk", [1, 7, 20, 40])
def test_batches_do_not_matter(monkeypatch, chunk):
    monkeypatch.setattr(band_rows_module, "CHUNK_BUCKETS", 2 * chunk)
    null = np.arange(40) % 5 == 0
    whole = batch(DRAWN, null=null)
    for cut in (0, 7, 13, 39):
        assert rows(whole.slice(0, cut), whole.slice(cut)) == rows(whole)


@pytest.mark.parametrize("chunk", [1, 7, 20, 40])
def test_chunks_join_the_same_documents(monkeypatch, chunk):
    monkeypatch.setattr(band_rows_module, "CHUNK_BUCKETS", 2 * chunk)
    expected = components_of_buckets((int(bucket), at) for at, row in enumerate(DRAWN) for bucket in row)
    assert components_of_buckets(rows(batch(DRAWN))) == expected


def test_a_hot_bucket_sends_one_row_a_chunk(monkeypatch):
    monkeypatch.setattr(band_rows_module, "CHUNK_BUCKETS", 2 * 10)
    buckets = [[7, 100 + at] for at in range(35)]
    assert [bucket for bucket, _ in rows(batch(buckets))].count(7) == 4


def test_no_rows():
    assert rows(batch(np.empty((0, 2)), [])) == []
