"""The hidden layer of a classifier to its labels and their probabilities.

Arithmetic is fastText's, float for float, where it has an effect that shows: a score is the logarithm of the
probability and 1e-5, so probabilities reach 1.00001. Letters are: E columns, L labels, K labels that are asked for.
"""

import math
from typing import Final

import numpy as np

from operators.fasttext.model_file import Floats, Integers
from operators.fasttext.network import MAX_SIGMOID, NO_ROW, SIGMOID_STEPS, Network
from pipeline.kernel import borrowing_kernel, inline_kernel

LEAST_PROBABILITY: Final = 1e-5
LEAST_SCORE: Final = np.float32(math.log(LEAST_PROBABILITY))
"""Branches of the tree of labels below it are not followed, so a tree may give fewer labels than are asked for."""
NO_LABEL: Final = -1


@inline_kernel
def score_of(probability: np.float32) -> np.float32:
    """FastText's logarithm."""
    return np.float32(math.log(np.float64(probability) + LEAST_PROBABILITY))


@borrowing_kernel
def keep_best(label: np.int32, score: np.float32, labels: Integers, scores: Floats) -> None:
    """Puts a label where it belongs among the K best so far, descending; of equal scores the smaller label is first."""
    place = np.uintp(labels.shape[0])
    while place > np.uintp(0):
        before = place - np.uintp(1)
        is_behind = labels[before] != np.int32(NO_LABEL) and (
            scores[before] > score or (scores[before] == score and labels[before] < label)
        )
        if is_behind:
            break
        place = before
    if place == np.uintp(labels.shape[0]):
        return
    k = np.uintp(labels.shape[0]) - np.uintp(1)
    while k > place:
        labels[k] = labels[k - np.uintp(1)]
        scores[k] = scores[k - np.uintp(1)]
        k -= np.uintp(1)
    labels[place] = label
    scores[place] = score


@borrowing_kernel
def multiply(hidden: Floats, weights: Floats, outputs: Floats) -> None:
    """Products of the hidden layer with each label's weights. Each is summed in the order of columns, side by side."""
    outputs[:] = np.float32(0)
    for k in range(np.uintp(hidden.shape[0])):
        factor = hidden[np.uintp(k)]
        for label in range(np.uintp(outputs.shape[0])):
            outputs[np.uintp(label)] += factor * weights[np.uintp(k), np.uintp(label)]


@borrowing_kernel
def flat_outputs(hidden: Floats, network: Network, outputs: Floats) -> None:
    """The probability of every label of a model without a tree, (L,)."""
    if network.products.shape[0] > 0:
        for k in range(np.uintp(hidden.shape[0])):
            outputs[np.uintp(k)] = hidden[np.uintp(k)]
    else:
        multiply(hidden, network.output, outputs)
    num_labels = np.uintp(outputs.shape[0])
    if network.sigmoids.shape[0] > 0:
        for k in range(num_labels):
            outputs[np.uintp(k)] = _sigmoid(outputs[np.uintp(k)], network.sigmoids)
        return
    greatest = outputs[np.uintp(0)]
    for k in range(num_labels):
        greatest = max(greatest, outputs[np.uintp(k)])
    total = np.float32(0)
    for k in range(num_labels):
        # In C++ the exponential of a float is a float.
        outputs[np.uintp(k)] = np.float32(math.exp(np.float64(outputs[np.uintp(k)] - greatest)))
        total += outputs[np.uintp(k)]
    for k in range(num_labels):
        outputs[np.uintp(k)] /= total


@inline_kernel
def _sigmoid(value: np.float32, sigmoids: Floats) -> np.float32:
    """FastText's sigmoid: a step of its table."""
    if value < np.float32(-MAX_SIGMOID):
        return np.float32(0)
    if value > np.float32(MAX_SIGMOID):
        return np.float32(1)
    step = (value + np.float32(MAX_SIGMOID)) * np.float32(SIGMOID_STEPS) / np.float32(MAX_SIGMOID) / np.float32(2)
    return np.float32(sigmoids[np.uintp(step)])


