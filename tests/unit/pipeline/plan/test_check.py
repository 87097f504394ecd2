"""Every refusal before work begins, and the schemas of what passes."""

import pyarrow as pa
import pytest

from pipeline.errors import PlanError, SchemaError
from pipeline.operator import REMOVAL_SCHEMA, Resources
from pipeline.plan.check import build_order, check_recipe
from pipeline.plan.checked_step import imported_step
from pipeline.plan.logical import ArtifactKind, Exchange, Import, Recipe, Repeat, SortKey, Step, View
from tests.sample_operators import TextFiles
from tests.unit.pipeline.sample_operators import (
    SOURCE_SCHEMA,
    AddKey,
    CountKeys,
    FirstRows,
    KeepFirst,
    LowerKey,
    MinChars,
    ModelScore,
    NumChars,
    PassOn,
    RankInKey,
    Shout,
    SumTables,
    TotalChars,
)

DOCUMENTS = Step(name="documents", view=View(sources=("web",)), write=ArtifactKind.DOCUMENTS)
KEYS = Step(name="keys", view=View(base="documents"), nodes=(AddKey(),), write=ArtifactKind.COLUMNS)
ONCE = Step(
    name="once",
    view=View(base="documents", bound=("keys",)),
    nodes=(Exchange(key="key"), KeepFirst()),
    write=ArtifactKind.REMOVALS,
)
COUNTS = Step(
    name="counts",
    view=View(base="documents", bound=("keys",)),
    nodes=(Exchange(key="key"), CountKeys()),
    write=ArtifactKind.TABLE,
)
EXCHANGE = Exchange(key="key")
BEFORE = (DOCUMENTS, KEYS, ONCE, COUNTS)


def check(*steps, sources=None):
    return check_recipe(Recipe(name="r", steps=steps), sources or {"web": SOURCE_SCHEMA})


def step(*nodes, write="documents", base="documents", bound=(), **fields):
    return Step(name="s", view=View(base=base, bound=bound), nodes=nodes, write=ArtifactKind(write), **fields)


def test_columns_from_an_exchange_are_new_and_may_be_null():
    assert check(*BEFORE, RANKS)["ranks"].output_schema == pa.schema([pa.field("rank", pa.int64())])


def over_sources(*nodes, write="documents", bound=(), name="s"):
    view = View(sources=("web",), bound=bound)
    return Step(name=name, view=view, nodes=nodes, write=ArtifactKind(write))


READ_KEYS = over_sources(AddKey(), write="columns", name="read_keys")
READ_ONCE = over_sources(EXCHANGE, KeepFirst(), write="removals", bound=("read_keys",), name="read_once")


def test_steps_over_sources_know_who_numbered_the_records_and_whether_they_read_files():
    copy = over_sources(bound=("read_once", "read_keys"), name="copy")
    long = over_sources(MinChars(), write="removals", bound=("read_once",), name="long")
    found = check(READ_KEYS, READ_ONCE, long, copy)
    assert {name: (one.reader, one.reads_files, one.is_first_reading) for name, one in found.items()} == {
        "read_keys": ("read_keys", True, True),
        "read_once": ("read_keys", False, False),
        "long": ("read_keys", True, False),
        "copy": ("read_keys", True, False),
    }
    assert "position" in found["read_once"].view_schema.names
    assert "position" not in found["read_keys"].view_schema.names
    assert found["read_once"].base is None
    assert [*SOURCE_SCHEMA.names, "key"] == found["copy"].output_schema.names


def test_a_task_over_sources_reads_no_text():
    with pytest.raises(
        PlanError, match=r"step s: node 0 total_chars: over sources a task reads doc_id and .*\['text'\]"
    ):
        check(READ_KEYS, over_sources(TotalChars(), write="model", bound=("read_keys",)))


def test_without_an_order_only_what_is_required_travels():
    counts = step(Exchange(key="key", order="arrival"), CountKeys(), write="table", bound=("keys",))
    assert check(*BEFORE, counts)["s"].exchange_schemas[0].names == ["key"]


