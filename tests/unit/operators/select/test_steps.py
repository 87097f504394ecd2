"""How selection by share is composed."""

from operators.select.steps import select_by_share
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
