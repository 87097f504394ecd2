"""A driver on Ray that is killed leaves actors and files behind; the next run finishes the build all the same."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.builds import Built, MakeRunner, run_build, staged_files, tree_digest
from tests.faults.crashing import crash_on_ray, fragile

END_SECONDS = 30

pytestmark = [pytest.mark.ray, pytest.mark.timeout(200)]


@pytest.fixture
def ray_folder() -> Iterator[Path]:
    """A folder for a cluster of the test's own. Its path is short, since sockets lie in it."""
    folder = Path(tempfile.mkdtemp(prefix="mill", dir="/tmp"))
    yield folder
    end_session(folder)
    shutil.rmtree(folder)


def end_session(folder: Path) -> None:
    """Kills what is left of the cluster under `folder`, and only that, and waits until it is gone."""
    left = [process for process in psutil.process_iter() if _belongs_to(process, folder)]
    for process in left:
        process.kill()
    _, alive = psutil.wait_procs(left, timeout=END_SECONDS)
    assert not alive


def _belongs_to(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.environ().get("RAY_TMPDIR") == str(folder)
    except psutil.Error:
        return False  # it ended, or it is another user's


def test_a_driver_that_dies_with_its_cluster_costs_only_what_was_not_committed(
    ray_folder: Path,
    small_inputs: Path,
    undisturbed: Built,
    tmp_path: Path,
    make_ray_runner: MakeRunner,
) -> None:
    output = tmp_path / "out"
    assert crash_on_ray("commit.recorded:3", small_inputs, output, ray_folder) == -signal.SIGKILL
    assert list((output / "steps").rglob("*.json")), "something was committed"
    end_session(ray_folder)

    resumed = run_build(fragile(), small_inputs, output, make_ray_runner())

    assert 0 < resumed.num_units < undisturbed.num_units
    assert staged_files(output) == []
    assert tree_digest(output) == tree_digest(undisturbed.output)