def test_where_an_operator_takes_every_column_those_travel_that_are_written():
    nodes = (Exchange(key="key", placement="range"), PassOn())
    every = step(*nodes, write="documents", bound=("keys",))
    some = Step(name="some", view=every.view, nodes=nodes, write=ArtifactKind.DOCUMENTS, columns=("source",))
    checked = check(*BEFORE, every, some)
    assert checked["s"].exchange_schemas[0].names == [*SOURCE_SCHEMA.names, "key", "position"]
    assert checked["s"].output_schema.names == [*SOURCE_SCHEMA.names, "key"]
    assert checked["some"].exchange_schemas[0].names == ["source", "key", "position"]
    assert checked["some"].read_columns == ("doc_id", "source", "key")
    assert checked["some"].output_schema.names == ["source"]


def test_schemas_of_a_whole_recipe():
    rewritten = Step(
        name="rewritten",
        view=View(base="documents", bound=("once", "keys")),
        nodes=(NumChars(), MinChars()),
        write=ArtifactKind.DOCUMENTS,
        columns=("num_chars", "text"),
    )
    checked = check(*BEFORE, rewritten)
    core = SOURCE_SCHEMA.names
    assert checked["documents"].view_schema == checked["documents"].output_schema == SOURCE_SCHEMA
    assert checked["documents"].read_columns == tuple(core)
    assert checked["keys"].output_schema == pa.schema([pa.field("key", pa.uint64())])
    assert checked["keys"].read_columns == ("doc_id", "text")
    assert checked["keys"].view_schema.names == [*core, "position"]
    assert checked["once"].exchange_schemas[0].names == ["doc_id", "key", "position"]
    assert checked["once"].read_columns == ("doc_id", "key")
    assert checked["once"].output_schema == pa.schema([])
    assert checked["counts"].output_schema.names == ["key", "rows"]
    assert checked["counts"].exchange_schemas[0].names == ["key", "position"]
    assert checked["rewritten"].view_schema.names == [*core, "key", "position"]
    assert checked["rewritten"].output_schema.names == ["text", "num_chars"]
    assert checked["rewritten"].read_columns == ("doc_id", "text")
    assert [name for name, done in checked.items() if done.base is None] == ["documents"]


def test_a_column_artifact_is_null_where_a_row_is_missing():
    class Strict(AddKey):
        def adds(self):
            return pa.schema([pa.field("key", pa.uint64(), nullable=False)])

    assert check(DOCUMENTS, step(Strict(), write="columns"))["s"].output_schema.field("key").nullable


def test_steps_are_built_after_their_parents_and_otherwise_as_listed():
    order = build_order(Recipe(name="r", steps=(ONCE, KEYS, COUNTS, DOCUMENTS)))
    assert [one.name for one in order] == ["documents", "keys", "once", "counts"]
    assert list(check(ONCE, KEYS, COUNTS, DOCUMENTS)) == ["documents", "keys", "once", "counts"]


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ((DOCUMENTS, DOCUMENTS), r"recipe r: step names must be unique; repeated: \['documents'\]"),
        ((KEYS,), r"step keys: reads step 'documents', which does not exist; steps: \['keys'\]"),
        (
            (step(base="t"), Step(name="t", view=View(base="s"), write=ArtifactKind.DOCUMENTS)),
            r"\['s', 't'\]: they read each other in a circle",
        ),
        ((step(base="s"),), r"steps \['s'\]: they read each other in a circle"),
    ],
)
def test_steps_that_cannot_be_put_in_order(steps, message):
    with pytest.raises(PlanError, match=message):
        check(*steps)


