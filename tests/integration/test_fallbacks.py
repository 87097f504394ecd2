"""An operator that asks for its fallback: the whole step is made with it, and nothing of it with both."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.artifact import DATA, Fallback
from pipeline.errors import CommitError, OperatorError
from pipeline.execution.work import Execution
from pipeline.plan.logical import ArtifactKind, Exchange, Recipe, Step, View
from tests.builds import Built, MakeRunner, run_build, staged_files, tree_digest
from tests.corpus import write_files
from tests.sample_operators import (
    TEXT_KEY,
    FancyGuardedLength,
    GuardedLength,
    GuardedRank,
    LongEnough,
    OneLine,
    TextKey,
)
from tests.small import lines, read, small_files, text_of

NUM_DOCUMENTS = 240
DISTRUSTED = "Page 201\n"
"""Of a document near the end: most shards are committed by then."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_files(tmp_path_factory.mktemp("fallbacks") / "in", small_files(NUM_DOCUMENTS, num_files=8))


def guarded(distrust: str = DISTRUSTED) -> Recipe:
    return read(LongEnough(min_chars=40), GuardedLength(distrust=distrust), shard_bytes=1 << 12)


def values(built: Built, step: str, column: str) -> list[int | None]:
    manifest = built.manifest(step)
    paths = [manifest.path(shard.index, DATA) for shard in manifest.shards]
    return [value for path in paths for value in pq.read_table(path)[column].to_pylist()]


def long_texts() -> list[str]:
    return [text for text in map(text_of, range(NUM_DOCUMENTS)) if len(text) >= 40]


def test_without_a_cause_nothing_falls_back(inputs: Path, tmp_path: Path) -> None:
    built = run_build(guarded("no such text"), inputs, tmp_path / "out")
    manifest = built.manifest("documents")
    assert (manifest.fallbacks, manifest.made_with) == ((), {"guarded_length": "quick 1.0"})
    assert all(shard.made_with == {"guarded_length": "quick 1.0"} for shard in manifest.shards)
    assert values(built, "documents", "num_chars") == [len(text) + 1_000 for text in long_texts()]
    assert built.steps_of("fell_back") == []


def test_the_whole_step_is_made_with_the_fallback(inputs: Path, tmp_path: Path) -> None:
    built = run_build(guarded(), inputs, tmp_path / "out")
    manifest = built.manifest("documents")
    assert len(manifest.shards) > 4
    assert values(built, "documents", "num_chars") == [len(text) for text in long_texts()]
    assert manifest.fallbacks == (
        Fallback("guarded_length", {"engine": "quick"}, {"engine": "sound"}, "another length than the sound engine's"),
    )
    assert manifest.made_with == {"guarded_length": "sound 1.0"}
    assert {shard.fallbacks for shard in manifest.shards} == {("guarded_length",)}
    (told,) = [event for event in built.events if event.kind == "fell_back"]
    assert "engine 'quick' -> 'sound'" in told.message
    assert "another length than the sound engine's (row " in told.message
    assert built.num_units > len(manifest.shards), "some shards were committed before"
    other = run_build(guarded("no such text"), inputs, tmp_path / "other")
    assert other.manifest("documents").operators[0] == manifest.operators[0]
    left = {path.parent.name for path in manifest.folder.rglob("*") if path.is_file()}
    assert left == {manifest.folder.name, "data", "ledger", "identity"}
    assert len(list((manifest.folder / "data").iterdir())) == len(manifest.shards)


@pytest.mark.ray
@pytest.mark.parametrize(("workers", "batch_rows"), [(1, 1024), (2, 7), (5, 100)])
def test_any_number_of_workers_gives_the_same_bytes(
    workers: int, batch_rows: int, inputs: Path, tmp_path: Path, make_ray_runner: MakeRunner
) -> None:
    local = run_build(guarded(), inputs, tmp_path / "local")
    on_ray = run_build(
        guarded(), inputs, tmp_path / "ray", make_ray_runner(workers=workers), Execution(batch_rows=batch_rows)
    )
    assert on_ray.steps_of("fell_back") == ["documents"]
    assert tree_digest(on_ray.output) == tree_digest(local.output)
    assert staged_files(on_ray.output) == []


def two_pools() -> Recipe:
    """Two operators that fall back, in pools of different resources; then a step that writes columns."""
    columns = Step(
        name="lengths",
        view=View(base="documents"),
        nodes=(GuardedLength(column="again", distrust="Page 120 "),),
        write=ArtifactKind.COLUMNS,
    )
    return read(
        GuardedLength(distrust="Page 30\n"),
        OneLine(),
        FancyGuardedLength(distrust="Page 150 "),
        shard_bytes=1 << 12,
        more=(columns,),
    )


def test_several_operators_fall_back_in_stages_of_their_own(
    inputs: Path, tmp_path: Path, make_runner: MakeRunner
) -> None:
    expected = run_build(two_pools(), inputs, tmp_path / "expected")
    built = run_build(two_pools(), inputs, tmp_path / "out", make_runner(workers=4), Execution(batch_rows=16))
    assert sorted(built.steps_of("fell_back")) == ["documents", "documents", "lengths"]
    documents = built.manifest("documents")
    assert [fallback.operator for fallback in documents.fallbacks] == ["fancy_guarded_length", "guarded_length"]
    assert documents.made_with == {"fancy_guarded_length": "sound 1.0", "guarded_length": "sound 1.0"}
    for step, column in (("documents", "num_chars"), ("documents", "fancy_chars"), ("lengths", "again")):
        assert max(value or 0 for value in values(built, step, column)) < 1_000, column
    assert tree_digest(built.output) == tree_digest(expected.output)


