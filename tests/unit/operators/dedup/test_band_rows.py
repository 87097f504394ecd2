import numpy as np
import pyarrow as pa

from operators.dedup.band_rows import BUCKET_SCHEMA, BandRows
from operators.dedup.signature import column_of_lists


def batch(buckets, positions, null=None):
    values = np.array(buckets, np.uint64)  # (D, num_bands)
    missing = np.zeros(len(positions), np.bool_) if null is None else np.array(null)
    return pa.record_batch(
        {"minhash_buckets": column_of_lists(values, missing), "position": pa.array(positions, pa.uint64())}
    )


def rows(*batches, num_bands=2):
    found = list(BandRows(num_bands=num_bands).open()(iter(batches)))
    assert all(part.schema == BUCKET_SCHEMA for part in found)
    table = pa.Table.from_batches(found, BUCKET_SCHEMA)
    return table.column("bucket").to_pylist(), table.column("position").to_pylist()


def test_a_row_for_every_bucket():
    assert rows(batch([[7, 8], [7, 9]], [10, 11])) == ([7, 8, 7, 9], [10, 10, 11, 11])


def test_documents_without_buckets_have_no_rows():
    assert rows(batch([[1, 2]] * 3, [5, 6, 7], null=[True, False, True])) == ([1, 2], [6, 6])


def test_batches_do_not_matter():
    buckets = np.random.default_rng(1).integers(0, 3, (20, 2))
    whole = rows(batch(buckets, range(20)))
    assert rows(batch(buckets, range(20)).slice(0, 7), batch(buckets, range(20)).slice(7)) == whole


def test_no_rows():
    assert rows(batch(np.empty((0, 2)), [])) == ([], [])
