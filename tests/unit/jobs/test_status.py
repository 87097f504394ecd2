"""What of a run is done."""

import shutil
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from jobs.status import DONE, STARTED, WAITING, print_status, run_status
from pipeline.run import load_run


@pytest.fixture
def stopped(finished_folder: Path, tmp_path: Path) -> Path:
    """The build as it is when a driver was killed while it packed."""
    output = tmp_path / "out"
    shutil.copytree(finished_folder, output)
    (packed,) = (output / "steps").glob("packed-*")
    (packed / "manifest.json").unlink()
    return output


def test_a_finished_run(finished_folder: Path):
    status = run_status(load_run(finished_folder))
    assert (status.recipe, status.is_running, status.failure) == ("small", False, None)
    assert {step.state for step in status.steps} == {DONE}
    documents = status.steps[0]
    assert (documents.rows_kept, documents.rows_dropped, documents.rows_quarantined) == (4, 2, 0)
    assert documents.num_bytes > 0


def test_a_run_that_stopped(stopped: Path):
    status = run_status(load_run(stopped))
    states = {step.step: step.state for step in status.steps}
    assert states.pop("packed") in (STARTED, WAITING)
    assert set(states.values()) == {DONE}
    stream = StringIO()
    print_status(status, Console(file=stream, width=120))
    assert stream.getvalue().startswith("small: stopped\n")
