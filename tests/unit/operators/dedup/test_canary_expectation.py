"""Removal probabilities against simulation, and where they are known."""

import numpy as np
import pytest

from operators.dedup.buckets import collision_probability
from operators.dedup.canary_expectation import removal_probability
from operators.dedup.choose_survivors import ChooseSurvivors


@pytest.mark.parametrize(
    ("num_bands", "rows_per_band", "jaccard", "verify_at"),
    [(14, 8, 0.7, 0.7), (14, 8, 0.8, 0.7), (14, 8, 0.6, 0.7), (40, 9, 0.75, 0.7), (5, 3, 0.5, 0.6)],
)
def test_the_joint_probability_is_that_of_random_signatures(
    num_bands: int, rows_per_band: int, jaccard: float, verify_at: float
) -> None:
    draws = 40_000
    equal = np.random.default_rng(1).random((draws, num_bands, rows_per_band)) < jaccard
    shares = equal.reshape(draws, -1)[:, :256].mean(axis=1)
    simulated = (equal.all(axis=2).any(axis=1) & (shares >= verify_at)).mean()
    chooser = ChooseSurvivors(num_bands=num_bands, rows_per_band=rows_per_band, verify_at=verify_at)
    expected = removal_probability(jaccard, chooser)
    assert simulated == pytest.approx(expected, abs=4 * np.sqrt(0.25 / draws))


def test_exact_verification_is_a_step_and_none_is_the_curve() -> None:
    exact = ChooseSurvivors(verify="jaccard", verify_at=0.8)
    assert removal_probability(0.79, exact) == 0
    assert removal_probability(0.8, exact) == collision_probability(0.8, 14, 8)
    assert removal_probability(0.3, ChooseSurvivors(verify="off")) == collision_probability(0.3, 14, 8)


@pytest.mark.parametrize("verify", ["signature", "jaccard", "off"])
def test_copies_are_removed_and_strangers_stay(verify: str) -> None:
    chooser = ChooseSurvivors.model_validate({"verify": verify})
    assert removal_probability(1.0, chooser) == pytest.approx(1)
    assert removal_probability(0.0, chooser) == 0
