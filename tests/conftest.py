"""What all tests share: one local Ray cluster for the whole session, and runners on it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.execution.local import LocalRunner
from pipeline.execution.runner import Runner
from tests.builds import MakeRunner

if TYPE_CHECKING:
    from pipeline.execution.on_ray.runner import RayRunner

ROOT = Path(__file__).resolve().parents[1]
NUM_CPUS = 5
OBJECT_STORE_BYTES = 200 << 20


def pytest_configure() -> None:
    """Lets workers import the project and the tests, and keeps Ray from writing tokens into the home folder."""
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    os.environ["RAY_AUTH_MODE"] = "disabled"


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """A cluster of this session: 5 CPUs, whatever the machine has, and one unit of the resource `fancy`."""
    import ray  # noqa: PLC0415 -- unit tests pay nothing for it

    ray.init(
        address="local",
        num_cpus=NUM_CPUS,
        resources={"fancy": 1},
        include_dashboard=False,
        object_store_memory=OBJECT_STORE_BYTES,
        log_to_driver=False,
        logging_level="ERROR",
    )
    yield
    ray.shutdown()


@pytest.fixture(scope="session")
def ray_runner(ray_cluster: None) -> Iterator["RayRunner"]:  # noqa: ARG001 -- there must be one
    """One runner, so that its actors outlive tests: starting them costs more than most tests."""
    from pipeline.execution.on_ray.runner import RayRunner  # noqa: PLC0415 -- as above

    runner = RayRunner()
    yield runner
    runner.close()


@pytest.fixture
def make_ray_runner(ray_runner: "RayRunner", monkeypatch: pytest.MonkeyPatch) -> MakeRunner:
    """Gives the session's runner with as many workers as a test asks for."""

    def make(workers: int = 2) -> Runner:
        monkeypatch.setattr(ray_runner, "_max_workers", workers)  # fails if there is no such attribute
        return ray_runner

    return make


@pytest.fixture(params=["local", pytest.param("ray", marks=pytest.mark.ray)])
def make_runner(request: pytest.FixtureRequest) -> MakeRunner:
    """The same test on both runners."""
    if request.param == "ray":
        make: MakeRunner = request.getfixturevalue("make_ray_runner")
        return make

    def make_local(workers: int = 1) -> Runner:  # noqa: ARG001 -- one process, whatever is asked for
        return LocalRunner()

    return make_local
