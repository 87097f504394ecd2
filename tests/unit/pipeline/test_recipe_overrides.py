"""Overrides of a recipe from outside, and rule sets in halves with the names that overrides reach them by."""

import pytest
import yaml

from pipeline.errors import PlanError
from pipeline.operator import Resources
from pipeline.plan.logical import ArtifactKind, SortKey
from pipeline.recipe import Catalogue, dump_recipe, parse_recipe
from pipeline.rule_values import JudgeValues, RuleValues
from tests.sample_operators import Shape
from tests.unit.pipeline.sample_operators import OPERATORS, MinChars, NumChars
from tests.unit.pipeline.sample_recipes import EXAMPLE, STEP, parse, validator, with_steps

HALVES = """
name: halves
steps:
  - name: values
    base: documents
    operators: [{annotate: {shape: {letter: e}}}, num_chars, {annotate: other}]
  - name: removed
    base: documents
    bound: [values]
    operators:
      - judge: {shape: {letter: e, min_chars: 3}}
      - judge: {shape: {languages: [en], letter: e}}
      - shape:
      - judge: other
    attribution: true
"""


class Other(Shape):
    name = "other"


WITH_RULE_SETS = Catalogue({kind.name: kind for kind in (*OPERATORS, Shape, Other)}, {})


def parse_halves(*overrides):
    return parse_recipe(HALVES, WITH_RULE_SETS, overrides)


def test_values_of_a_rule_set_and_their_judgement_are_entries_of_the_list():
    recipe = parse_halves()
    values, removed = recipe.steps
    measured = RuleValues(rule_set=Shape(letter="e"))
    assert values.nodes == (measured, NumChars(), RuleValues(rule_set=Other()))
    assert (values.write, values.attribution) == (ArtifactKind.COLUMNS, False)
    assert removed.nodes[1] == JudgeValues(rule_set=Shape(languages=("en",), letter="e"))
    assert (removed.write, removed.attribution) == (ArtifactKind.REMOVALS, True)
    assert removed.labels == ("judge.shape", "judge.shape#2", "shape", "judge.other")
    assert [error.message for error in validator(WITH_RULE_SETS).iter_errors(yaml.safe_load(HALVES))] == []
    assert parse_recipe(dump_recipe(recipe), WITH_RULE_SETS) == recipe


@pytest.mark.parametrize(
    ("override", "read"),
    [
        ("removed.judge.shape.min_chars=7", lambda r: r.steps[1].nodes[0].rule_set),
        ("removed.judge.shape#2.min_chars=7", lambda r: r.steps[1].nodes[1].rule_set),
        ("removed.shape.min_chars=7", lambda r: r.steps[1].nodes[2]),
        ("removed.judge.other.min_chars=7", lambda r: r.steps[1].nodes[3].rule_set),
        ("values.annotate.other.min_chars=7", lambda r: r.steps[0].nodes[2].rule_set),
    ],
)
def test_an_override_reaches_one_of_several_by_its_label(override, read):
    changed = parse_halves(override)
    assert read(changed) == read(parse_halves()).model_copy(update={"min_chars": 7})
    same = [left == right for left, right in zip(nodes_of(changed), nodes_of(parse_halves()), strict=True)]
    assert same.count(False) == 1


def nodes_of(recipe):
    return [node for step in recipe.steps for node in step.nodes]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"annotate": None}, r"operators\[0\]\.annotate: expected one rule set, by its name or .*; found NoneType$"),
        ({"judge": {"shape": {}, "other": {}}}, r"\.judge: expected one rule set, .*; found \['other', 'shape'\]$"),
        ({"judge": "min_chars"}, r"\.judge: no rule set 'min_chars'; rule sets: \['other', 'shape'\]$"),
        ({"judge": {"shape": {"least": 1}}}, r"\.judge\.shape: least: no such field; fields: \['languages', 'letter'"),
        ({"judge": {"shape": {"le\nast": 1}}}, r"\.judge\.shape: 'le\\nast': no such field; fields: "),
    ],
)
def test_a_half_of_no_rule_set_is_refused(entry, message):
    with pytest.raises(PlanError, match=message):
        parse_recipe(with_steps([{"name": "a", "base": "b", "operators": [entry]}]), WITH_RULE_SETS)