STRUCTURE = {
    "nothing to do": (Step(name="s", write=ArtifactKind.DOCUMENTS), "has neither something to read nor operators"),
    "unknown source": (
        Step(name="s", view=View(sources=("nope",)), write=ArtifactKind.DOCUMENTS),
        r"sources: 'nope' is not defined; sources: \['web'\]",
    ),
    "columns of a base bound to sources": (
        over_sources(bound=("keys",)),
        r"bound: expected columns or removals over sources web; 'keys' writes columns over base 'documents'",
    ),
    "documents bound to their own sources": (
        over_sources(bound=("documents",)),
        r"bound: expected columns or removals over sources web; 'documents' writes documents over sources web",
    ),
    "exchange of what nobody has read": (
        over_sources(Exchange(key="doc_id"), CountKeys(), write="table"),
        r"node 0 exchange: expected something bound to sources \['web'\]; found nothing; read them first, in a step",
    ),
    "task over what nobody has read": (
        over_sources(TotalChars(), write="model"),
        r"node 0 total_chars: expected something bound to sources \['web'\]; found nothing",
    ),
    "task beside others": (step(NumChars(), TotalChars(), write="model"), "node 1 total_chars: a task stands alone"),
    "task writes another kind": (
        step(TotalChars(), write="table"),
        "node 0 total_chars: a task stands alone and its step writes model; found write: table",
    ),
    "partition operator alone": (
        step(KeepFirst(), bound=("keys",), write="removals"),
        "node 0 keep_first: a partition operator is legal only right after an exchange",
    ),
    "two partition operators": (
        step(EXCHANGE, CountKeys(), CountKeys(), bound=("keys",), write="table"),
        "node 2 count_keys: a partition operator is legal only right",
    ),
    "row operator after an exchange": (
        step(EXCHANGE, MinChars(), bound=("keys",)),
        "node 1 min_chars: row operators and an exchange do not share a step",
    ),
    "exchange at the end": (
        step(EXCHANGE, bound=("keys",)),
        "node 0 exchange: expected a partition operator after the exchange",
    ),
    "two exchanges": (
        step(EXCHANGE, EXCHANGE, CountKeys(), bound=("keys",), write="table"),
        "node 1 exchange: expected a partition operator right",
    ),
    "row operator before an exchange": (
        step(AddKey(), EXCHANGE, CountKeys(), write="table"),
        "node 0 add_key: row operators and an exchange do not share a step",
    ),
    "shard operator in the middle": (
        step(FirstRows(), MinChars()),
        "node 0 first_rows: a shard operator is the last one",
    ),
    "two shard operators": (step(FirstRows(), FirstRows()), "node 0 first_rows: a shard operator is the last one"),
    "two shard operators before an exchange": (
        step(FirstRows(), FirstRows(), EXCHANGE, CountKeys(), bound=("keys",), write="table"),
        "node 0 first_rows: a shard operator is the last one of its step or followed by an exchange",
    ),
    "resources change behind an exchange": (
        step(
            EXCHANGE,
            CountKeys(),
            FirstRows(),
            bound=("keys",),
            write="table",
            resources={"first_rows": Resources(num_cpus=2)},
        ),
        "node 2 first_rows: expected the resources of count_keys",
    ),
    "hardware in documents": (
        step(ModelScore()),
        "node 0 model_score: its results depend on the hardware, .*found write: documents",
    ),
    "hardware in the middle": (
        step(ModelScore(), NumChars(), write="columns"),
        "node 0 model_score: its results depend on the hardware",
    ),
    "columns of a column artifact": (
        step(NumChars(), write="columns", columns=("num_chars",)),
        "columns: only documents and tables choose their columns; this step writes columns",
    ),
    "columns of nothing": (
        Step(name="s", nodes=(NumChars(),), write=ArtifactKind.COLUMNS),
        r"write: columns belongs to a base or to sources, so the step must read one; found none",
    ),
    "files without a writer": (
        step(NumChars(), write="files"),
        "write: files needs an operator that writes a trainer's",
    ),
    "a writer's documents": (
        step(NumChars(), TextFiles(), write="documents"),
        "node 1 text_files: its step writes files; found write: documents",
    ),
    "a writer in the middle": (
        step(TextFiles(), NumChars(), write="files"),
        r"node 0 text_files: expected it as the last operator of a step of row operators; found \['TextFiles', 'NumC",
    ),
    "a writer behind a shard operator": (
        step(FirstRows(), TextFiles(), write="files"),
        "node 0 first_rows: a shard operator is the last one of its step",
    ),
    "a writer over sources": (
        over_sources(NumChars(), TextFiles(), write="files"),
        "node 1 text_files: expected a base of documents or a table, whose shards become files; found sources web",
    ),
    "model without a task": (step(NumChars(), write="model"), "write: model needs a task"),
    "columns from a filter": (step(NumChars(), MinChars(), write="columns"), "write: columns allows annotators only"),
    "columns from nothing": (step(write="columns"), "write: columns needs an annotator"),
    "removals from a transform": (step(Shout(), write="removals"), "write: removals allows annotators and filters"),
    "removals from a shard operator": (
        step(FirstRows(), write="removals"),
        "write: removals cannot come from a shard operator",
    ),
    "base without rows": (
        step(NumChars(), base="keys", write="columns"),
        "base: expected a step that writes documents or a table; 'keys' writes columns",
    ),
    "bound to another base": (
        step(NumChars(), base="counts", bound=("keys",), write="columns"),
        "bound: expected columns or removals over base 'counts'; 'keys' writes columns over base 'documents'",
    ),
    "bound documents": (
        step(NumChars(), bound=("counts",), write="columns"),
        "bound: .*'counts' writes table over base 'documents'",
    ),
    "table that is none": (
        step(SumTables(), tables=("keys",), write="table"),
        "tables: expected a step that writes a table; 'keys' writes columns",
    ),
    "tables without a task": (
        step(NumChars(), tables=("counts",), write="columns"),
        "tables: only a task reads tables",
    ),
    "a time-out of nobody": (
        step(NumChars(), write="columns", timeout_seconds={"nm_chars": 3}),
        r"timeout_seconds: \['nm_chars'\] name no operator of this step; operators: \['num_chars'\]",
    ),
    "resources of nobody": (
        step(NumChars(), write="columns", resources={"nm_chars": Resources()}),
        r"resources: \['nm_chars'\] name no operator of this step; operators: \['num_chars'\]",
    ),
}


