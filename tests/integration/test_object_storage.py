"""Outputs in an object store that fails one request in twenty: the bytes of a folder, and no key in any of them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from jobs.cli import clean
from pipeline.errors import PipelineError, RunnerError, StorageError
from pipeline.execution.faults import VARIABLE
from pipeline.execution.lease import LAPSE_SECONDS
from pipeline.io.object_path import ObjectPath
from pipeline.io.store import ObjectStore
from tests.builds import Built, run_build, tree_digest
from tests.corpus import write_files
from tests.faults.crashing import fragile
from tests.object_store import (
    BUCKET,
    CANARIES,
    client,
    environment_of,
    failing_proxy,
    make_bucket,
    object_digests,
    open_uploads,
    s3_server,
)
from tests.small import small_files

pytestmark = pytest.mark.timeout(600)
FRACTION = 0.05
BUILD = """
import sys
from pathlib import Path
from pipeline.io.store import place_of
from tests.builds import run_build
from tests.faults.crashing import fragile
from tests.integration.everything import everything
recipes = {"fragile": fragile, "everything": everything}
name, inputs, output, runner = sys.argv[1:]
if runner == "ray":
    from pipeline.execution.on_ray.runner import RayRunner
    runner = RayRunner(workers=2)
    run_build(recipes[name](), Path(inputs), place_of(output), runner)
    runner.close()
