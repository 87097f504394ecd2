"""How mixing is composed."""

from operators.mix.steps import mix
from pipeline.plan.logical import View, default_write


def test_a_mix_is_found_applied_and_what_it_leaves_out_removed():
    view = View(base="tokens", bound=("sizes",))
    budgets, repetitions, chosen = mix("mixed", view=view, parts={"web": {"epochs": 2}}, copies="copies", seed=5)
    assert [step.name for step in (budgets, repetitions, chosen)] == ["mixed.budgets", "mixed.repetitions", "mixed"]
    assert budgets.view == repetitions.view == view
    assert chosen.view == view.binding("mixed.repetitions")
    assert [step.write for step in (budgets, repetitions, chosen)] == [
        default_write(step.nodes) for step in (budgets, repetitions, chosen)
    ]
    assert budgets.operators[0].settings() == repetitions.operators[0].settings()
    assert repetitions.operators[0].mix.uri == "step:mixed.budgets/mix.json"