@pytest.mark.parametrize("case", STRUCTURE)
def test_a_wrong_structure_is_refused(case):
    wrong, message = STRUCTURE[case]
    with pytest.raises(PlanError, match=rf"^step s: {message}") as caught:
        check(*BEFORE, wrong)
    assert "\n" not in str(caught.value)


FILES = Step(name="files", view=View(base="documents"), nodes=(NumChars(), TextFiles()), write=ArtifactKind.FILES)


def test_a_writer_reads_what_its_files_hold():
    checked = check(*BEFORE, FILES)["files"]
    assert checked.read_columns == ("doc_id", "text")
    assert checked.output_schema.names == ["num_chars", "text"]


def test_files_are_no_base():
    with pytest.raises(PlanError, match=r"step s: base: expected a step that writes documents or a table; 'files' wri"):
        check(*BEFORE, FILES, step(base="files"))


RANKS = Step(
    name="ranks",
    view=View(base="documents", bound=("keys",)),
    nodes=(EXCHANGE, RankInKey()),
    write=ArtifactKind.COLUMNS,
)
COLUMNS = {
    "missing": (
        step(MinChars(), base="counts", write="removals"),
        r"node 0 min_chars: requires column 'text' \(large_string\); available: \['key: uint64', 'rows: int64', ",
    ),
    "another type": (
        step(EXCHANGE, KeepFirst(), base="counts", write="removals"),
        r"needs columns \['doc_id'\]; available: ",
    ),
    "clash with the base": (
        step(NumChars(column="text"), write="columns"),
        r"num_chars: adds columns \['text'\], which exist already",
    ),
    "clash of bound": (
        step(NumChars(), bound=("keys", "keys"), write="columns"),
        r"bound: 'keys' brings columns \['key'\], which are there already; available: ",
    ),
    "key is missing": (
        step(EXCHANGE, CountKeys(), write="table"),
        r"node 0 exchange: needs columns \['key'\]; available: \['doc_id: fixed_size_binary\[16\]', ",
    ),
    "sort column is missing": (
        step(Exchange(key="key", sort=(SortKey(column="date"),)), CountKeys(), bound=("keys",), write="table"),
        r"needs columns \['date'\]",
    ),
    "key type": (
        step(Exchange(key="text"), CountKeys(), bound=("keys",), write="table"),
        "key 'text' must be uint64 or a 16-byte binary; found large_string",
    ),
    "removals of another schema": (
        step(EXCHANGE, CountKeys(), bound=("keys",), write="removals"),
        r"write: removals after count_keys needs rows of \['position: uint64', .*found \['key: uint64', ",
    ),
    "columns from rows without a place": (
        step(EXCHANGE, CountKeys(), bound=("keys",), write="columns"),
        r"write: columns after count_keys needs column 'position' \(uint64\), .*found \['key: uint64', 'rows: int64'\]",
    ),
    "columns that are there already": (
        step(EXCHANGE, RankInKey(), bound=("keys", "ranks"), write="columns"),
        "write: columns after rank_in_key needs a column that the view does not have; found",
    ),
    "rounds that nothing ends": (
        step(Repeat(nodes=(EXCHANGE, LowerKey()), while_any="rank"), RankInKey(), bound=("keys",), write="columns"),
        r"repeat: while_any needs a column 'rank' \(bool\) of what lower_key yields; available: .*'lowered: bool'",
    ),
    "rounds that end by what is no yes or no": (
        step(Repeat(nodes=(EXCHANGE, LowerKey()), while_any="key"), RankInKey(), bound=("keys",), write="columns"),
        r"repeat: while_any needs a column 'key' \(bool\)",
    ),
    "rounds that take other columns than they leave": (
        step(Repeat(nodes=(EXCHANGE, CountKeys()), while_any="rows"), CountKeys(), bound=("keys",), write="table"),
        r"repeat: expected its first exchange to bring \['key: uint64', 'position: uint64'\] .*found \['key: uint64'\]",
    ),
    "columns that are not there": (
        step(NumChars(), columns=("text", "nope")),
        r"columns: \['nope'\] do not exist; available: ",
    ),
    "position is not stored": (step(columns=("position",)), r"columns: \['position'\] do not exist"),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_columns_that_do_not_fit_are_refused(case):
    wrong, message = COLUMNS[case]
    with pytest.raises(SchemaError, match=message) as caught:
        check(*BEFORE, RANKS, wrong)
    assert str(caught.value).startswith("step s: ")


def test_a_type_that_differs_is_named_with_both():
    narrow = SOURCE_SCHEMA.set(SOURCE_SCHEMA.get_field_index("text"), pa.field("text", pa.string()))
    with pytest.raises(SchemaError, match="requires column 'text' as large_string; found string"):
        check(DOCUMENTS, step(MinChars(), write="removals"), sources={"web": narrow})


def test_sources_that_are_read_together_agree():
    other = SOURCE_SCHEMA.append(pa.field("date", pa.large_string()))
    both = Step(name="s", view=View(sources=("web", "book")), write=ArtifactKind.DOCUMENTS)
    assert check(both, sources={"web": SOURCE_SCHEMA, "book": SOURCE_SCHEMA})["s"].output_schema == SOURCE_SCHEMA
    with pytest.raises(
        SchemaError, match=r"sources 'web' and 'book': expected equal columns; found .*date: large_string"
    ):
        check(both, sources={"web": SOURCE_SCHEMA, "book": other})


@pytest.mark.parametrize(
    "right",
    [
        step(FirstRows()),
        step(NumChars(), FirstRows()),
        step(FirstRows(), EXCHANGE, CountKeys(), bound=("keys",), write="table"),
        step(EXCHANGE, CountKeys(), EXCHANGE, CountKeys(), bound=("keys",), write="table"),
        step(EXCHANGE, CountKeys(), FirstRows(), bound=("keys",), write="table"),
        step(NumChars(), ModelScore(), write="columns"),
        step(NumChars(), MinChars(), write="removals"),
        step(SumTables(), tables=("counts",), write="table"),
        step(TotalChars(), bound=("once",), write="model"),
        step(bound=("once",)),
        step(base="counts"),
    ],
)
def test_what_passes(right):
    assert "s" in check(*BEFORE, right)


def test_removals_travel_by_the_removal_schema():
    assert KeepFirst().output_schema(pa.schema([])) == REMOVAL_SCHEMA
    assert check(*BEFORE)["once"].exchange_schemas[0].field("key").type == pa.uint64()


# Tables behind a base

OLD_SCHEMA = pa.schema([("doc_id", pa.binary(16)), ("key", pa.uint64()), ("age", pa.int64())])


def against(*nodes, write="table", bound=("keys",), schema=OLD_SCHEMA, kind="table", more=(), **fields):
    """A step over `documents` with an import `old` behind it, checked."""
    last = Step(
        name="s",
        view=View(base="documents", bound=bound, against=("old",)),
        nodes=nodes,
        write=ArtifactKind(write),
        **fields,
    )
    names = ("old", "older")
    recipe = Recipe(
        name="r",
        steps=(DOCUMENTS, KEYS, *more, last),
        imports={name: Import(run="runs/a", step="near.index") for name in names},
    )
    imports = {name: imported_step(name, ArtifactKind(kind), schema) for name in names}
    return check_recipe(recipe, {"web": SOURCE_SCHEMA}, imports)["s"]


def test_columns_that_only_tables_have_come_last_and_may_be_null():
    found = against(EXCHANGE, CountKeys())
    assert found.view_schema.names[-2:] == ["age", "position"]
    assert found.view_schema.field("age") == pa.field("age", pa.int64())
    assert found.view_schema.field("doc_id").nullable
    assert found.read_columns == ("doc_id", "key")


def test_artifacts_over_the_same_tables_or_the_base_alone_may_be_bound():
    ranks = Step(
        name="ranks",
        view=View(base="documents", bound=("keys",), against=("old",)),
        nodes=(EXCHANGE, RankInKey()),
        write=ArtifactKind.COLUMNS,
    )
    found = against(columns=("doc_id", "age", "rank"), bound=("keys", "ranks"), more=(ranks,))
    assert found.output_schema.names == ["doc_id", "rank", "age"]


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        (
            {"schema": pa.schema([*OLD_SCHEMA, ("text", pa.int64())])},
            SchemaError,
            r"^step s: against: expected column 'text' of 'old' as large_string, as the view has it; found int64; it",
        ),
        (
            {"columns": ("text", "age")},
            SchemaError,
            r"^step s: against: needs columns \['text'\] of 'old' too; it has \['doc_id: .*; make it again with these",
        ),
        ({"kind": "columns"}, PlanError, r"^step s: against: expected a table or documents; 'old' writes columns$"),
    ],
)
def test_a_table_that_does_not_fit_the_view_is_refused(fields, error, message):
    with pytest.raises(error, match=message):
        against(**{"columns": ("doc_id", "age"), **fields})


