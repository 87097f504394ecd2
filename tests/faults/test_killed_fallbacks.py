"""A build that is killed while an operator falls back ends, after the next run, in the same bytes."""

import signal
from pathlib import Path

import pytest

from pipeline.execution.faults import FAULT_POINTS
from pipeline.plan.logical import ArtifactKind, Recipe, Step, View
from tests.builds import Built, run_build, staged_files, tree_digest
from tests.faults.crashing import crash_locally
from tests.sample_operators import GuardedLength, LongEnough
from tests.small import read

POINTS = [f"{point}:{number}" for point in FAULT_POINTS if point.startswith("fallback.") for number in (1, 2)]


def distrustful() -> Recipe:
    """Two steps that fall back after most of their shards are committed."""
    lengths = Step(
        name="lengths",
        view=View(base="documents"),
        nodes=(GuardedLength(column="again", distrust="Page 221\n"),),
        write=ArtifactKind.COLUMNS,
    )
    guarded = GuardedLength(distrust="Page 212\n")
    return read(LongEnough(min_chars=40), guarded, shard_bytes=1 << 12, more=(lengths,))


@pytest.fixture(scope="module")
def undisturbed(small_inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    built = run_build(distrustful(), small_inputs, tmp_path_factory.mktemp("undisturbed") / "out")
    assert built.steps_of("fell_back") == ["documents", "lengths"]
    assert built.num_units > len(built.manifest("documents").shards) + len(built.manifest("lengths").shards) + 4
    return built


@pytest.mark.parametrize("point", [*POINTS, "fallback.dropping:3", "commit.recorded:4", "commit.recorded:12"])
def test_a_build_killed_on_its_way_to_a_fallback_is_finished_by_the_next_run(
    point: str, small_inputs: Path, undisturbed: Built, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    assert crash_locally(point, small_inputs, output, distrustful) == -signal.SIGKILL, "the point was not reached"
    run_build(distrustful(), small_inputs, output)
    assert staged_files(output) == []
    assert tree_digest(output) == tree_digest(undisturbed.output)


def test_a_resumed_build_knows_that_an_operator_fell_back(
    small_inputs: Path, undisturbed: Built, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    assert crash_locally("fallback.recorded", small_inputs, output, distrustful) == -signal.SIGKILL
    resumed = run_build(distrustful(), small_inputs, output)
    assert resumed.steps_of("fell_back") == ["lengths"], "of the other step the folder says it"
    assert resumed.manifest("documents").fallbacks == undisturbed.manifest("documents").fallbacks
