"""Neighbouring operators that need different resources run as pools of their own, with the same bytes."""

from pathlib import Path

import pytest

from pipeline.errors import RunnerError
from pipeline.execution.work import Execution
from pipeline.operator import Resources
from pipeline.plan.logical import ArtifactKind, ErrorBudget, Recipe, Step, View
from pipeline.plan.stages import fuse
from tests.builds import MakeRunner, run_build, tree_digest
from tests.corpus import BAD_LINES, jsonl, write_files
from tests.sample_operators import FancyLength, FancyWindow, LongEnough, OneLine, TextLength, WindowLength
from tests.small import read, small_files


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Eight shards, bad rows among them."""
    return write_files(tmp_path / "in", small_files(num_files=8) | {"docs/bad.jsonl": jsonl(BAD_LINES)})


def three_pools(*, poison: str = "") -> Recipe:
    """One CPU, then the fancy resource, then one CPU again; rows leave and change in all of them."""
    return read(
        LongEnough(min_chars=40),
        TextLength(poison=poison),
        FancyLength(poison="Page 11\n"),
        OneLine(poison="Page 21\n"),
        shard_bytes=1 << 12,
        error_budget=ErrorBudget(max_bad_fraction=0.1),
    )


def test_the_recipe_has_three_stages() -> None:
    (step,) = three_pools().steps
    assert [len(stage.operators) for stage in fuse(step, step.labelled)] == [2, 1, 1]


@pytest.mark.ray
@pytest.mark.parametrize("workers", [2, 5])
def test_pools_of_different_resources_give_the_same_bytes(
    workers: int, inputs: Path, tmp_path: Path, make_ray_runner: MakeRunner
) -> None:
    recipe = three_pools(poison="Page 1\n")
    local = run_build(recipe, inputs, tmp_path / "local")
    assert len(local.manifest("documents").shards) > 3
    assert local.manifest("documents").total("rows_quarantined") == len(BAD_LINES) + 2 + 2 + 2
    on_ray = run_build(recipe, inputs, tmp_path / "ray", make_ray_runner(workers=workers), Execution(batch_rows=7))
    assert tree_digest(on_ray.output) == tree_digest(local.output)


def test_stages_give_the_same_rows_as_one_fused_stage(inputs: Path, tmp_path: Path) -> None:
    """Resources are no part of identity: a recipe may override them without changing a byte."""
    cut = three_pools()
    (step,) = cut.steps
    fused_step = step.model_copy(update={"resources": {"fancy_length": Resources()}})
    fused = cut.model_copy(update={"steps": (fused_step,)})
    assert len(fuse(fused_step, fused_step.labelled)) == 1
    left = run_build(cut, inputs, tmp_path / "cut")
    right = run_build(fused, inputs, tmp_path / "fused")
    assert tree_digest(left.output) == tree_digest(right.output)


@pytest.mark.parametrize("batch_rows", [1, 7, 1024])
def test_windows_are_of_the_shard_whatever_the_batches_are(
    batch_rows: int, inputs: Path, tmp_path: Path, make_runner: MakeRunner
) -> None:
    """In the first stage over sources, in a stage that is handed rows, and over what an earlier step wrote."""
    again = Step(name="again", view=View(base="documents"), nodes=(WindowLength(),), write=ArtifactKind.COLUMNS)
    recipe = read(
        WindowLength(column="first", poison="Page 11\n"),
        LongEnough(min_chars=40),
        FancyWindow(poison="Page 21\n"),
        shard_bytes=1 << 12,
        error_budget=ErrorBudget(max_bad_fraction=0.1),
        more=(again,),
    )
    expected = run_build(recipe, inputs, tmp_path / "expected", execution=Execution(batch_rows=64))
    assert expected.manifest("documents").total("rows_quarantined") == len(BAD_LINES) + 2 + 2
    found = run_build(recipe, inputs, tmp_path / "found", make_runner(), Execution(batch_rows=batch_rows))
    assert tree_digest(found.output) == tree_digest(expected.output)


@pytest.mark.ray
def test_stages_share_cpus_where_there_are_too_few(inputs: Path, tmp_path: Path, make_ray_runner: MakeRunner) -> None:
    """Four stages, one of which takes four of the five CPUs."""
    recipe = three_pools()
    (step,) = recipe.steps
    step = step.model_copy(update={"resources": {"text_length": Resources(num_cpus=4)}})
    recipe = recipe.model_copy(update={"steps": (step,)})
    assert [stage.resources.num_cpus for stage in fuse(step, step.labelled)] == [1, 4, 1, 1]
    local = run_build(recipe, inputs, tmp_path / "local")
    on_ray = run_build(recipe, inputs, tmp_path / "ray", make_ray_runner())
    assert tree_digest(on_ray.output) == tree_digest(local.output)


@pytest.mark.ray
def test_what_the_cluster_lacks_is_named(inputs: Path, tmp_path: Path, make_ray_runner: MakeRunner) -> None:
    recipe = read(TextLength(), resources={"text_length": Resources(custom={"no_such_device": 2})})
    with pytest.raises(RunnerError) as raised:
        run_build(recipe, inputs, tmp_path / "out", make_ray_runner())
    message = str(raised.value)
    assert "'no_such_device': 2" in message
    assert "'CPU': 5" in message
    assert "'fancy': 1" in message
    assert "lower `resources` in the recipe" in message


@pytest.mark.ray
def test_more_than_the_cluster_has_is_named(inputs: Path, tmp_path: Path, make_ray_runner: MakeRunner) -> None:
    """Each stage fits alone; together they never could."""
    recipe = read(TextLength(), FancyLength(), resources={"text_length": Resources(num_cpus=1, custom={"fancy": 1})})
    assert len(fuse(recipe.steps[0], recipe.steps[0].labelled)) == 1, "equal needs are one stage"
    both = read(TextLength(), FancyLength(), resources={"text_length": Resources(num_cpus=2, custom={"fancy": 1})})
    with pytest.raises(RunnerError, match="expected room for one actor of each stage"):
        run_build(both, inputs, tmp_path / "out", make_ray_runner())
