"""Values of every rule beside the ledger: rows and ledger stay the same, on every runner, after any kill."""

import signal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.artifact import IDENTITY, LEDGER, VALUES
from pipeline.errors import PlanError
from pipeline.execution.prepare import prepare
from pipeline.execution.work import Execution
from pipeline.operator import Operator
from pipeline.plan.logical import ArtifactKind, ErrorBudget, Exchange, Recipe, Step, View
from pipeline.rule_values import JudgeValues, RuleValues
from tests.builds import Built, MakeRunner, run_build, tree_digest
from tests.corpus import BAD_LINES, jsonl, write_files
from tests.faults.crashing import crash_locally
from tests.sample_operators import (
    TEXT_KEY,
    FancyLength,
    KeepFirst,
    LongEnough,
    OneLine,
    Shape,
    TextKey,
    TextLength,
    WindowLength,
)
from tests.small import over_sources, read, small_files

CHAIN: tuple[Operator, ...] = (
    Shape(min_chars=60, max_words=30),
    TextLength(poison="Page 11\n"),
    OneLine(poison="Page 21\n"),
    LongEnough(min_chars=130),
    WindowLength(),
    FancyLength(poison="Page 4"),
    Shape(max_letter_fraction=0.09, poison="Page 5"),
)
"""Of three stages; rows leave in each of them, by rules and by failures."""


def chain(*, attribution: bool) -> Recipe:
    """The operators over a source and, in a step of removals, over what they left."""
    judged = Step(
        name="judged",
        view=View(base="documents"),
        nodes=(Shape(max_words=24), LongEnough(min_chars=110)),
        write=ArtifactKind.REMOVALS,
        attribution=attribution,
    )
    recipe = read(*CHAIN, shard_bytes=1 << 12, error_budget=ErrorBudget(max_bad_fraction=0.2), more=(judged,))
    first, *rest = recipe.steps
    first = first.model_copy(update={"attribution": attribution})
    return recipe.model_copy(update={"steps": (first, *rest)})


