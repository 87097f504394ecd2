"""What probability theory expects, held against all the ways in which bands can be equal; and the sums of pairs."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.dedup.calibration import (
    Banding,
    Measured,
    calibration,
    expected_estimates,
    expected_shared_bands,
    fill_similarities,
)

LAWS = settings(deadline=None, derandomize=True, max_examples=60)
SETS = st.lists(st.sets(st.integers(0, 12), max_size=8), min_size=1, max_size=6)


def enumerated(jaccard, banding):
    """The means over all patterns of equal values in which a band is equal: (shared bands, share of equal values)."""
    num_bands, rows = banding
    weight = shared = equal = 0.0
    for pattern in product((True, False), repeat=num_bands * rows):
        bands = [all(pattern[band * rows : (band + 1) * rows]) for band in range(num_bands)]
        if any(bands):
            probability = jaccard ** sum(pattern) * (1 - jaccard) ** (len(pattern) - sum(pattern))
            weight += probability
            shared += probability * sum(bands)
            equal += probability * sum(pattern) / len(pattern)
    return shared / weight, equal / weight


@pytest.mark.parametrize("jaccard", [0.05, 0.3, 0.5, 0.77, 0.95, 1.0])
@pytest.mark.parametrize("banding", [Banding(1, 3), Banding(3, 2), Banding(4, 3), Banding(5, 1)])
def test_expectations_are_means_over_all_pairs_that_meet(jaccard, banding):
    shared, equal = enumerated(jaccard, banding)
    assert expected_shared_bands(np.array([jaccard]), banding)[0] == pytest.approx(shared, rel=1e-9)
    assert expected_estimates(np.array([jaccard]), banding)[0] == pytest.approx(equal, rel=1e-9)


def test_expectations_have_their_limits():
    """A pair without a shared shingle meets by the accident of a hash alone."""
    for none in (0.0, 1e-60, 1e-9):
        assert expected_shared_bands(np.array([none]), Banding(14, 8))[0] == pytest.approx(1)
        assert expected_estimates(np.array([none]), Banding(14, 8))[0] == pytest.approx(1 / 14)
    assert expected_estimates(np.array([1.0]), Banding(450, 20))[0] == 1


@LAWS
@given(sets=SETS, data=st.data())
def test_similarities_are_exact(sets, data):
    pairs = data.draw(st.lists(st.tuples(*[st.integers(0, len(sets) - 1)] * 2), max_size=6))
    values = np.array([value for one in sets for value in sorted(one)], np.uint32)
    ends = np.cumsum([len(one) for one in sets]).astype(np.int64)
    starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    found = np.empty(len(pairs))
    ones, others = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    fill_similarities(values, starts, ends, ones, others, found)
    assert found.tolist() == [
        len(sets[one] & sets[other]) / len(sets[one] | sets[other]) if sets[one] | sets[other] else 0.0
        for one, other in pairs
    ]


def test_pairs_are_summed_by_tenths():
    pairs = Measured(np.array([0.7, 0.75, 1.0, 0.65]), np.array([0.8, 0.65, 1.0, 0.75]), np.array([2, 1, 4, 1]))
    found = calibration(pairs, Banding(4, 2), verify_at=0.7)
    assert [(tenth["from"], tenth["pairs"]) for tenth in found["tenths"]] == [
        (tenth / 10, {6: 1, 7: 2, 9: 1}.get(tenth, 0)) for tenth in range(10)
    ]
    seventh = found["tenths"][7]
    assert (seventh["exact"], seventh["estimated"], seventh["bias"]) == (0.725, 0.725, 0.0)
    assert seventh["rmse"] == pytest.approx(0.1)
    assert seventh["expected_rmse"] == pytest.approx(((0.21 + 0.1875) / 2 / 8) ** 0.5, abs=1e-6)
    assert seventh["shared_bands"] == 1.5
    assert found["tenths"][0]["rmse"] is None
    assert (found["pairs"], found["values"], found["shared_bands"]) == (4, 8, 2.0)
    assert (found["above_by_estimate_alone"], found["above_exactly_alone"]) == (1, 1)


def test_without_a_threshold_none_is_compared_with():
    none = Measured(np.empty(0), np.empty(0), np.empty(0, np.int64))
    found = calibration(none, Banding(20, 20), verify_at=None)
    assert "verify_at" not in found
    assert (found["pairs"], found["exact"], found["values"]) == (0, None, 256)


def test_pairs_drawn_as_signatures_are_behave_as_expected():
    """A simulation: values are equal with probability J, and pairs without an equal band are never seen."""
    rng = np.random.default_rng(5)
    banding, similarities = Banding(14, 8), rng.uniform(0.4, 1, 60_000)
    equal = rng.random((len(similarities), 14, 8), np.float32) < similarities[:, None, None]
    shared = equal.all(axis=2).sum(axis=1)
    pairs = Measured(similarities, equal.mean(axis=(1, 2)), shared).where(shared > 0)
    for tenth in calibration(pairs, banding, None)["tenths"][4:]:
        error = 4 * 0.048 / tenth["pairs"] ** 0.5
        assert abs(tenth["bias"] - tenth["expected_bias"]) < error, tenth
        assert abs(tenth["shared_bands"] - tenth["expected_shared_bands"]) < 4 * 4 / tenth["pairs"] ** 0.5, tenth
