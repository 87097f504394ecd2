"""Measures against their definitions, pair by pair."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.scorer.evaluation import area_under_curve, calibration, first_of, top_documents

JUDGED = st.lists(
    st.tuples(st.sampled_from([0.0, 0.25, 0.5, 0.51, 1.0]), st.booleans()), min_size=2, max_size=30
).filter(lambda rows: len({label for _, label in rows}) == 2)


def arrays(rows):
    scores, labels = zip(*rows, strict=True)
    return np.array(scores, np.float32), np.array(labels, np.bool_)


@given(rows=JUDGED)
def test_the_area_is_the_share_of_pairs_in_order(rows):
    positives = [score for score, label in rows if label]
    negatives = [score for score, label in rows if not label]
    pairs = [(above > below) + (above == below) / 2 for above in positives for below in negatives]
    assert area_under_curve(*arrays(rows)) == pytest.approx(sum(pairs) / len(pairs))


@given(rows=JUDGED)
def test_bins_hold_every_document_once(rows):
    error, table = calibration(*arrays(rows))
    assert sum(row["num_documents"] for row in table) == len(rows)
    gaps = [abs(row["mean_score"] - row["positive_fraction"]) * row["num_documents"] for row in table if len(row) > 3]
    assert error == pytest.approx(sum(gaps) / len(rows), abs=1e-5)


def test_scores_that_are_what_they_say_have_no_error():
    scores = np.array([0.25] * 4 + [0.75] * 4 + [1.00001], np.float32)
    labels = np.array([True, False, False, False, True, True, True, False, True])
    error, table = calibration(scores, labels)
    assert error < 1e-5
    assert table[2] == {"from": 0.2, "to": 0.3, "num_documents": 4, "mean_score": 0.25, "positive_fraction": 0.25}
    assert table[9]["num_documents"] == 1


def test_the_best_by_score_and_by_reference():
    scores = np.array([0.9, 0.8, 0.2, 0.1], np.float32)
    assert first_of(scores, 0.3).tolist() == [True, True, False, False]
    assert top_documents(scores, np.array([True, False, True, False]), 0.5) == {"share": 0.5, "positive_fraction": 0.5}
    assert top_documents(scores, np.array([5, 1, 4, 2], np.float32), 0.5) == {"share": 0.5, "overlap": 0.5}
