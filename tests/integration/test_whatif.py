"""Attribution and what-if, held against what a run itself does."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.artifact import IDENTITY, LEDGER
from pipeline.errors import PlanError
from pipeline.operator import Operator
from pipeline.plan.logical import ArtifactKind, ErrorBudget, Exchange, Recipe, Step, View
from pipeline.recipe import Catalogue
from pipeline.recorded_run import RecordedRun, load_run
from pipeline.report.attribution import attribute
from pipeline.report.fate import find_fates
from pipeline.report.judged_steps import judged_steps
from pipeline.report.whatif import what_if
from tests.builds import Built, run_build
from tests.corpus import write_files
from tests.sample_operators import TEXT_KEY, KeepFirst, LongEnough, OneLine, Shape, TextKey, TextLength
from tests.small import read, small_files


class Words(Shape):
    """Another rule set, with rules of the same names."""

    name = "words"


CATALOGUE = Catalogue(
    {kind.name: kind for kind in (Shape, Words, LongEnough, OneLine, TextKey, TextLength, KeepFirst)}, {}
)
FIRST: dict[str, Any] = {"min_chars": 60, "max_words": 30, "max_letter_fraction": 0.13}
CHAIN: tuple[Operator, ...] = (
    Shape(**FIRST),
    OneLine(poison="Page 4"),
    LongEnough(min_chars=120),
    Words(max_letter_fraction=0.125, max_words=29, poison="Page 5"),
    Shape(max_words=None, max_lines=1, max_letter_fraction=0.2),
)
BUDGET = ErrorBudget(max_bad_fraction=0.3)


def chain(*operators: Operator, more: Sequence[Step] = ()) -> Recipe:
    recipe = read(*(operators or CHAIN), shard_bytes=1 << 12, error_budget=BUDGET)
    first = recipe.steps[0].model_copy(update={"attribution": True})
    return recipe.model_copy(update={"steps": (first, *more)})


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_files(tmp_path_factory.mktemp("inputs"), small_files())


@pytest.fixture(scope="module")
def built(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return run_build(chain(), inputs, tmp_path_factory.mktemp("run") / "out")


@pytest.fixture(scope="module")
def run(built: Built) -> RecordedRun:
    return load_run(built.output)


def removed_by(built: Built) -> dict[str, int]:
    return {rule: rows for rule, rows in built.manifest("documents").rule_totals().items() if "/drop/" in rule}


# Attribution


def test_what_a_rule_removes_alone_is_what_a_run_with_it_alone_removes(
    built: Built, inputs: Path, tmp_path: Path
) -> None:
    found = attribute(judged_steps(load_run(built.output), CATALOGUE)["documents"])
    assert found.operators == ("shape", "long_enough", "words", "shape#2")
    assert {f"{s.operator}/drop/{s.rule}": s.removed for s in found.rules if s.removed} == removed_by(built)
    assert found.rows_judged == 240
    assert found.rows_removed == built.manifest("documents").total("rows_dropped")
    off = Shape(min_chars=None, max_words=None, max_lines=None, max_letter_fraction=None)
    only_words = off.model_copy(update={"max_words": 30})
    alone = run_build(chain(only_words, OneLine(poison="Page 4")), inputs, tmp_path / "alone")
    share = next(s for s in found.rules if (s.operator, s.rule) == ("shape", "too_many_words"))
    assert share.alone == alone.manifest("documents").total("rows_dropped") > share.only > 0


def test_overlaps_count_documents_that_two_filters_would_remove(built: Built) -> None:
    judged = judged_steps(load_run(built.output), CATALOGUE)["documents"]
    found = attribute(judged)
    paths = [judged.manifest.path(shard.index, "values") for shard in judged.manifest.shards]
    rows = [row for path in paths for row in pq.read_table(path).to_pylist()]
    limits = {"shape": Shape(**FIRST), "words": CHAIN[3], "shape#2": CHAIN[4]}

    def breaks(row: dict[str, Any], label: str) -> bool:
        if label == "long_enough":
            return row[label] is not None
        rule_set = limits[label]
        assert isinstance(rule_set, Shape)
        values = [(row[f"{label}/{limit.rule}"], limit) for limit in rule_set.limits()]
        return any(value is not None and limit.limit is not None and _outside(value, limit) for value, limit in values)

    for first, line in zip(found.operators, found.overlap, strict=True):
        for second, count in zip(found.operators, line, strict=True):
            assert count == sum(breaks(row, first) and breaks(row, second) for row in rows), (first, second)
    assert max(found.overlap[0][1:]) > 0
    assert len(found.rule_overlap) == len(found.rules) == 13


def _outside(value: float, limit: Any) -> bool:
    if limit.side == "min":
        return bool(value < limit.limit)
    return bool(value > limit.limit if limit.inclusive else value >= limit.limit)


# What if

SWEEP: tuple[tuple[str, ...], ...] = (
    ("shape.min_chars=10",),
    ("shape.min_chars=150",),
    ("shape.min_chars=null",),
    ("shape.max_words=25", "words.max_words=22"),
    ("shape.max_words=40", "words.max_words=40", "words.max_letter_fraction=0.2"),
    ("words.max_words=31",),
    ("words.max_letter_fraction=0.07",),
    ("shape#2.min_chars=140", "shape#2.max_lines=0"),
    ("shape#2.max_words=24",),
    ("shape.min_chars=60",),
)


def with_settings(settings: Sequence[str]) -> tuple[Operator, ...]:
    labels = ("shape", "one_line", "long_enough", "words", "shape#2")
    operators = dict(zip(labels, CHAIN, strict=True))
    for setting in settings:
        label, name, value = setting.replace("=", ".", 1).split(".", 2)
        number = None if value == "null" else float(value)
        operators[label] = operators[label].model_copy(update={name: number})
    return tuple(operators.values())


@pytest.mark.parametrize("settings", SWEEP, ids=" ".join)
def test_the_answer_is_what_a_run_gives(
    settings: tuple[str, ...], built: Built, run: RecordedRun, inputs: Path, tmp_path: Path
) -> None:
    (answer,) = what_if(run, CATALOGUE, [f"documents.{setting}" for setting in settings], num_examples=1000)
    again = run_build(chain(*with_settings(settings)), inputs, tmp_path / "again")
    before, after = built.manifest("documents"), again.manifest("documents")
    assert answer.is_exact
    assert (answer.kept_before, answer.kept_after) == (before.total("rows_kept"), after.total("rows_kept"))
    assert (answer.quarantined_before, answer.quarantined_after) == (
        before.total("rows_quarantined"), after.total("rows_quarantined")
    )  # fmt: skip
    changed = {f"{rule.operator}/drop/{rule.rule}": rule.removed_after for rule in answer.rules}
    told = {rule: rows for rule, rows in {**removed_by(built), **changed}.items() if rows}
    assert told == removed_by(again)
    old, new = kept_ids(built), kept_ids(again)
    dropped = {doc_id for doc_id, action in ledger_ids(again).items() if action == "drop"}
    assert {doc_id for doc_id, _ in answer.gained.examples} == new - old
    assert {doc_id for doc_id, _ in answer.lost.examples} == (old - new) & dropped
    assert (answer.gained.rows, answer.lost.rows) == (len(new - old), len((old - new) & dropped))


def test_the_sweep_moves_documents_both_ways_and_into_quarantine(run: RecordedRun) -> None:
    answers = [what_if(run, CATALOGUE, [f"documents.{setting}" for setting in settings])[0] for settings in SWEEP]
    assert sum(answer.gained.rows > 0 for answer in answers) >= 2
    assert sum(answer.lost.rows > 0 for answer in answers) >= 4
    assert any(answer.quarantined_before != answer.quarantined_after for answer in answers)
    assert all(answer.gained.text_bytes is not None for answer in answers)
    assert (answers[-1].gained.rows, answers[-1].lost.rows, answers[-1].rules) == (0, 0, ())


def identities(built: Built) -> list[list[str]]:
    manifest = built.manifest("documents")
    paths = [manifest.path(shard.index, IDENTITY) for shard in manifest.shards]
    return [[doc_id.hex() for doc_id in pq.read_table(path)["doc_id"].to_pylist()] for path in paths]


def ledger_ids(built: Built) -> dict[str, str]:
    manifest, ids, found = built.manifest("documents"), identities(built), {}
    for shard in manifest.shards:
        if LEDGER in shard.files:
            for row in pq.read_table(manifest.path(shard.index, LEDGER)).to_pylist():
                if row["action"] != "edit":
                    found[ids[shard.index][row["row"]]] = row["action"]
    return found


def kept_ids(built: Built) -> set[str]:
    return {doc_id for ids in identities(built) for doc_id in ids} - ledger_ids(built).keys()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("documents.shape.letter=e", r"expected a limit; letter was 'a', is 'e', and is no limit"),
        ("documents.shape.least=1", r"shape has no field 'least'; fields: \['languages', 'letter'"),
        ("documents.shape.min_chars=few", r"shape: min_chars: .*; found 'few'"),
        ("documents.long_enough.min_chars=3", r"long_enough is no rule set, .*\['shape', 'words', 'shape#2'\]"),
        ("documents.gopher.min_chars=3", r"no such operator in step documents; it has \['shape', 'one_line'"),
        ("other.shape.min_chars=3", r"expected STEP\.RULE_SET\.FIELD=VALUE; steps: \['documents'\]"),
        ("documents.shape.min_chars", r"expected STEP\.RULE_SET\.FIELD=VALUE"),
        ("documents.shape.min_chars=[", r"expected YAML"),
    ],
)
def test_what_values_cannot_answer_is_refused(setting: str, message: str, run: RecordedRun) -> None:
    with pytest.raises(PlanError, match=message) as caught:
        what_if(run, CATALOGUE, [setting])
    assert "\n" not in str(caught.value)


def test_edits_and_steps_below_make_an_answer_less_than_exact(inputs: Path, tmp_path: Path) -> None:
    base = View(base="documents")
    more = (
        Step(name="keys", view=base, nodes=(TextKey(),), write=ArtifactKind.COLUMNS),
        Step(
            name="copies",
            view=base.binding("keys"),
            nodes=(Exchange(key=TEXT_KEY), KeepFirst()),
            write=ArtifactKind.REMOVALS,
        ),
        Step(name="short", view=base, nodes=(Shape(max_words=24),), write=ArtifactKind.REMOVALS, attribution=True),
        Step(name="kept", view=base.binding("copies", "short"), write=ArtifactKind.DOCUMENTS),
    )
    recipe = chain(Shape(**FIRST), OneLine(), Shape(max_words=28), more=more)
    run = load_run(run_build(recipe, inputs, tmp_path / "out").output)
    (answer,) = what_if(run, CATALOGUE, ["documents.shape.max_words=26"])
    assert answer.lost.rows > 0
    assert answer.unknown == ("step copies compares documents (keep_first): what it does to others may change",)
    (answer,) = what_if(run, CATALOGUE, ["documents.shape#2.max_words=32"])
    assert [reason.split()[1] for reason in answer.unknown] == ["copies", "short"]
    (answer,) = what_if(run, CATALOGUE, ["documents.one_line.poison=x"])
    assert answer.unknown == ("one_line edits the text that shape#2 judges: values are of the text as it was",)
    (answer,) = what_if(run, CATALOGUE, ["short.shape.max_words=20"])
    assert answer.is_exact
    assert answer.lost.rows > 0
    both = what_if(run, CATALOGUE, ["short.shape.max_words=20", "documents.shape.max_words=26"])
    assert [found.step for found in both] == ["documents", "short"]
    assert both[1].unknown == ("other settings of documents bring other documents to step short",)


def test_a_run_without_values_says_how_to_get_them(inputs: Path, tmp_path: Path) -> None:
    run = load_run(run_build(read(LongEnough()), inputs, tmp_path / "out").output)
    with pytest.raises(PlanError, match="step documents does not; run it with `attribution: true`"):
        what_if(run, CATALOGUE, ["documents.long_enough.min_chars=3"])


def test_explain_tells_all_rules_that_a_document_breaks(run: RecordedRun) -> None:
    (answer,) = what_if(run, CATALOGUE, ["documents.shape.min_chars=10"], num_examples=0)
    assert answer.gained.examples == ()
    (fate,) = find_fates(run, "n6", CATALOGUE)
    broken = [
        (event.action, event.operator, event.rule) for event in fate.events if event.rule and event.action != "edit"
    ]
    assert broken[0] == ("drop", "shape", "too_short")
    assert ("breaks", "long_enough", "too_short") in broken[1:]
    assert ("breaks", "shape#2", "too_short") in broken[1:]
    value = next(event for event in fate.events if (event.action, event.operator) == ("breaks", "shape#2"))
    assert (value.threshold, value.value is not None) == (100, True)
    (plain,) = find_fates(run, "n6")
    assert not [event for event in plain.events if event.action == "breaks"]