# Overrides


@pytest.mark.parametrize(
    ("override", "read", "value"),
    [
        ("documents.min_chars.min_chars=7", lambda r: r.steps[0].nodes[1].min_chars, 7),
        ("documents.num_chars.column=length", lambda r: r.steps[0].nodes[0], NumChars(column="length")),
        ("documents.write=table", lambda r: r.steps[0].write.value, "table"),
        ("documents.attribution=true", lambda r: r.steps[0].attribution, True),
        ("documents.resources.num_chars.num_cpus=4", lambda r: r.steps[0].resources["num_chars"].num_cpus, 4),
        ("documents.resources.shout.num_gpus=1", lambda r: r.steps[0].resources.get("shout"), Resources(num_gpus=1)),
        ("once.order_by=[key]", lambda r: r.step("once").nodes[0].sort, (SortKey(column="key"),)),
        ("once.first_of_key.order_by=[key]", lambda r: r.step("once").nodes[0].sort, (SortKey(column="key"),)),
        ("chosen.columns=[text]", lambda r: r.step("chosen").columns, ("text",)),
        ("layout.shard_bytes=2048", lambda r: r.layout.shard_bytes, 2048),
        ("layout.zstd_level=9", lambda r: r.layout.zstd_level, 9),
        ("sources.web.text_column=body", lambda r: r.sources["web"].text_column, "body"),
        ("error_budget.min_bad_rows=0", lambda r: r.error_budget.min_bad_rows, 0),
        ("documents.min_chars.without=a=b", lambda r: r.steps[0].nodes[1].without, "a=b"),
    ],
)
def test_an_override_reaches_its_field_and_no_other(override, read, value):
    changed = parse(EXAMPLE, override)
    assert read(changed) == value
    assert read(parse(EXAMPLE)) != value
    assert [step.name for step in changed.steps] == [step.name for step in parse(EXAMPLE).steps]


def test_later_overrides_win():
    recipe = parse(EXAMPLE, "documents.min_chars.min_chars=7", "documents.min_chars.min_chars=8")
    assert recipe.steps[0].nodes[1] == MinChars(min_chars=8)


def test_an_override_goes_to_the_step_with_the_longest_name():
    steps = [STEP, {"name": "a.b", "base": "b", "operators": ["min_chars"]}]
    recipe = parse(with_steps(steps), "a.b.min_chars.min_chars=7")
    assert recipe.step("a.b").nodes == (MinChars(min_chars=7),)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("documents.min_chars", r"^--set 'documents.min_chars': expected path.to.field=value$"),
        (
            "documnts.x=1",
            r"expected a path that begins with one of \['documents', 'once', 'chosen', 'sources', 'imports', 'layout',",
        ),
        ("documents.mn_chars.x=1", r"step 'documents' has no 'mn_chars'; it has \['num_chars', 'min_chars', 'shout'\]"),
        ("documents.min_chars=1", r"step 'documents' has no 'min_chars'|min_chars"),
        ("documents.min_chars.mn=1", r"operators\[1\]\.min_chars: mn: .*fields: \['min_chars', 'without'\]"),
        ("layout.shard_bytes.x=1", r"--set 'layout.shard_bytes.x=1': 'shard_bytes' holds no fields; found int"),
        ("once.orderby=[x]", r"first_of_key: unknown \['orderby'\]; known: \['order_by'\]"),
        ("layout.shard_bytes=[", r"--set 'layout.shard_bytes=\[': expected YAML; "),
    ],
)
def test_a_wrong_override_says_what_there_is(override, message):
    with pytest.raises(PlanError, match=message) as caught:
        parse(EXAMPLE, override)
    assert "\n" not in str(caught.value)
