"""Where the quickstart's models come from and go to."""

import pytest

from jobs.quickstart_models import MODELS, RECIPE, SHIPPED, model_path
from operators.catalogue import catalogue
from pipeline.recipe import load_recipe
from pipeline.run import Run


def test_the_recipe_has_the_models_that_are_copied():
    recipe = load_recipe(RECIPE, catalogue())
    assert [recipe.step(step).write for step, _ in MODELS] == ["model", "model"]


def test_what_is_shipped_is_what_is_copied():
    assert all((SHIPPED / name).is_file() for name in MODELS.values())


def test_a_model_is_found_by_its_own_name(finished: Run):
    path = model_path(finished.manifests["vocabulary"], "tokenizer.json")
    assert path.read_text().startswith("{")
    with pytest.raises(KeyError):
        model_path(finished.manifests["vocabulary"], "other.json")
