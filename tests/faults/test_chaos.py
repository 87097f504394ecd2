"""The short form of the chaos harness: every fault point once on the local runner, late attempts, second drivers."""

import shutil
from pathlib import Path

import pytest

from pipeline.execution.faults import FAULT_POINTS
from tests.builds import manifests, tree_digest
from tests.faults.company import haunted, rivalled
from tests.faults.crashing import crash_locally
from tests.faults.disturbed import Corpus, left_at
from tests.faults.moments import EXECUTIONS, Moment, copies_at, drawn, walk
from tests.faults.outcome import HARMLESS, compare
from tests.faults.real_recipe import real_recipe

pytest.importorskip("torch", reason="the extra `models` is not installed")

SEED = 1


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return Corpus.written(tmp_path_factory.mktemp("chaos"))


@pytest.fixture(scope="module")
def moments(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> list[Moment]:
    """Every moment of the build."""
    found: list[Moment] = []
    walk(real_recipe(), corpus.inputs, tmp_path_factory.mktemp("census") / "out", found.append)
    return found


@pytest.fixture(scope="module")
def copies(corpus: Corpus, moments: list[Moment], tmp_path_factory: pytest.TempPathFactory) -> dict[Moment, Path]:
    """The output folder at one moment of every point, in the middle of its passes."""
    passes = [[one for one in moments if one.point == point] for point in FAULT_POINTS]
    middle = [found[len(found) // 2] for found in passes]
    return copies_at(middle, real_recipe(), corpus.inputs, tmp_path_factory.mktemp("copies"))


def test_the_recipe_is_worth_disturbing(corpus: Corpus, moments: list[Moment]) -> None:
    built = {manifest.step: manifest for manifest in manifests(corpus.undisturbed).values()}
    assert {"documents", "exact", "near", "near.clusters", "scores", "tokens", "packed", "megatron"} <= set(built)
    for step in ("documents", "exact", "near", "good"):
        assert built[step].total("rows_dropped") > 10, step
    assert built["documents"].total("rows_quarantined") > 0
    assert [fallback.operator for fallback in built["tokens"].fallbacks] == ["wrongly_tokenize"]
    assert {one.point for one in moments} == set(FAULT_POINTS)
    assert {one.step for one in moments} == set(built)


def test_moments_are_drawn_from_all_points_and_all_steps(moments: list[Moment]) -> None:
    chosen = drawn(moments, SEED, 150)
    assert len(set(chosen)) == len(chosen) == 150
    assert {one.step for one in chosen} == {one.step for one in moments}
    for point in FAULT_POINTS:
        passes = [one for one in moments if one.point == point]
        assert {passes[0], passes[-1]} <= set(chosen), point
    assert chosen == drawn(moments, SEED, 150) != drawn(moments, SEED + 1, 150)


@pytest.mark.parametrize("point", FAULT_POINTS)
def test_a_build_that_dies_at_a_point_is_finished_by_the_next_run(
    point: str, corpus: Corpus, copies: dict[Moment, Path]
) -> None:
    moment = next(one for one in copies if one.point == point)
    execution = EXECUTIONS[FAULT_POINTS.index(point) % len(EXECUTIONS)]
    assert left_at(moment, copies[moment], corpus, execution).outcome == HARMLESS


def test_a_copy_is_what_a_killed_process_leaves(corpus: Corpus, moments: list[Moment], tmp_path: Path) -> None:
    """In the middle of a file that is being written, which lies under a name that is new each time."""
    unfinished = [one for one in moments if one.point == "write.unfinished"]
    moment = unfinished[len(unfinished) // 3]
    copy = copies_at([moment], real_recipe(), corpus.inputs, tmp_path)[moment]
    killed = tmp_path / "killed"
    assert crash_locally(str(moment), corpus.inputs, killed, real_recipe) < 0
    assert by_content(copy) == by_content(killed)
    assert any(name.startswith("tmp/") for name in tree_digest(copy))


def by_content(output: Path) -> list[tuple[str, str]]:
    """Names and digests, those of unfinished files without their names."""
    digests = tree_digest(output)
    return sorted(("tmp" if name.startswith("tmp/") else name, digest) for name, digest in digests.items())


def test_a_difference_is_seen(corpus: Corpus, tmp_path: Path) -> None:
    """So the outcomes here can be other than harmless."""
    output = tmp_path / "out"
    shutil.copytree(corpus.undisturbed, output)
    assert compare(output, corpus.undisturbed) == HARMLESS
    (tokens,) = (found for name, found in manifests(output).items() if name.startswith("tokens-"))
    first, second = (tokens.path(shard, "data") for shard in (0, 1))
    assert first is not None
    assert second is not None
    shutil.copy(first, second)
    (output / "tmp/left").touch()
    found = compare(output, corpus.undisturbed)
    assert found.differing_bytes > 100
    assert found.lost == tokens.shards[1].counts["rows_written"]
    assert found.duplicated == tokens.shards[0].counts["rows_written"]
    assert found.left_in_staging == 1


@pytest.mark.parametrize("seed", ["1:110", "1:104", "1:zombie:5"])
def test_an_attempt_that_goes_on_after_it_was_given_up_does_no_harm(seed: str, corpus: Corpus, tmp_path: Path) -> None:
    """The first goes on to write a file of an exchange when the build has ended, the last to read one."""
    assert haunted(corpus, tmp_path / "out", seed).outcome == HARMLESS


@pytest.mark.parametrize(("with_lease", "number"), [(True, 70), (False, 90)])
def test_a_second_driver_does_no_harm(
    with_lease: bool, number: int, corpus: Corpus, moments: list[Moment], tmp_path: Path
) -> None:
    moment = drawn(moments, SEED, 150)[number]
    assert rivalled(corpus, tmp_path / "out", moment, "1", with_lease=with_lease).outcome == HARMLESS