def attributed() -> Recipe:
    """What crashing builds build."""
    return chain(attribution=True)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight shards, bad rows among them."""
    files = small_files(num_files=8) | {"docs/bad.jsonl": jsonl(BAD_LINES)}
    return write_files(tmp_path_factory.mktemp("inputs"), files)


@pytest.fixture(scope="module")
def plain(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return run_build(chain(attribution=False), inputs, tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def reference(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return run_build(attributed(), inputs, tmp_path_factory.mktemp("attributed"))


def test_the_chain_is_worth_it(plain: Built) -> None:
    documents = plain.manifest("documents")
    rules = documents.rule_totals()
    dropping = {rule.split("/")[0] for rule in rules if "/drop/" in rule}
    failing = {rule.split("/")[0] for rule in rules if "/quarantine/" in rule}
    assert dropping == {"shape", "long_enough", "shape#2"}
    assert failing >= {"read", "text_length", "fancy_length", "shape#2"}
    assert documents.total("rows_kept") > 20
    assert plain.manifest("judged").total("rows_dropped") > 5


def test_rows_ledger_and_counts_are_those_without_attribution(plain: Built, reference: Built) -> None:
    for step in plain.steps:
        with_values, without = reference.manifest(step), plain.manifest(step)
        assert with_values.fingerprint != without.fingerprint
        for one, other in zip(with_values.shards, without.shards, strict=True):
            files = {role: file for role, file in one.files.items() if role != VALUES}
            assert (files, one.rules, one.examples, one.inputs) == (
                other.files, other.rules, other.examples, other.inputs
            )  # fmt: skip
            assert {key: count for key, count in one.counts.items() if key != "rows_judged"} == other.counts


def test_every_row_that_was_judged_has_its_values(reference: Built) -> None:
    documents = reference.manifest("documents")
    unread = sum(rows for rule, rows in documents.rule_totals().items() if rule.startswith("read/"))
    values = [pq.read_table(documents.path(shard.index, VALUES)) for shard in documents.shards]
    assert sum(table.num_rows for table in values) == documents.total("rows_read") - unread
    ledger = [pq.read_table(documents.path(shard.index, LEDGER)).to_pylist() for shard in documents.shards]
    checked = 0
    for table, entries in zip(values, ledger, strict=True):
        by_row = {row["row"]: row for row in table.to_pylist()}
        for entry in entries:
            if entry["action"] == "drop" and entry["value"] is not None and entry["operator"] != "long_enough":
                assert by_row[entry["row"]][f"{entry['operator']}/{entry['rule']}"] == entry["value"]
                checked += 1
    assert checked > 20
    dropped_first = {row["row"] for row in ledger[0] if (row["operator"], row["action"]) == ("shape", "drop")}
    later = [row["shape#2/too_short"] for row in values[0].to_pylist() if row["row"] in dropped_first]
    assert later.count(None) < len(later), "a dropped row goes on"


@pytest.mark.ray
@pytest.mark.parametrize(("workers", "execution"), [(2, Execution(batch_rows=7)), (5, Execution())])
def test_ray_gives_the_same_values(
    workers: int, execution: Execution, inputs: Path, reference: Built, tmp_path: Path, make_ray_runner: MakeRunner
) -> None:
    built = run_build(attributed(), inputs, tmp_path / "out", make_ray_runner(workers=workers), execution)
    assert tree_digest(built.output) == tree_digest(reference.output)


def test_batches_reach_no_byte(inputs: Path, reference: Built, tmp_path: Path) -> None:
    built = run_build(attributed(), inputs, tmp_path / "out", execution=Execution(batch_rows=1, read_bytes=500))
    assert tree_digest(built.output) == tree_digest(reference.output)


@pytest.mark.parametrize("point", ["write.renamed:3", "commit.recorded:2", "manifest.staged:1", "sweep.middle:1"])
def test_a_killed_build_is_finished_with_the_same_values(
    point: str, inputs: Path, reference: Built, tmp_path: Path
) -> None:
    assert crash_locally(point, inputs, tmp_path / "out", attributed) == -signal.SIGKILL
    run_build(attributed(), inputs, tmp_path / "out")
    assert tree_digest(tmp_path / "out") == tree_digest(reference.output)


def test_values_over_sources_belong_to_the_records(inputs: Path, tmp_path: Path) -> None:
    recipe = over_sources()
    short = recipe.step("short").model_copy(update={"attribution": True})
    steps = tuple(short if step.name == "short" else step for step in recipe.steps)
    built = run_build(recipe.model_copy(update={"steps": steps}), inputs, tmp_path / "with")
    without = run_build(recipe, inputs, tmp_path / "without")
    keys, manifest = built.manifest("keys"), built.manifest("short")
    for shard, other in zip(manifest.shards, without.manifest("short").shards, strict=True):
        assert shard.files.get(LEDGER) == other.files.get(LEDGER)
        rows = pq.read_table(manifest.path(shard.index, VALUES))["row"].to_pylist()
        assert max(rows, default=-1) < pq.read_table(keys.path(shard.index, IDENTITY)).num_rows
        assert len(rows) == len(set(rows)) == shard.counts["rows_judged"]
    assert built.manifest("kept").total("rows_kept") == without.manifest("kept").total("rows_kept")


def test_attribution_needs_a_filter(inputs: Path) -> None:
    step = Step(name="keys", view=View(sources=("docs",)), nodes=(TextKey(),), write=ArtifactKind.COLUMNS)
    recipe = read().model_copy(update={"steps": (step.model_copy(update={"attribution": True}),)})
    with pytest.raises(PlanError, match=r"step keys: attribution: expected a step with filters, .*\['text_key'\]$"):
        prepare(recipe, inputs)
    copies = Step(
        name="copies",
        view=View(sources=("docs",), bound=("keys",)),
        nodes=(Exchange(key=TEXT_KEY), KeepFirst()),
        write=ArtifactKind.REMOVALS,
        attribution=True,
    )
    with pytest.raises(PlanError, match="step copies: attribution: expected a step with filters"):
        prepare(recipe.model_copy(update={"steps": (step, copies)}), inputs)


# Values as columns


def halves(measured: Shape, judged: Shape) -> Recipe:
    """Values of a rule set over a base, and its limits applied to them in a step of their own."""
    values = Step(
        name="values",
        view=View(base="documents"),
        nodes=(RuleValues(rule_set=measured),),
        write=ArtifactKind.COLUMNS,
    )
    removed = Step(
        name="removed",
        view=View(base="documents", bound=("values",)),
        nodes=(JudgeValues(rule_set=judged),),
        write=ArtifactKind.REMOVALS,
    )
    direct = Step(name="direct", view=View(base="documents"), nodes=(judged,), write=ArtifactKind.REMOVALS)
    return read(more=(values, removed, direct), shard_bytes=1 << 12, error_budget=ErrorBudget(max_bad_fraction=0.2))


def test_judged_columns_remove_what_the_filter_removes(inputs: Path, tmp_path: Path, make_runner: MakeRunner) -> None:
    recipe = halves(Shape(), Shape(min_chars=80, max_words=24, max_letter_fraction=None))
    built = run_build(recipe, inputs, tmp_path / "out", make_runner())
    assert prepare(recipe, inputs).steps["removed"].read_columns == (
        "doc_id", "shape.too_short", "shape.too_many_words", "shape.too_many_lines", "shape.too_much_of_a_letter"
    )  # fmt: skip
    removed, direct = (ledger_of(built, step) for step in ("removed", "direct"))
    assert removed == direct
    assert len(removed) > 10


def ledger_of(built: Built, step: str) -> list[dict[str, object]]:
    """Entries without the operator's label."""
    manifest = built.manifest(step)
    rows = [
        {"shard": shard.index, **row}
        for shard in manifest.shards
        if LEDGER in shard.files
        for row in pq.read_table(manifest.path(shard.index, LEDGER)).to_pylist()
    ]
    return [{key: value for key, value in row.items() if key != "operator"} for row in rows]


def test_values_measured_otherwise_are_refused_before_anything_runs(inputs: Path) -> None:
    with pytest.raises(PlanError, match=r"^step removed: judge\.shape: .*letter was 'e', is 'a', and is no limit"):
        prepare(halves(Shape(letter="e"), Shape()), inputs)