def test_a_step_of_several_segments_begins_again_from_the_first(
    inputs: Path, tmp_path: Path, make_runner: MakeRunner
) -> None:
    def ranks(distrust: int) -> Recipe:
        step = Step(
            name="ranks",
            view=View(base="documents", bound=("keys",)),
            nodes=(Exchange(key=TEXT_KEY), GuardedRank(distrust=distrust)),
            write=ArtifactKind.COLUMNS,
        )
        keys = Step(name="keys", view=View(base="documents"), nodes=(TextKey(),), write=ArtifactKind.COLUMNS)
        return read(shard_bytes=1 << 12, more=(keys, step))

    first_bytes = [key[0] for key in values(run_build(ranks(-1), inputs, tmp_path / "keys"), "keys", TEXT_KEY)]
    rare = min(set(first_bytes), key=first_bytes.count)
    built = run_build(ranks(rare), inputs, tmp_path / "out", make_runner())
    manifest = built.manifest("ranks")
    assert [fallback.operator for fallback in manifest.fallbacks] == ["guarded_rank"]
    assert manifest.made_with == {"guarded_rank": "sound 1.0"}
    assert len({event.message for event in built.events if event.kind == "segment_started"}) > 2
    local = run_build(ranks(rare), inputs, tmp_path / "local")
    assert tree_digest(built.output) == tree_digest(local.output)


def test_what_has_no_fallback_ends_the_build(
    inputs: Path, tmp_path: Path, make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GuardedLength, "fallback", lambda self: None)  # noqa: ARG005 -- asked of the driver alone
    with pytest.raises(OperatorError) as raised:
        run_build(guarded(), inputs, tmp_path / "out", make_runner())
    assert str(raised.value) == (
        "step documents, operator guarded_length: expected a fallback, as it asks for one; found None; it asks "
        "because: another length than the sound engine's"
    )


def test_workers_with_other_versions_end_the_build(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = iter(["quick 1.0", "quick 1.0", *["quick 1.1"] * 100])
    monkeypatch.setattr(GuardedLength, "made_with", lambda self: next(versions))  # noqa: ARG005 -- as of the operator
    with pytest.raises(CommitError) as raised:
        run_build(guarded(""), inputs, tmp_path / "out")
    assert str(raised.value) == (
        "step documents, shard 2, operator guarded_length: expected it to be made with 'quick 1.0', as the step's "
        "other shards; found 'quick 1.1'; install that version on every machine, or remove the step's folder and run "
        "again"
    )
    with pytest.raises(CommitError, match=r"expected it to be made with 'quick 1\.0'"):
        run_build(guarded(""), inputs, tmp_path / "out")


def grown(folder: Path, distrust: str = "no such text") -> Recipe:
    write_files(folder, {"docs/9.jsonl": lines(range(300, 330))})
    return guarded(distrust)


def test_shards_of_an_earlier_build_are_taken_over_if_the_same_engine_made_them(inputs: Path, tmp_path: Path) -> None:
    folder = write_files(
        tmp_path / "in", {f"docs/{path.name}": path.read_bytes() for path in (inputs / "docs").iterdir()}
    )
    before = run_build(guarded("no such text"), folder, tmp_path / "out")
    num_before = len(before.manifest("documents").shards)
    after = run_build(grown(folder), folder, tmp_path / "out")
    assert 0 < after.num_units < num_before
    fresh = run_build(grown(folder), folder, tmp_path / "fresh")
    assert after.manifest("documents").to_bytes() == fresh.manifest("documents").to_bytes()


def test_shards_of_another_engine_are_made_again(inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_files(
        tmp_path / "in", {f"docs/{path.name}": path.read_bytes() for path in (inputs / "docs").iterdir()}
    )
    run_build(guarded("no such text"), folder, tmp_path / "out")
    monkeypatch.setattr(GuardedLength, "made_with", lambda self: "quick 1.1")  # noqa: ARG005 -- as of the operator
    after = run_build(grown(folder), folder, tmp_path / "out")
    manifest = after.manifest("documents")
    assert after.num_units == len(manifest.shards)
    assert {shard.made_with["guarded_length"] for shard in manifest.shards} == {"quick 1.1"}


def test_a_step_that_falls_back_takes_over_only_what_its_fallback_made(inputs: Path, tmp_path: Path) -> None:
    """Both ways: first a build whose new file is distrusted, then one after it."""
    files = {f"docs/{path.name}": path.read_bytes() for path in (inputs / "docs").iterdir()}
    folder = write_files(tmp_path / "in", files)
    run_build(guarded("Page 301\n"), folder, tmp_path / "out")
    second = run_build(grown(folder, "Page 301\n"), folder, tmp_path / "out")
    assert second.steps_of("fell_back") == ["documents"]
    assert max(v or 0 for v in values(second, "documents", "num_chars")) < 1_000
    write_files(folder, {"docs/91.jsonl": lines(range(400, 430))})
    third = run_build(guarded("Page 301\n"), folder, tmp_path / "out")
    fresh = run_build(guarded("Page 301\n"), folder, tmp_path / "fresh")
    assert third.manifest("documents").to_bytes() == fresh.manifest("documents").to_bytes()
