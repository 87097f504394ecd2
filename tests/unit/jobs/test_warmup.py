"""What is compiled before the first run."""

from jobs.warmup import QUICKSTART, SOURCE, warmup_recipe
from operators.catalogue import catalogue
from pipeline.execution.prepare import prepare
from pipeline.recipe import load_recipe


def test_all_operators_of_the_quickstart_run_on_one_source():
    recipe = warmup_recipe()
    assert recipe.step("documents").view.sources == (SOURCE,)
    quickstart = load_recipe(QUICKSTART, catalogue())
    assert {step.name for step in quickstart.steps} < {step.name for step in recipe.steps}
    used = {operator.name for step in recipe.steps for operator in step.operators}
    assert {"best_fit", "concat_and_chunk", "minhash_signature", "gopher_repetition"} <= used


def test_it_is_a_recipe_that_can_run():
    assert set(prepare(warmup_recipe(), QUICKSTART.parent).files) == {SOURCE}
