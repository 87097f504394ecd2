"""Logistic regression by Newton's method, in kernels that add up in one order whatever the machine's libraries do.

Letters are: N examples, F features, W = F + 1 weights, the bias last.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.kernel import kernel
from pipeline.operator import BoolArray, FloatArray

Features = npt.NDArray[np.float32]

MAX_STEPS: Final = 100
TOLERANCE: Final = 1e-10
"""Newton's method has converged where the mean loss falls by less."""
LEAST_BEND: Final = 1e-9
"""Of the loss by the bias, which is 0 in float64 where every probability is 0 or 1."""
SMALLEST_STEP: Final = 2.0**-20


def fit(features: Features, is_positive: BoolArray, l2: float) -> FloatArray:
    """The (W,) weights that make the mean log loss plus l2 / 2 times the squared weights, the bias aside, least."""
    targets = is_positive.astype(np.float64)
    weights = np.zeros(features.shape[1] + 1)
    gradient, hessian = np.empty(len(weights)), np.empty((len(weights), len(weights)))
    loss: float = loss_and_slopes(features, targets, weights, l2, gradient, hessian)
    for _ in range(MAX_STEPS):
        step = solve(hessian, gradient)
        size = 1.0
        while size >= SMALLEST_STEP:
            tried = weights - size * step
            found = loss_and_slopes(features, targets, tried, l2, gradient, hessian)
            if found <= loss:
                break
            size /= 2
        else:
            break  # no lower loss is to be had in this direction
        weights, fallen, loss = tried, loss - found, found
        if fallen < TOLERANCE:
            break
    return weights


@kernel
def loss_and_slopes(
    features: Features, targets: FloatArray, weights: FloatArray, l2: float, gradient: FloatArray, hessian: FloatArray
) -> float:
    """The loss at `weights`; fills the (W,) gradient and the (W, W) Hessian there, of which the lower half counts."""
    num_examples, num_features = features.shape
    gradient[:] = 0.0
    hessian[:] = 0.0
    row = np.ones(num_features + 1)
    loss: float = 0.0
    for n in range(num_examples):
        total = weights[num_features]
        for f in range(num_features):
            row[f] = features[n, f]
            total += weights[f] * row[f]
        # log(1 + e^total) - target * total, without overflow
        loss += max(total, 0.0) + np.log1p(np.exp(-abs(total))) - targets[n] * total
        probability = 1.0 / (1.0 + np.exp(-total))
        slope = probability - targets[n]
        bend = probability * (1.0 - probability)
        for i in range(num_features + 1):
            gradient[i] += slope * row[i]
            scaled = bend * row[i]
            for j in range(i + 1):
                hessian[i, j] += scaled * row[j]
    loss /= num_examples
    for i in range(num_features + 1):
        gradient[i] /= num_examples
        for j in range(i + 1):
            hessian[i, j] /= num_examples
    for f in range(num_features):
        loss += 0.5 * l2 * weights[f] * weights[f]
        gradient[f] += l2 * weights[f]
        hessian[f, f] += l2
    hessian[num_features, num_features] += LEAST_BEND
    return loss


@kernel
def solve(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """The solution of a symmetric, positive definite system, by Cholesky's decomposition of the lower half."""
    size = matrix.shape[0]
    lower = np.zeros((size, size))
    for i in range(size):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            lower[i, j] = np.sqrt(total) if i == j else total / lower[j, j]
    solution = right.copy()
    for i in range(size):
        for k in range(i):
            solution[i] -= lower[i, k] * solution[k]
        solution[i] /= lower[i, i]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            solution[i] -= lower[k, i] * solution[k]
        solution[i] /= lower[i, i]
    return solution


@kernel
def probabilities(features: Features, weights: FloatArray, out: FloatArray) -> None:
    """Fills the (N,) probabilities of the positive class."""
    num_examples, num_features = features.shape
    for n in range(num_examples):
        total = weights[num_features]
        for f in range(num_features):
            total += weights[f] * features[n, f]
        out[n] = 1.0 / (1.0 + np.exp(-total))
