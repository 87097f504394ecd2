"""Documents of a sample in a stream, and what is measured of their pairs."""

import numpy as np
import pyarrow as pa
import pytest

from operators.dedup.sample_pairs import Pairs
from operators.dedup.sampled_documents import SampledDocuments
from pipeline.document import POSITION_TYPE
from tests.unit.operators.dedup.test_dedup_report import bucket_column

PAIRS = Pairs(
    num_documents=9,
    documents=np.array([1, 4, 5], np.uint64),
    candidates=np.array([4, 3, 6], np.uint64),
    similarities=np.array([0.5, 0.25, 0.75]),
)


def rows():
    """Of document 6 there is no set, and document 2 is not in the sample."""
    return pa.record_batch(
        {
            "position": pa.array([1, 2, 3, 4, 5, 6], POSITION_TYPE),
            "minhash_buckets": bucket_column([[1, 2], None, [3, 4], [1, 4], [9, 9], [9, 9]]),
            "sampled_shingles": pa.array([[1, 2, 3], None, [7], [2, 3, 7, 8], [1], None], pa.list_(pa.uint32())),
        }
    )


@pytest.mark.parametrize("batch_rows", [1, 2, 6])
def test_pairs_are_measured_in_any_batches(batch_rows):
    found = SampledDocuments(PAIRS, num_bands=2)
    for batch in pa.Table.from_batches([rows()]).to_batches(batch_rows):
        found.add(batch)
    measured = found.measured()
    assert measured.exact.tolist() == [2 / 5, 1 / 4]
    assert measured.estimated.tolist() == [0.5, 0.25]
    assert measured.shared_bands.tolist() == [1, 1]


def test_without_rows_nothing_is_measured():
    assert SampledDocuments(PAIRS, num_bands=2).measured().exact.tolist() == []