@borrowing_kernel
def _branch(node: np.int32, hidden: Floats, network: Network) -> np.float32:
    """The probability of the right branch of an inner node of the tree of labels."""
    column = np.uintp(node) - np.uintp(network.output.shape[1])
    product = np.float32(0)
    for k in range(np.uintp(hidden.shape[0])):
        product += hidden[np.uintp(k)] * network.output[np.uintp(k), column]
    exponential = np.float32(math.exp(np.float64(-product)))
    return np.float32(1.0 / (1.0 + np.float64(exponential)))


@borrowing_kernel
def best_of_tree(
    hidden: Floats, network: Network, stack: Integers, stack_scores: Floats, labels: Integers, scores: Floats
) -> None:
    """Finds the K best labels of a tree: its likelier branch first, and no branch that is worse than what is found."""
    last = np.uintp(labels.shape[0]) - np.uintp(1)
    stack[np.uintp(0)] = np.int32(network.left.shape[0] - 1)
    stack_scores[np.uintp(0)] = np.float32(0)
    size = np.uintp(1)
    while size > np.uintp(0):
        size -= np.uintp(1)
        node, score = stack[size], stack_scores[size]
        is_full = labels[last] != np.int32(NO_LABEL)
        if score < LEAST_SCORE or (is_full and score < scores[last]):
            continue
        left = network.left[np.uintp(node)]
        if left == np.int32(NO_ROW):
            keep_best(node, score, labels, scores)
            continue
        probability = _branch(node, hidden, network)
        left_score = score + score_of(np.float32(1.0 - np.float64(probability)))
        right_score = score + score_of(probability)
        right = network.right[np.uintp(node)]
        is_left_likelier = left_score > right_score
        stack[size] = right if is_left_likelier else left
        stack_scores[size] = right_score if is_left_likelier else left_score
        size += np.uintp(1)
        stack[size] = left if is_left_likelier else right
        stack_scores[size] = left_score if is_left_likelier else right_score
        size += np.uintp(1)


@borrowing_kernel
def score_in_tree(label: np.int32, hidden: Floats, network: Network, path: Integers) -> np.float32:
    """The score of one label of a tree: that of its branches from the root down; `path` has room for them."""
    size = np.uintp(0)
    node = label
    while node != np.int32(NO_ROW):
        path[size] = node
        size += np.uintp(1)
        node = network.parents[np.uintp(node)]
    score = np.float32(0)
    for k in range(np.uintp(1), size):
        parent = path[size - np.uintp(k)]
        probability = _branch(parent, hidden, network)
        if network.left[np.uintp(parent)] == path[size - np.uintp(k) - np.uintp(1)]:
            probability = np.float32(1.0 - np.float64(probability))
        score += score_of(probability)
    return score


@borrowing_kernel
def probability_of(label: np.int32, hidden: Floats, network: Network, outputs: Floats, path: Integers) -> np.float32:
    """The probability of one label; 0 where a tree of labels would not be followed to it."""
    if network.left.shape[0] > 0:
        score = score_in_tree(label, hidden, network, path)
        if score < LEAST_SCORE:
            return np.float32(0)
    else:
        flat_outputs(hidden, network, outputs)
        score = score_of(outputs[np.uintp(label)])
    return np.float32(math.exp(np.float64(score)))


@borrowing_kernel
def best_labels(
    hidden: Floats,
    network: Network,
    outputs: Floats,
    stack: Integers,
    stack_scores: Floats,
    labels: Integers,
    scores: Floats,
) -> None:
    """Writes the K best labels and their probabilities, descending; NO_LABEL and 0 where there are fewer."""
    labels[:] = np.int32(NO_LABEL)
    scores[:] = np.float32(0)
    if network.left.shape[0] > 0:
        best_of_tree(hidden, network, stack, stack_scores, labels, scores)
    else:
        flat_outputs(hidden, network, outputs)
        for k in range(np.uintp(outputs.shape[0])):
            keep_best(np.int32(k), score_of(outputs[np.uintp(k)]), labels, scores)
    for k in range(np.uintp(labels.shape[0])):
        if labels[np.uintp(k)] != np.int32(NO_LABEL):
            scores[np.uintp(k)] = np.float32(math.exp(np.float64(scores[np.uintp(k)])))
