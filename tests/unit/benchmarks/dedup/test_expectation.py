import numpy as np
import pytest

from benchmarks.dedup.expectation import detection_probability
from operators.dedup.buckets import collision_probability


def test_without_verification_it_is_the_probability_of_a_common_bucket():
    jaccards = np.linspace(0, 1, 21)
    expected = [collision_probability(value, 14, 8) for value in jaccards]
    assert detection_probability(jaccards) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("value", [0.6, 0.7, 0.8])
def test_with_verification_it_is_what_drawing_values_gives(value):
    drawn = np.random.default_rng(7).random((20_000, 14, 8)) < value
    share = (drawn.all(axis=2).any(axis=1) & (drawn.mean(axis=(1, 2)) >= 0.7)).mean()
    (found,) = detection_probability(np.array([value]), verify_at=0.7)
    assert found == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 20_000))


def test_equal_documents_are_always_found():
    assert detection_probability(np.array([1.0]), verify_at=1.0) == pytest.approx([1.0])