else:
    run_build(recipes[name](), Path(inputs), place_of(output))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A store with a bucket; the environment of this process leads to it."""
    with s3_server() as url, pytest.MonkeyPatch.context() as patch:
        for name, value in environment_of(url).items():
            patch.setenv(name, value)
        make_bucket()
        yield url


@pytest.fixture
def output(server: str, request: pytest.FixtureRequest) -> ObjectPath:  # noqa: ARG001 -- it must be there
    """A prefix of its own."""
    return ObjectPath.of(f"s3://{BUCKET}/{request.node.name.replace('[', '-').replace(']', '')}/run")


@pytest.fixture(scope="module")
def small_inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_files(tmp_path_factory.mktemp("small") / "in", small_files())


@pytest.fixture(scope="module")
def undisturbed(small_inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return file_digests(run_build(fragile(), small_inputs, tmp_path_factory.mktemp("undisturbed") / "out").output)


def file_digests(folder: Path) -> dict[str, str]:
    return {name: digest for name, digest in tree_digest(folder).items() if digest != "folder"}


def program(
    name: str, inputs: Path, output: ObjectPath, store: str, runner: str = "local", crash_at: str = ""
) -> subprocess.CompletedProcess[bytes]:
    """A build in a process of its own, which knows the store from its environment alone."""
    environment = {**os.environ, **environment_of(store), VARIABLE: crash_at}
    arguments = [sys.executable, "-c", BUILD, name, str(inputs), str(output), runner]
    return subprocess.run(arguments, env=environment, capture_output=True, check=False, timeout=500)


def assert_no_canary(*texts: bytes) -> None:
    for canary in CANARIES.values():
        assert not any(canary.encode() in text for text in texts), canary


@pytest.mark.parametrize("runner", ["local", pytest.param("ray", marks=[pytest.mark.ray, pytest.mark.soak])])
def test_a_store_that_fails_leaves_the_same_bytes(
    runner: str, server: str, corpus: Path, reference: Built, output: ObjectPath
) -> None:
    build_on_failing_store("everything", corpus, output, server, runner)
    assert object_digests(output) == file_digests(reference.output)


@pytest.mark.ray
def test_workers_of_a_cluster_write_to_a_store_that_fails(
    server: str, small_inputs: Path, undisturbed: dict[str, str], output: ObjectPath
) -> None:
    build_on_failing_store("fragile", small_inputs, output, server, "ray")
    assert object_digests(output) == undisturbed


def build_on_failing_store(name: str, inputs: Path, output: ObjectPath, server: str, runner: str) -> None:
    """A build to its end, which leaves neither uploads nor keys."""
    with failing_proxy(server, seed=7, fraction=FRACTION) as url:
        done = program(name, inputs, output, url, runner)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert open_uploads() == []
    assert_no_canary(done.stdout, done.stderr, *(path.read_bytes() for path in output.files_below()))


@pytest.mark.parametrize(
    "point", ["write.closed:2", "commit.staged:3", "commit.recorded:5", "manifest.recorded:1", "sweep.middle:2"]
)
def test_a_killed_driver_is_resumed(
    point: str, server: str, small_inputs: Path, undisturbed: dict[str, str], output: ObjectPath
) -> None:
    killed = program("fragile", small_inputs, output, server, crash_at=point)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]
    run_build(fragile(), small_inputs, output)
    assert object_digests(output) == undisturbed


def test_uploads_that_lost_workers_left_are_ended(small_inputs: Path, output: ObjectPath) -> None:
    client().call_s3("create_multipart_upload", Bucket=BUCKET, Key=(output / "steps/x/data/00000-lost.parquet").key)
    assert len(open_uploads()) == 1
    run_build(fragile(), small_inputs, output)
    assert open_uploads() == []


def test_a_second_driver_is_told_who_is_at_work(
    small_inputs: Path, undisturbed: dict[str, str], output: ObjectPath
) -> None:
    lock = output / "logs" / "driver.lock"
    lock.write_bytes(b'{"host": "elsewhere", "process": 7, "seen": %f}' % time.time())
    with pytest.raises(
        RunnerError, match="expected no other build in it; process 7 on elsewhere was at work there 0 s ago"
    ):
        run_build(fragile(), small_inputs, output)
    assert [path.name for path in output.files_below()] == ["driver.lock"]
    lock.write_bytes(b'{"host": "elsewhere", "process": 7, "seen": %f}' % (time.time() - LAPSE_SECONDS - 1))
    run_build(fragile(), small_inputs, output)
    assert object_digests(output) == undisturbed
    assert not lock.exists()


def test_clean_is_refused_while_a_driver_is_at_work(small_inputs: Path, output: ObjectPath) -> None:
    run_build(fragile(), small_inputs, output)
    being_written = output / "steps" / "documents-000000000000" / "data" / "00000.parquet"
    being_written.write_bytes(b"")
    lock = output / "logs" / "driver.lock"
    lock.write_bytes(b'{"host": "elsewhere", "process": 7, "seen": %f}' % time.time())
    with pytest.raises(RunnerError, match="expected no other build in it; process 7 on elsewhere was at work there"):
        clean(str(output))
    assert being_written.is_file()
    lock.unlink()
    clean(str(output))
    assert not being_written.is_file()
    assert not lock.exists()


def test_two_drivers_at_once_do_no_harm(
    server: str, small_inputs: Path, undisturbed: dict[str, str], output: ObjectPath
) -> None:
    """The lease is broken from outside, as a pause of two minutes would; both go on, or stop with a word why."""
    first = subprocess.Popen(
        [sys.executable, "-c", BUILD, "fragile", str(small_inputs), str(output), "local"],
        env={**os.environ, **environment_of(server)},
    )
    lock = output / "logs" / "driver.lock"
    while first.poll() is None and not lock.exists():
        time.sleep(0.01)
    lock.unlink()
    with suppress(PipelineError):
        run_build(fragile(), small_inputs, output)
    first.wait()
    run_build(fragile(), small_inputs, output)
    assert object_digests(output) == undisturbed


def test_a_store_that_ignores_the_condition_is_refused(output: ObjectPath, monkeypatch: pytest.MonkeyPatch) -> None:
    def writes_over(self: ObjectPath, data: bytes) -> bool:
        self.write_bytes(data)
        return True

    monkeypatch.setattr(ObjectPath, "create", writes_over)
    with pytest.raises(StorageError, match="expected a store that creates an object only if it is absent"):
        ObjectStore(output).check_create()
    assert list(output.files_below()) == []
