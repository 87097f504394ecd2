import numpy as np
import pyarrow as pa
import pytest

from operators.dedup.band_rows import BUCKET_SCHEMA, BandRows, collision_probability
from operators.dedup.signature import column_of_signatures


def batch(signatures, positions, null=None):
    values = np.array(signatures, np.uint32)  # (D, K)
    missing = np.zeros(len(positions), np.bool_) if null is None else np.array(null)
    return pa.record_batch(
        {"minhash": column_of_signatures(values, missing), "position": pa.array(positions, pa.uint64())}
    )


def rows(*batches, num_bands=2, rows_per_band=2):
    found = list(BandRows(num_bands=num_bands, rows_per_band=rows_per_band).open()(iter(batches)))
    assert all(part.schema == BUCKET_SCHEMA for part in found)
    table = pa.Table.from_batches(found, BUCKET_SCHEMA)
    return table.column("bucket").to_pylist(), table.column("position").to_pylist()


def test_documents_meet_where_a_whole_band_is_equal():
    buckets, positions = rows(batch([[1, 2, 3, 4], [1, 2, 9, 9], [1, 9, 3, 4]], [10, 11, 12]))
    assert positions == [10, 10, 11, 11, 12, 12]
    first, second = buckets[0::2], buckets[1::2]
    assert first[0] == first[1] != first[2]
    assert second[0] == second[2] != second[1]


def test_equal_values_in_another_band_or_order_do_not_meet():
    buckets, _ = rows(batch([[1, 2, 1, 2], [2, 1, 2, 1], [0, 0, 0, 0]], [0, 1, 2]))
    assert len(set(buckets)) == 6


def test_buckets_are_frozen():
    """Another hash needs another version of the operator: its rows go into artifacts."""
    assert rows(batch([[1, 2, 3, 4]], [0]))[0] == [7296462047833842689, 10134412026121245530]


def test_documents_without_signature_have_no_rows():
    _, positions = rows(batch([[1, 2, 3, 4]] * 3, [5, 6, 7], null=[True, False, True]))
    assert positions == [6, 6]


def test_batches_do_not_matter():
    signatures = np.random.default_rng(1).integers(0, 3, (20, 4))
    whole = rows(batch(signatures, range(20)))
    assert rows(batch(signatures, range(20)).slice(0, 7), batch(signatures, range(20)).slice(7)) == whole


def test_buckets_are_spread_evenly():
    signatures = np.arange(4096 * 2, dtype=np.uint32).reshape(4096, 2)
    buckets, _ = rows(batch(signatures, range(4096)), num_bands=1)
    assert len(set(buckets)) == 4096
    for shift in (0, 24, 48, 60):
        share = np.bincount([bucket >> shift & 0xF for bucket in buckets], minlength=16) / 4096
        assert share.min() > 0.045  # 1/16 within five standard deviations
        assert share.max() < 0.082


def test_no_rows():
    assert rows(batch(np.empty((0, 4)), [])) == ([], [])


@pytest.mark.parametrize(
    ("jaccard", "num_bands", "rows_per_band", "probability"),
    [
        (0.0, 14, 8, 0.0),
        (1.0, 14, 8, 1.0),
        (0.5, 1, 1, 0.5),
        (0.5, 2, 1, 0.75),
        (0.5, 1, 2, 0.25),
        # datatrove's and Curator's settings, as published comparisons give them
        (0.8, 14, 8, 0.924),
        (0.7, 14, 8, 0.565),
        (0.8, 20, 13, 0.677),
    ],
)
def test_collision_probability(jaccard, num_bands, rows_per_band, probability):
    assert collision_probability(jaccard, num_bands, rows_per_band) == pytest.approx(probability, abs=0.0005)


@pytest.mark.parametrize("jaccard", [-0.1, 1.1])
def test_collision_probability_refuses_what_is_no_similarity(jaccard):
    with pytest.raises(ValueError, match=r"expected jaccard in 0\.\.1"):
        collision_probability(jaccard, 14, 8)


def test_collisions_are_as_frequent_as_predicted():
    rng = np.random.default_rng(5)
    num_pairs, jaccard = 4000, 0.7
    one = rng.integers(0, 1 << 32, (num_pairs, 112), dtype=np.uint32)
    other = np.where(rng.random(one.shape) < jaccard, one, rng.integers(0, 1 << 32, one.shape, dtype=np.uint32))
    first, second = (
        np.array(rows(batch(part, range(num_pairs)), num_bands=14, rows_per_band=8)[0]).reshape(-1, 14)
        for part in (one, other)
    )
    share = (first == second).any(axis=1).mean()
    assert share == pytest.approx(collision_probability(jaccard, 14, 8), abs=0.032)  # four standard deviations
