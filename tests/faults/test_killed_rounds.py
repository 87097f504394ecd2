"""A build that is killed in the middle of rounds goes on in the round, with the same bytes."""

import signal
from pathlib import Path

import pytest

from tests.builds import Built, run_build, staged_files, tree_digest
from tests.corpus import write_files
from tests.faults.crashing import crash_locally
from tests.rounds import edge_files, rounds


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chain, which takes several rounds."""
    return write_files(tmp_path_factory.mktemp("in"), edge_files([(node, node + 1) for node in range(60)]))


@pytest.fixture(scope="module")
def undisturbed(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return run_build(rounds(), inputs, tmp_path_factory.mktemp("undisturbed") / "out")


@pytest.mark.parametrize(
    "point",
    [
        "round.done:1", "round.done:3", "segment.done:4", "segment.done:5", "segment.done:6", "commit.recorded:12",
        "commit.staged:17", "write.renamed:14", "exchange.map.closed:9", "exchange.reduce.begin:11", "sweep.middle:2",
    ],
)  # fmt: skip
def test_a_build_killed_between_rounds_is_finished_by_the_next_run(
    point: str, inputs: Path, undisturbed: Built, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    assert crash_locally(point, inputs, output, rounds) == -signal.SIGKILL, "the point was not reached"
    run_build(rounds(), inputs, output)
    assert staged_files(output) == []
    assert tree_digest(output) == tree_digest(undisturbed.output)


def test_finished_rounds_are_not_run_again(inputs: Path, undisturbed: Built, tmp_path: Path) -> None:
    assert crash_locally("round.done:3", inputs, tmp_path / "out", rounds) == -signal.SIGKILL
    resumed = run_build(rounds(), inputs, tmp_path / "out")
    num_partitions = len(undisturbed.manifest("components").shards)
    num_done = undisturbed.num_units - resumed.num_units
    assert num_done == 1 + 1 + 3 * 2 * num_partitions, "reading, the edges, and two segments a round"
