"""The fit is the minimum: no slope is left there, and it is far from trivial."""

import numpy as np
import pytest

from operators.scorer.logistic_regression import fit, probabilities, solve


def examples(num_examples=300, num_features=7):
    draw = np.random.default_rng(3)
    features = draw.normal(size=(num_examples, num_features)).astype(np.float32)
    truth = draw.normal(size=num_features)
    return features, features @ truth + draw.normal(size=num_examples) > 0.3


@pytest.mark.parametrize("l2", [1e-6, 1e-2, 1.0])
def test_no_slope_is_left(l2):
    features, is_positive = examples()
    weights = fit(features, is_positive, l2)
    found = np.empty(len(features))
    probabilities(features, weights, found)
    rows = np.column_stack([features, np.ones(len(features))]).astype(np.float64)
    slopes = rows.T @ (found - is_positive) / len(features) + l2 * np.append(weights[:-1], 0)
    assert np.abs(slopes).max() < 1e-6
    assert ((found > 0.5) == is_positive).mean() > 0.7


def test_classes_that_a_plane_parts_have_finite_weights():
    features = np.array([[-2], [-1], [1], [2]], np.float32)
    weights = fit(features, np.array([False, False, True, True]), 1e-3)
    assert np.isfinite(weights).all()
    assert weights[0] > 1


def test_a_system_is_solved():
    draw = np.random.default_rng(1)
    root = draw.normal(size=(6, 6))
    matrix, right = root @ root.T + np.eye(6), draw.normal(size=6)
    assert np.allclose(matrix @ solve(matrix, right), right)
