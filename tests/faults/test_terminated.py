"""A build that is told to end does so soon, says how to go on, and the next run finishes it with the same bytes."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobs.termination import INTERRUPTED, TERMINATED
from tests.builds import staged_files, tree_digest
from tests.corpus import write_files
from tests.faults.crashing import TIMEOUT_SECONDS
from tests.small import lines

END_SECONDS = 3.0
"""After which `ray job stop` sends SIGKILL."""
SLACK = 10.0
"""For a machine that is busy with other tests."""

RECIPE = """
name: small
sources: {docs: {paths: [docs/*.jsonl]}}
layout: {shard_bytes: 4096}
steps:
  - {name: documents, read: docs, operators: [gopher_repetition, gopher_quality], write: documents}
  - {name: lengths, base: documents, operators: [text_length], write: columns}
"""

LONG_KERNEL = """
import sys
from numba import njit
from jobs.termination import ends_by_signal

@njit(nogil=True)
def spin(rounds):
    total = 0
    for number in range(rounds):
        total ^= number * total + 1
    return total

spin(1)
with ends_by_signal():
    print("at work", flush=True)
    print(spin(1 << 60))
"""

WHERE_NOTHING_IS_RAISED = """
import os, signal, time
from jobs.termination import ends_by_signal

class Freed:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)

with ends_by_signal():
    Freed()
"""

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe over enough shards that a build can be met in the middle."""
    folder = write_files(
        tmp_path_factory.mktemp("in"),
        {f"docs/{file:02}.jsonl": lines(range(40 * file, 40 * file + 40)) for file in range(20)},
    )
    (folder / "small.yaml").write_text(RECIPE)
    return folder / "small.yaml"


@pytest.fixture(scope="module")
def undisturbed(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    output = tmp_path_factory.mktemp("undisturbed") / "out"
    with running(recipe, output) as process:
        assert process.wait(TIMEOUT_SECONDS) == 0
    return tree_digest(output)


@contextmanager
def running(recipe: Path, output: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`corpusmill run` in a process of its own."""
    command = [sys.executable, "-m", "jobs", "run", str(recipe), "--output", str(output), *(options or LOCAL)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


LOCAL = ("--runner", "local")


def wait_for_commits(output: Path, process: subprocess.Popen[str], number: int = 3) -> None:
    """Waits until units are committed."""
    until = time.monotonic() + TIMEOUT_SECONDS
    log = output / "logs/events.jsonl"
    while time.monotonic() < until and process.poll() is None:
        events = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        if sum(event["kind"] == "unit_finished" for event in events) >= number:
            return
        time.sleep(0.01)
    raise AssertionError("the build came to no commit, or to its end")


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGTERM, TERMINATED, "terminated"), (signal.SIGINT, INTERRUPTED, "interrupted")],
)
def test_a_build_that_is_told_to_end_is_finished_by_the_next_run(
    number: int, code: int, word: str, recipe: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    with running(recipe, output) as process:
        wait_for_commits(output, process)
        start = time.monotonic()
        process.send_signal(number)
        errors = process.communicate(timeout=TIMEOUT_SECONDS)[1]
    assert time.monotonic() - start < END_SECONDS + SLACK
    assert process.returncode == code
    assert errors.splitlines()[-1] == f"corpusmill: {word}; committed work stays, run the same command again to go on"
    assert "Traceback" not in errors
    assert not list((output / "steps").glob("lengths-*/manifest.json")), "the build had come to its end"
    with running(recipe, output) as process:
        assert process.wait(TIMEOUT_SECONDS) == 0
    assert staged_files(output) == []
    assert tree_digest(output) == undisturbed


def test_a_build_ends_in_the_middle_of_a_kernel() -> None:
    with subprocess.Popen([sys.executable, "-c", LONG_KERNEL], stderr=-1, stdout=-1, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        start = time.monotonic()
        process.terminate()
        errors = process.communicate(timeout=TIMEOUT_SECONDS)[1]
    assert time.monotonic() - start < END_SECONDS + SLACK
    assert process.returncode == TERMINATED
    assert errors.splitlines() == ["corpusmill: terminated; committed work stays, run the same command again to go on"]


def test_an_interrupt_while_python_frees_an_object_is_no_less_one() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WHERE_NOTHING_IS_RAISED],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == INTERRUPTED
    assert "corpusmill: interrupted; committed work stays" in done.stderr


@pytest.mark.ray
def test_a_driver_on_ray_ends_before_it_is_killed(
    recipe: Path, undisturbed: dict[str, str], tmp_path: Path, ray_cluster: None
) -> None:
    del ray_cluster
    import ray  # noqa: PLC0415 -- as conftest.py

    on_ray = ("--runner", "ray", "--workers", "2", "--address", ray.get_runtime_context().gcs_address)
    output = tmp_path / "out"
    with running(recipe, output, *on_ray) as process:
        wait_for_commits(output, process)
        start = time.monotonic()
        process.terminate()
        errors = process.communicate(timeout=TIMEOUT_SECONDS)[1]
    assert time.monotonic() - start < END_SECONDS + SLACK
    assert process.returncode == TERMINATED
    assert "corpusmill: terminated; committed work stays, run the same command again to go on" in errors.splitlines()
    assert "Traceback" not in errors
    with running(recipe, output) as process:
        assert process.wait(TIMEOUT_SECONDS) == 0
    assert tree_digest(output) == undisturbed


READ_ALONE = """
name: read
sources: {docs: {paths: [docs/*.jsonl]}}
layout: {shard_bytes: 1024}
steps:
  - {name: documents, read: docs, write: documents}
"""
"""No kernels, which a job would compile anew; and shards for some seconds."""


@pytest.fixture(scope="module")
def head() -> Iterator[str]:
    """The dashboard of a cluster that takes jobs."""
    from infra.ray.submit import local_head  # noqa: PLC0415 -- as conftest.py

    with local_head(2) as dashboard:
        yield dashboard


def stop_job(dashboard: str, submitted: "subprocess.Popen[str]") -> None:
    """As `ray job stop` does."""
    from ray.job_submission import JobSubmissionClient  # noqa: PLC0415 -- as conftest.py

    assert submitted.poll() is None
    client = JobSubmissionClient(dashboard)
    for job in client.list_jobs():
        if not job.status.is_terminal():
            client.stop_job(job.submission_id)


def end_submit(dashboard: str, submitted: "subprocess.Popen[str]") -> None:
    """Whoever waits for the job goes, and takes it along."""
    del dashboard
    submitted.terminate()


def job_logs(dashboard: str, output: Path) -> str:
    """The log of the job that works in `output`, once it has ended."""
    from ray.job_submission import JobSubmissionClient  # noqa: PLC0415 -- as conftest.py

    client = JobSubmissionClient(dashboard)
    until = time.monotonic() + TIMEOUT_SECONDS
    (job,) = [job.submission_id for job in client.list_jobs() if str(output) in job.entrypoint]
    while time.monotonic() < until and not client.get_job_status(job).is_terminal():
        time.sleep(0.2)
    return str(client.get_job_logs(job))


@pytest.mark.soak
@pytest.mark.ray
@pytest.mark.parametrize("end", [stop_job, end_submit])
def test_a_job_that_is_stopped_says_how_to_go_on(
    end: Callable[[str, "subprocess.Popen[str]"], None], head: str, tmp_path: Path
) -> None:
    files = {f"docs/{file:03}.jsonl": lines(range(40 * file, 40 * file + 40)) for file in range(100)}
    recipe = write_files(tmp_path / "in", files) / "read.yaml"
    recipe.write_text(READ_ALONE)
    output = tmp_path / "out"
    command = [sys.executable, "-m", "infra.ray.submit", str(recipe), "--output", str(output), "--dashboard", head]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as submitted:
        wait_for_commits(output, submitted)
        end(head, submitted)
        errors = submitted.communicate(timeout=TIMEOUT_SECONDS)[1]
    log = job_logs(head, output).splitlines()
    assert "corpusmill: terminated; committed work stays, run the same command again to go on" in log
    assert not any("Traceback" in line for line in [*log, errors])
    assert submitted.returncode == TERMINATED
    assert not list((output / "steps").glob("documents-*/manifest.json")), "the build had come to its end"
    for folder in (output, tmp_path / "undisturbed"):
        with running(recipe, folder) as process:
            assert process.wait(TIMEOUT_SECONDS) == 0
    assert staged_files(output) == []
    assert tree_digest(output) == tree_digest(tmp_path / "undisturbed")
