"""How selection by share is composed."""

from operators.select.steps import rank_bucket_ensemble, select_by_quota, select_by_share
from pipeline.plan.logical import View, default_write


def test_three_steps_over_one_base() -> None:
    steps = select_by_share(
        "best", view=View(base="read", bound=("language",)), model="model.bin", share=0.1, newline=""
    )
    scores, threshold, cut = steps
    assert [step.name for step in steps] == ["best.scores", "best.threshold", "best"]
    assert scores.view == View(base="read", bound=("language",))
    assert threshold.view == cut.view == View(base="read", bound=("language", "best.scores"))
    assert [step.write for step in steps] == [default_write(step.nodes) for step in steps]
    assert cut.parents == ("read", "language", "best.scores", "best.threshold")


def test_operators_agree_on_the_column_and_take_the_settings() -> None:
    scores, threshold, cut = (
        step.operators[0] for step in select_by_share("best", view=View(base="r"), model="m.bin", share=0.2)
    )
    assert scores.column == threshold.column == cut.column
    assert set(threshold.requires().names) <= set(scores.adds().names)
    assert threshold.requires().field(threshold.weight).type == scores.adds().field(threshold.weight).type
    assert threshold.requires().field(threshold.column).type == scores.adds().field(scores.column).type
    assert (scores.label, scores.newline, threshold.share, scores.model.uri) == ("__label__1", " ", 0.2, "m.bin")
    assert cut.threshold_file.uri == "step:best.threshold/threshold.json"


def test_an_ensemble_ranks_every_column_and_joins_the_buckets() -> None:
    cutoffs, ensemble = rank_bucket_ensemble("best", view=View(base="read", bound=("s",)), columns=("a", "b"))
    assert (cutoffs.name, ensemble.name) == ("best.cutoffs", "best")
    assert cutoffs.view == ensemble.view == View(base="read", bound=("s",))
    assert [step.write for step in (cutoffs, ensemble)] == [default_write(s.nodes) for s in (cutoffs, ensemble)]
    bucket, combine = ensemble.operators
    assert bucket.adds().names == [one.column for one in combine.columns] == ["a_bucket", "b_bucket"]
    assert [bucket.adds().field(one.column) for one in combine.columns] == [one.field for one in combine.columns]
    assert (combine.column, combine.how) == ("combined_bucket", "max")
    assert bucket.cutoffs.uri == "step:best.cutoffs/rank_cutoffs.json"


def test_quotas_are_found_once_and_applied_with_the_same_settings() -> None:
    pool = View(base="read", bound=("ratings",))
    settings = {"cells": ("source", "domain"), "scores": ("rating",), "min_score": 4, "seed": 7}
    found, chosen = select_by_quota("best", view=pool, budget=100, **settings)
    assert [step.name for step in (found, chosen)] == ["best.quotas", "best"]
    assert found.view == chosen.view == pool
    assert [step.write.value for step in (found, chosen)] == ["model", "removals"]
    assert found.operators[0].settings() == chosen.operators[0].settings()
    assert [one.column for one in chosen.operators[0].cells] == ["source", "domain"]
    assert chosen.operators[0].quotas.uri == "step:best.quotas/quotas.json"


def test_documents_that_may_be_repeated_are_counted_in_a_column() -> None:
    _, chosen = select_by_quota("best", view=View(base="read"), share=0.5, order="random", when_dry="repeat")
    assert (chosen.operators[0].name, chosen.write.value) == ("quota_repetitions", "columns")
