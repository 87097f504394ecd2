"""The JSON Schema of recipes: it accepts what loads, and refuses what does not."""

from pathlib import Path

import pytest
import yaml

from operators.catalogue import catalogue as real_catalogue
from pipeline.errors import PlanError
from pipeline.recipe import dump_recipe, load_recipe, parse_recipe
from tests.unit.pipeline.sample_recipes import CATALOGUE, EXAMPLE, parse, validator

RECIPES = Path(__file__).parents[3] / "jobs" / "recipes"


def test_the_schema_accepts_what_loads():
    text = EXAMPLE + "  - name: words\n    base: documents\n    operators: [{by_file: {words: lists/words.txt}}]\n"
    text += "  - name: keyed\n    base: documents\n    operators:\n"
    text += "      - exchange: {key: key, sort: [-num_chars, {column: doc_id}]}\n"
    text += "      - keep_first\n"
    assert len(parse(text).steps) == 6
    assert [error.message for error in validator(CATALOGUE).iter_errors(yaml.safe_load(text))] == []


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.pop("name"),
        lambda data: data.update(step=1),
        lambda data: data["steps"].clear(),
        lambda data: data["steps"][0].update(opertors=[]),
        lambda data: data["steps"][0].update(write="rows"),
        lambda data: data["steps"][0].update(read=""),
        lambda data: data["steps"][1].update(base=""),
        lambda data: data["sources"]["web"].update(paths=""),
        lambda data: data["steps"][0]["operators"].append("nm_chars"),
        lambda data: data["steps"][0]["operators"].append({"min_chars": {"min_cahrs": 1}}),
        lambda data: data["sources"]["web"].update(paths=3),
        lambda data: data["layout"].update(shard_bytes="many"),
    ],
)
def test_the_schema_refuses_what_does_not_load(change):
    data = yaml.safe_load(EXAMPLE)
    change(data)
    assert list(validator(CATALOGUE).iter_errors(data))
    with pytest.raises(PlanError):
        parse(yaml.safe_dump(data))


def test_the_recipes_that_we_ship_fit_the_schema_and_load():
    catalogue = real_catalogue()
    check = validator(catalogue)
    paths = sorted(RECIPES.rglob("*.yaml"))
    if not paths:
        pytest.skip("jobs/recipes holds no recipe yet")
    for path in paths:
        assert [error.message for error in check.iter_errors(yaml.safe_load(path.read_text()))] == [], path.name
        recipe = load_recipe(path, catalogue)
        assert parse_recipe(dump_recipe(recipe), catalogue) == recipe
