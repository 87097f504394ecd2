"""Recipes as text: what loads, and what is refused with which words."""

import pytest
import yaml

from operators.catalogue import catalogue as real_catalogue
from operators.dedup.large_star import LargeStar
from operators.dedup.small_star import SmallStar
from pipeline.errors import PlanError
from pipeline.operator import FileRef, Resources
from pipeline.plan.logical import ArtifactKind, Exchange, Repeat, SortKey, View
from pipeline.recipe import dump_recipe, load_recipe, parse_recipe
from tests.unit.pipeline.sample_operators import MinChars
from tests.unit.pipeline.sample_recipes import CATALOGUE, EXAMPLE, STEP, parse, validator, with_steps


def test_the_example_becomes_steps():
    recipe = parse(EXAMPLE)
    assert [step.name for step in recipe.steps] == ["documents", "once.keys", "once", "chosen"]
    documents, keys, once, chosen = recipe.steps
    assert documents.view == View(sources=("web",))
    assert [type(node).__name__ for node in documents.nodes] == ["NumChars", "MinChars", "Shout"]
    assert documents.nodes[1] == MinChars(min_chars=3)
    assert documents.resources == {"num_chars": Resources(num_cpus=2)}
    assert (documents.timeout_seconds, documents.unit_timeout_seconds) == ({"num_chars": 30}, 600)
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
    "empty steps": (with_steps([]), r"^recipe: expected a list of steps under 'steps'; found an empty list$"),
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
        r"operators\[0\]: no operator 'nm_chars'; nearest: \['num_chars'.*\]; operators: .*, judge$",
    ),
    "operator like no other": (
        with_steps([STEP | {"operators": ["zzz"]}]),
        r"\.operators\[0\]: no operator 'zzz'; operators: \[",
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
    "read of no name": (
        with_steps([{"name": "a", "read": ""}]),
        r"\(a\): sources\.0: .*at least 1 character; found ''$",
    ),
    "base of no name": (
        with_steps([STEP | {"base": ""}]),
        r"^recipe: steps\[0\] \(a\): base: .*1 character; found ''$",
    ),
    "composite's base of no name": (
        with_steps([{"name": "a", "base": "", "first_of_key": {}}]),
        r"\(a\): base: .*at least 1 character; found ''$",
    ),
    "bound of no name": (with_steps([STEP | {"bound": [""]}]), r"\(a\): bound\.0: .*1 character; found ''$"),
    "tables of no name": (with_steps([STEP | {"tables": [""]}]), r"\(a\): tables\.0: .*1 character; found ''$"),
    "write of no name": (with_steps([STEP | {"write": ""}]), r"\(a\): write: .*'documents', .*found ''$"),
    "source of no name": (
        with_steps([STEP], sources={"": {"paths": "x"}}),
        r"sources.*at least 1 character; found ''$",
    ),
    "path of no name": (
        with_steps([STEP], sources={"web": {"paths": [""]}}),
        r"web: paths\.0: .*1 character; found '' |",
    ),
    "empty text for a list": (
        with_steps([STEP | {"operators": ""}]),
        r"\(a\)\.operators: expected a list, each with a dash; found str$",
    ),
    "number for a list": (
        with_steps([STEP | {"beyond_memory": 3}]),
        r"\(a\)\.beyond_memory: expected a list, each with a dash; found int$",
    ),
    "empty text for fields": (
        with_steps([STEP | {"operators": [{"min_chars": ""}]}]),
        r"operators\[0\]\.min_chars: .*valid dictionary",
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
