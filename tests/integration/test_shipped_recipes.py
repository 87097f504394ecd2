"""The recipes of published rule sets build as they are shipped, and every row of theirs is accounted for."""

from collections import Counter

import pytest

from jobs.quickstart_models import SHIPPED
from operators.catalogue import catalogue
from pipeline.recipe import load_recipe
from pipeline.run import run_recipe

RECIPES = SHIPPED.parent
EXPECTED = {
    "fineweb": {"language_filter", "gopher_repetition", "gopher_quality", "c4_lines", "c4_quality", "fineweb_quality"},
    "dclm": {"language_filter", "gopher_quality", "gopher_repetition", "refinedweb_quality", "refinedweb_lines"},
    "multilingual": {
        "language_filter",
        "fineweb2_quality",
        "fineweb2_quality#2",
        "fineweb2_quality#3",
        "gopher_quality",
    },
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_it_builds_and_every_rule_set_of_it_judges(name, tmp_path):
    recipe = load_recipe(RECIPES / f"{name}.yaml", catalogue())
    funnel = run_recipe(recipe, tmp_path / "out", directory=RECIPES).funnel
    assert funnel.rows_in == 3939
    assert funnel.rows_in == funnel.rows_kept + funnel.rows_dropped
    assert funnel.rows_quarantined == 0
    assert funnel.rows_kept > 0
    judged = Counter(rule.split("/")[0] for step in funnel.steps for rule in step.rules)
    assert set(judged) >= EXPECTED[name]
