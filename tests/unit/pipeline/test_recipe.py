"""Recipes as text: what loads, what is refused and with which words, overrides, and the JSON Schema."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from operators.catalogue import catalogue as real_catalogue
from operators.dedup.large_star import LargeStar
from operators.dedup.small_star import SmallStar
from pipeline.errors import PlanError
from pipeline.operator import FileRef, Resources
from pipeline.plan.logical import ArtifactKind, Exchange, Repeat, SortKey, Step, View
from pipeline.recipe import Catalogue, dump_recipe, load_recipe, parse_recipe, recipe_json_schema
from pipeline.rule_values import JudgeValues, RuleValues
from tests.sample_operators import Shape
from tests.unit.pipeline.sample_operators import OPERATORS, AddKey, KeepFirst, MinChars, NumChars

RECIPES = Path(__file__).parents[3] / "jobs" / "recipes"

EXAMPLE = """
name: small
sources:
  web: {paths: data/*.jsonl, columns: {license: string}}
layout: {shard_bytes: 4096}
error_budget: {max_bad_fraction: 0.5}
steps:
  - name: documents
    read: web
    operators:
      - num_chars
      - min_chars: {min_chars: 3}
      - shout:
    write: documents
    resources: {num_chars: {num_cpus: 2}}
  - name: once
    base: documents
    first_of_key: {order_by: [-num_chars]}
  - name: chosen
    base: documents
    bound: [once]
    columns: [doc_id, text]
    operators: []
"""


def first_of_key(name: str, *, view: View, order_by: tuple[str, ...] = ()) -> tuple[Step, ...]:
    keys = f"{name}.keys"
    order = tuple(SortKey.model_validate(key) for key in order_by)
    return (
        Step(name=keys, view=view, nodes=(AddKey(),), write=ArtifactKind.COLUMNS),
        Step(
            name=name,
            view=view.binding(keys),
            nodes=(Exchange(key="key", sort=order), KeepFirst()),
            write=ArtifactKind.REMOVALS,
        ),
    )


CATALOGUE = Catalogue({kind.name: kind for kind in OPERATORS}, {"first_of_key": first_of_key})


def parse(text, *overrides):
    return parse_recipe(text, CATALOGUE, overrides)


def with_steps(steps, **top):
    return yaml.safe_dump({"name": "small", "steps": steps, **top})


def test_the_example_becomes_steps():
    recipe = parse(EXAMPLE)
    assert [step.name for step in recipe.steps] == ["documents", "once.keys", "once", "chosen"]
    documents, keys, once, chosen = recipe.steps
    assert documents.view == View(sources=("web",))
    assert [type(node).__name__ for node in documents.nodes] == ["NumChars", "MinChars", "Shout"]
    assert documents.nodes[1] == MinChars(min_chars=3)
    assert documents.resources == {"num_chars": Resources(num_cpus=2)}
    assert keys.view == View(base="documents")
    assert once.nodes[0] == Exchange(key="key", sort=(SortKey(column="num_chars", descending=True),))
    assert (chosen.view, chosen.columns, chosen.write) == (
        View(base="documents", bound=("once",)),
        ("doc_id", "text"),
        ArtifactKind.DOCUMENTS,
    )
    assert recipe.sources["web"].paths == ("data/*.jsonl",)
    assert (recipe.layout.shard_bytes, recipe.error_budget.max_bad_fraction) == (4096, 0.5)


def test_rounds_are_a_list_inside_the_list():
    catalogue = real_catalogue()
    by_node = {"exchange": {"key": "node", "sort": ["neighbour"]}}
    rounds = {"repeat": {"operators": [by_node, "large_star", by_node, "small_star"], "while_any": "changed"}}
    steps = [{"name": "stars", "base": "edges", "operators": ["edge_forest", rounds, "cluster_sizes"]}]
    data = {"name": "r", "steps": steps}
    assert [error.message for error in validator(catalogue).iter_errors(data)] == []
    recipe = parse_recipe(yaml.safe_dump(data), catalogue)
    (step,) = recipe.steps
    exchange = Exchange(key="node", sort=(SortKey(column="neighbour"),))
    assert step.nodes[1] == Repeat(nodes=(exchange, LargeStar(), exchange, SmallStar()), while_any="changed")
    assert parse_recipe(dump_recipe(recipe), catalogue) == recipe


@pytest.mark.parametrize("rounds", [None, [], {"while_any": "changed"}, {"operators": "large_star"}])
def test_rounds_without_a_list_are_refused(rounds):
    data = {"name": "r", "steps": [{"name": "stars", "base": "edges", "operators": [{"repeat": rounds}]}]}
    with pytest.raises(PlanError, match=r"operators\[0\]\.repeat: expected `operators`, a list, and `while_any`"):
        parse_recipe(yaml.safe_dump(data), real_catalogue())


def test_dump_and_load_round_trip():
    recipe = parse(EXAMPLE)
    assert parse(dump_recipe(recipe)) == recipe
    assert dump_recipe(parse(dump_recipe(recipe))) == dump_recipe(recipe)


def test_a_composite_reads_sources_as_well_as_a_base():
    entry = {"name": "once", "read": "web", "bound": ["language"], "first_of_key": {}}
    recipe = parse(with_steps([entry]))
    assert [step.view for step in recipe.steps] == [
        View(sources=("web",), bound=("language",)),
        View(sources=("web",), bound=("language", "once.keys")),
    ]
    assert parse(dump_recipe(recipe)) == recipe


def test_files_round_trip_as_strings():
    text = with_steps([{"name": "a", "base": "b", "operators": [{"by_file": {"words": "lists/words.txt"}}]}])
    recipe = parse(text)
    assert recipe.steps[0].operators[0].words == FileRef(uri="lists/words.txt")
    assert parse(dump_recipe(recipe)) == recipe


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ({"operators": ["num_chars"]}, "columns"),
        ({"operators": ["min_chars", "min_chars"]}, "removals"),
        ({"operators": ["num_chars", "min_chars"]}, "documents"),
        ({"operators": ["shout"]}, "documents"),
        ({"operators": [{"exchange": {"key": "key"}}, "keep_first"]}, "removals"),
        ({"operators": [{"exchange": {"key": "key"}}, "rank_in_key"]}, "columns"),
        ({"operators": [{"exchange": {"key": "key"}}, "count_keys"]}, "table"),
        ({"operators": ["total_chars"]}, "model"),
        ({"operators": ["sum_tables"]}, "table"),
        ({"operators": ["first_rows"]}, "table"),
        ({}, "documents"),
        ({"operators": ["num_chars"], "write": "documents"}, "documents"),
    ],
)
def test_what_a_step_writes_over_a_base_when_it_does_not_say(entry, kind):
    assert parse(with_steps([{"name": "a", "base": "b", **entry}])).steps[0].write.value == kind


def test_what_reads_sources_writes_documents_unless_it_ends_in_other_rows():
    steps = [
        {"name": "a", "read": "docs", "operators": ["min_chars"]},
        {"name": "b", "read": "docs", "operators": ["num_chars"]},
        {"name": "c", "read": "docs", "operators": ["first_rows"]},
    ]
    assert [step.write.value for step in parse(with_steps(steps)).steps] == ["documents", "documents", "table"]


# Every refusal: where it is, and what there is.

STEP = {"name": "a", "base": "b"}
REFUSED = {
    "no YAML": ("name: [", r"^recipe: expected YAML; "),
    "a list": (
        "- a",
        r"^recipe: expected a mapping with \['name', 'sources', 'imports', 'steps', .*, 'error_budget'\]; found list$",
    ),
    "unknown top field": (
        with_steps([STEP], step=1),
        r"^recipe: unknown \['step'\]; known: \['error_budget', 'imports', 'layout', 'name', 'sources', 'steps'\]$",
    ),
    "no steps": ("name: small", r"^recipe: expected a list of steps under 'steps'; found NoneType$"),
    "empty steps": (with_steps([]), r"^recipe: expected a list of steps under 'steps'; found list$"),
    "no name": (yaml.safe_dump({"steps": [STEP]}), r"^recipe: name: .*found None"),
    "bad name": (yaml.safe_dump({"name": "Big Name", "steps": [STEP]}), r"^recipe: name: .*found 'Big Name'"),
    "step is text": (with_steps(["a"]), r"^recipe: steps\[0\]: expected a mapping; found str$"),
    "unknown step field": (
        with_steps([STEP | {"opertors": []}]),
        r"^recipe: steps\[0\] \(a\): unknown \['opertors'\]; known: \['against', 'attribution', 'base', ",
    ),
    "step without name": (with_steps([{"base": "b"}]), r"^recipe: steps\[0\] \(without a name\): name: .*found None"),
    "unknown kind": (
        with_steps([STEP | {"write": "rows"}]),
        r"^recipe: steps\[0\] \(a\): write: .*'documents', 'columns', .*found 'rows'",
    ),
    "unknown operator": (
        with_steps([STEP | {"operators": ["nm_chars"]}]),
        r"^recipe: steps\[0\] \(a\)\.operators\[0\]: no operator 'nm_chars'; operators: \[.*, repeat, annotate, judge$",
    ),
    "unknown operator field": (
        with_steps([STEP | {"operators": [{"min_chars": {"min_cahrs": 1}}]}]),
        r"^recipe: steps\[0\] \(a\)\.operators\[0\]\.min_chars: min_cahrs: .*; fields: \['min_chars', 'without'\]$",
    ),
    "wrong value": (
        with_steps([STEP | {"operators": [{"min_chars": {"min_chars": "x"}}]}]),
        r"^recipe: steps\[0\] \(a\)\.operators\[0\]\.min_chars: min_chars: .*; found 'x'$",
    ),
    "two names": (
        with_steps([STEP | {"operators": [{"min_chars": {}, "shout": {}}]}]),
        r"\(a\)\.operators\[0\]: expected an operator's name, or one name with its fields; found dict$",
    ),
    "number for operator": (
        with_steps([STEP | {"operators": [3]}]),
        r"operators\[0\]: expected an operator's name.*found int$",
    ),
    "operators without dashes": (  # as a mapping they would lose their fields
        with_steps([STEP | {"operators": {"min_chars": {"min_chars": 3}}}]),
        r"^recipe: steps\[0\] \(a\)\.operators: expected a list, each with a dash; found dict$",
    ),
    "one operator for a list": (
        with_steps([STEP | {"operators": "num_chars"}]),
        r"\(a\)\.operators: expected a list, each with a dash; found str$",
    ),
    "no columns": (
        with_steps([STEP | {"columns": []}]),
        r"^recipe: steps\[0\] \(a\): columns: .*at least 1 item.*; found \[\]$",
    ),
    "exchange without key": (
        with_steps([STEP | {"operators": ["exchange"]}]),
        r"operators\[0\]\.exchange: key: this field is required$",
    ),
    "composite and operators": (
        with_steps([STEP | {"first_of_key": {}, "operators": []}]),
        r"^recipe: steps\[0\] \(a\): expected operators or one composite; found \['first_of_key', 'operators'\]$",
    ),
    "composite with foreign field": (
        with_steps([STEP | {"first_of_key": {}, "write": "table"}]),
        r"a composite step takes name, read, base, bound, against; found \['write'\]$",
    ),
    "composite with unknown setting": (
        with_steps([STEP | {"first_of_key": {"order": []}}]),
        r"\(a\)\.first_of_key: unknown \['order'\]; known: \['order_by'\]$",
    ),
    "composite with a list": (
        with_steps([STEP | {"first_of_key": [1]}]),
        r"\(a\)\.first_of_key: expected a mapping of fields; found list$",
    ),
    "composite without a view": (
        with_steps([{"name": "a", "first_of_key": {}}]),
        r"\(a\): a composite step needs sources to read, or a base; found neither$",
    ),
    "sources as a list": (
        with_steps([STEP], sources=["web"]),
        r"^recipe: sources: expected a mapping of names to sources; found list$",
    ),
    "source without paths": (
        with_steps([STEP], sources={"web": {}}),
        r"^recipe: sources\.web: paths: this field is required$",
    ),
    "unknown source field": (
        with_steps([STEP], sources={"web": {"path": "x", "paths": "x"}}),
        r"^recipe: sources\.web: path: .*; fields: \['columns', 'format', ",
    ),
    "unknown type": (
        with_steps([STEP], sources={"web": {"paths": "x", "columns": {"n": "int"}}}),
        r"web: columns: .*column 'n': expected a type of \['bool', 'float64', 'int64', 'string'\]; found 'int'",
    ),
    "reserved name": (
        with_steps([STEP], sources={"web": {"paths": "x", "columns": {"doc_id": "string"}}}),
        r"sources\.web: columns: .*'doc_id': the name is reserved; reserved names: \['doc_id', ",
    ),
    "ids from nowhere": (
        with_steps([STEP], sources={"web": {"paths": "x", "id_from": "column", "id_column": None}}),
        r"sources\.web: .*id_from: column needs id_column",
    ),
    "unknown layout": (
        with_steps([STEP], layout={"shards": 1}),
        r"^recipe: layout: shards: .*; fields: \['examples_per_rule', ",
    ),
    "wrong budget": (
        with_steps([STEP], error_budget={"max_bad_fraction": 2}),
        r"^recipe: error_budget: max_bad_fraction: .*; found 2$",
    ),
    "source and base": (
        with_steps([STEP | {"read": "web"}]),
        r"\(a\): .*a view reads either sources or a base, not both",
    ),
    "bound without base": (
        with_steps([{"name": "a", "bound": ["x"]}]),
        r"\(a\): .*bound artifacts need a base or sources",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_says_where_and_what_there_is(case):
    text, message = REFUSED[case]
    with pytest.raises(PlanError, match=message) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_long_values_are_not_quoted_whole():
    with pytest.raises(PlanError) as caught:
        parse(with_steps([STEP | {"operators": [{"min_chars": {"min_chars": "x" * 5000}}]}]))
    assert len(str(caught.value)) < 400


def test_files_that_cannot_be_read_say_which(tmp_path):
    with pytest.raises(PlanError, match=r"^recipe '.*absent.yaml': expected a readable YAML file; "):
        load_recipe(tmp_path / "absent.yaml", CATALOGUE)
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe9")
    with pytest.raises(PlanError, match=r"latin.yaml': expected a readable YAML file; .*utf-8"):
        load_recipe(tmp_path / "latin.yaml", CATALOGUE)


def test_a_file_is_its_own_label(tmp_path):
    (tmp_path / "r.yaml").write_text("- a")
    with pytest.raises(PlanError, match=r"r\.yaml: expected a mapping"):
        load_recipe(tmp_path / "r.yaml", CATALOGUE)
    (tmp_path / "r.yaml").write_text(EXAMPLE)
    assert load_recipe(tmp_path / "r.yaml", CATALOGUE, ["name=other"]).name == "other"


# Halves of rule sets

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
        ("layout.shard_bytes=[", r"--set 'layout.shard_bytes=\[': expected a value in YAML; "),
    ],
)
def test_a_wrong_override_says_what_there_is(override, message):
    with pytest.raises(PlanError, match=message) as caught:
        parse(EXAMPLE, override)
    assert "\n" not in str(caught.value)


# The JSON Schema


def validator(catalogue):
    schema = recipe_json_schema(catalogue)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


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