def test_a_bound_step_over_other_tables_is_refused():
    other = Step(
        name="ranks",
        view=View(base="documents", bound=("keys",), against=("old", "older")),
        nodes=(EXCHANGE, RankInKey()),
        write=ArtifactKind.COLUMNS,
    )
    with pytest.raises(
        PlanError, match=r"^step s: bound: expected columns or removals over base 'documents'; 'ranks' "
    ):
        against(columns=("doc_id", "age"), bound=("keys", "ranks"), more=(other,))


def test_tables_do_not_stand_behind_a_first_reading():
    recipe = Recipe(
        name="r",
        steps=(Step(name="s", view=View(sources=("web",), against=("old",)), write=ArtifactKind.TABLE),),
        imports={"old": Import(run="a", step="b")},
    )
    imports = {"old": imported_step("old", ArtifactKind.TABLE, OLD_SCHEMA)}
    with pytest.raises(PlanError, match=r"against: expected something bound to sources \['web'\]; found nothing; read"):
        check_recipe(recipe, {"web": SOURCE_SCHEMA}, imports)


def test_imports_and_steps_have_different_names():
    recipe = Recipe(name="r", steps=(DOCUMENTS,), imports={"documents": Import(run="a", step="b")})
    with pytest.raises(PlanError, match=r"imports and steps must have different names; found both: \['documents'\]$"):
        check_recipe(recipe, {"web": SOURCE_SCHEMA})


def test_an_unknown_parent_lists_imports_too():
    lost = Step(name="s", tables=("new",), write=ArtifactKind.TABLE)
    recipe = Recipe(name="r", steps=(lost,), imports={"old": Import(run="a", step="b")})
    with pytest.raises(PlanError, match=r"reads step 'new', which does not exist; steps: \['s'\]; imports: \['old'\]$"):
        build_order(recipe)
