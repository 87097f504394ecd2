"""How good scores are at telling two classes apart. Letters are: D documents, B bins."""

from fractions import Fraction
from math import ceil
from typing import Any, Final

import numpy as np

from operators.select.named_columns import Scores
from pipeline.operator import BoolArray, FloatArray

NUM_BINS: Final = 10
"""Guo et al. 2017, arXiv 1706.04599, has 15 of equal width; 10 are easier to read, and held-out shares are small."""
DECIMALS: Final = 6


def area_under_curve(scores: Scores, is_positive: BoolArray) -> float:
    """The probability that a positive scores above a negative; equal scores count half. NaN without one of each."""
    num_positive, num_negative = int(is_positive.sum()), int((~is_positive).sum())
    if not num_positive or not num_negative:
        return float("nan")
    _, groups, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    doubled_ranks = 2 * np.cumsum(sizes) - sizes + 1  # of each score's group, from 1, twice their mean
    positives = int(doubled_ranks[groups[is_positive]].sum())
    return (positives - num_positive * (num_positive + 1)) / (2 * num_positive * num_negative)


def calibration(scores: Scores, is_positive: BoolArray) -> tuple[float, list[dict[str, Any]]]:  # Any: JSON
    """The expected calibration error, and a row for each of NUM_BINS bins of scores from 0 to 1.

    Of a bin: how many documents, their mean score, and the share that is positive. The error is the mean difference of
    these two, weighted by documents. Scores beyond 0 and 1 belong to the outer bins.
    """
    bins = np.clip((scores * NUM_BINS).astype(np.int64), 0, NUM_BINS - 1)  # (D,)
    table = []
    error = 0.0
    for place in range(NUM_BINS):
        inside = bins == place
        num_documents = int(inside.sum())
        row = {"from": place / NUM_BINS, "to": (place + 1) / NUM_BINS, "num_documents": num_documents}
        if num_documents:
            mean = float(scores[inside].mean(dtype=np.float64))
            positive = int(is_positive[inside].sum()) / num_documents
            error += num_documents * abs(mean - positive)
            row |= {"mean_score": round(mean, DECIMALS), "positive_fraction": round(positive, DECIMALS)}
        table.append(row)
    return round(error / len(scores), DECIMALS), table


def first_of(values: Scores | FloatArray, share: float) -> BoolArray:
    """(D,) whether a document is among the `share` of highest values, rounded up; of equal ones the first are."""
    chosen = np.zeros(len(values), np.bool_)
    num_chosen = ceil(Fraction(repr(share)) * len(values))
    chosen[np.argsort(-values, kind="stable")[:num_chosen]] = True
    return chosen


def top_documents(scores: Scores, reference: Scores | BoolArray, share: float) -> dict[str, float]:
    """What the best `share` by score has in common with the best by reference: labels, or scores to be imitated.

    `positive_fraction` of them for labels; for scores `overlap`, the share that is among the best by reference too.
    """
    chosen = first_of(scores, share)
    if reference.dtype == np.bool_:
        return {"share": share, "positive_fraction": round(float(reference[chosen].mean()), DECIMALS)}
    expected = first_of(reference.astype(np.float64), share)
    return {"share": share, "overlap": round(float(expected[chosen].mean()), DECIMALS)}
