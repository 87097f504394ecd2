import numpy as np
import pytest

from operators.dedup.buckets import collision_probability, fill_buckets


def buckets_of(signatures, num_bands=2):
    """(D, num_bands) buckets of (D, K) signatures."""
    values = np.array(signatures, np.uint32)
    out = np.empty((len(values), num_bands), np.uint64)
    for row, one in zip(out, values, strict=True):
        fill_buckets(one, values.shape[1] // num_bands, row)
    return out


def test_documents_meet_where_a_whole_band_is_equal():
    first, second = buckets_of([[1, 2, 3, 4], [1, 2, 9, 9], [1, 9, 3, 4]]).T
    assert first[0] == first[1] != first[2]
    assert second[0] == second[2] != second[1]


def test_equal_values_in_another_band_or_order_do_not_meet():
    assert len(np.unique(buckets_of([[1, 2, 1, 2], [2, 1, 2, 1], [0, 0, 0, 0]]))) == 6


def test_the_whole_value_counts():
    assert len(np.unique(buckets_of([[1 << bit] for bit in range(32)], num_bands=1))) == 32


def test_buckets_are_frozen():
    """Another hash needs another version of the operator: buckets go into artifacts."""
    assert buckets_of([[1, 2, 3, 4]]).tolist() == [[7296462047833842689, 10134412026121245530]]


def test_buckets_are_spread_evenly():
    buckets = buckets_of(np.arange(4096 * 2).reshape(4096, 2), num_bands=1).reshape(-1)
    assert len(np.unique(buckets)) == 4096
    for shift in (0, 24, 48, 60):
        share = np.bincount(buckets >> np.uint64(shift) & np.uint64(0xF), minlength=16) / 4096
        assert share.min() > 0.045  # 1/16 within five standard deviations
        assert share.max() < 0.082


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
    share = (buckets_of(one, 14) == buckets_of(other, 14)).any(axis=1).mean()
    assert share == pytest.approx(collision_probability(jaccard, 14, 8), abs=0.032)  # four standard deviations
