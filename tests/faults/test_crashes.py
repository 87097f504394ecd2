"""A build that is killed at any point, at any time, is finished by the next run with the same bytes."""

import signal
from pathlib import Path

import pytest

from pipeline.execution.faults import FAULT_POINTS
from tests.builds import Built, run_build, staged_files, tree_digest
from tests.faults.crashing import crash_locally, fragile


def test_the_recipe_is_worth_disturbing(undisturbed: Built) -> None:
    assert len(undisturbed.manifest("documents").shards) > 2
    for step, count in (("documents", "rows_dropped"), ("copies", "rows_dropped"), ("kept", "rows_written")):
        assert undisturbed.manifest(step).total(count) > 10, step
    assert staged_files(undisturbed.output) == []


def test_a_process_that_is_not_told_to_die_finishes(small_inputs: Path, undisturbed: Built, tmp_path: Path) -> None:
    """So an exit code of -9 below comes from the fault point and nothing else."""
    assert crash_locally("", small_inputs, tmp_path / "out") == 0
    assert tree_digest(tmp_path / "out") == tree_digest(undisturbed.output)


@pytest.mark.parametrize("point", [point for point in FAULT_POINTS if not point.startswith(("round.", "fallback."))])
def test_a_killed_build_is_finished_by_the_next_run(
    point: str, small_inputs: Path, undisturbed: Built, tmp_path: Path
) -> None:
    """By SIGKILL; the chaos harness has copies of the output at more moments of a larger recipe."""
    output = tmp_path / "out"
    code = crash_locally(f"{point}:2", small_inputs, output)
    assert code == -signal.SIGKILL, "the point was not reached"
    run_build(fragile(), small_inputs, output)
    assert staged_files(output) == []
    assert tree_digest(output) == tree_digest(undisturbed.output)


@pytest.mark.parametrize(
    ("point", "num_kept"), [("commit.recorded:1", 1), ("commit.recorded:9", 9), ("commit.staged:5", 4)]
)
def test_committed_units_are_not_done_again(
    point: str, num_kept: int, small_inputs: Path, undisturbed: Built, tmp_path: Path
) -> None:
    assert crash_locally(point, small_inputs, tmp_path / "out") == -signal.SIGKILL
    resumed = run_build(fragile(), small_inputs, tmp_path / "out")
    assert resumed.num_units == undisturbed.num_units - num_kept


def test_a_build_that_dies_after_every_commit_comes_to_its_end(
    small_inputs: Path, undisturbed: Built, tmp_path: Path
) -> None:
    num_deaths = 0
    while crash_locally("commit.recorded", small_inputs, tmp_path / "out") == -signal.SIGKILL:
        num_deaths += 1
        assert num_deaths <= undisturbed.num_units, "a run made no progress"
    assert num_deaths == undisturbed.num_units
    assert staged_files(tmp_path / "out") == []
    assert tree_digest(tmp_path / "out") == tree_digest(undisturbed.output)
