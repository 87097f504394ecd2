"""Compositions around models."""

from operators.models.sequence_classifier import SequenceClassifier
from operators.models.steps import fineweb_edu
from operators.select.score_filter import ScoreFilter
from pipeline.plan.logical import ArtifactKind, View


def test_fineweb_edu_scores_once_and_cuts_by_the_scores():
    scores, cut = fineweb_edu("edu", view=View(base="documents"), model="models/edu", settings={"device": "cuda"})
    (scorer,), (threshold,) = scores.nodes, cut.nodes
    assert (scores.name, scores.write, cut.name, cut.write) == (
        "edu.scores", ArtifactKind.COLUMNS, "edu", ArtifactKind.REMOVALS,
    )  # fmt: skip
    assert isinstance(scorer, SequenceClassifier)
    assert scorer.model.uri == "models/edu"
    assert scorer.settings.device == "cuda"
    assert isinstance(threshold, ScoreFilter)
    assert threshold.column == "edu_score"
    assert 2.5 < threshold.min_score < 2.500001
    assert cut.view.bound == ("edu.scores",)


def test_another_threshold_is_judged_by_the_same_scores():
    (first, cut), (again, other) = (
        fineweb_edu("edu", view=View(base="documents"), model="m", min_int_score=score) for score in (3, 2)
    )
    assert first == again
    assert cut != other
    assert other.nodes[0].min_score == 1.5
