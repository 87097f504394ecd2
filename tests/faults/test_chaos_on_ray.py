"""The chaos harness on Ray in its short form: an actor and a driver that die, ones that stand still or are told to end.

Nodes are killed by `make soak`: they need a cluster of their own.
"""

import signal
from pathlib import Path

import pytest

from tests.builds import MakeRunner
from tests.faults.disturbed import Corpus
from tests.faults.on_cluster import actor_killed, actor_paused, driver_ended
from tests.faults.outcome import HARMLESS

pytest.importorskip("torch", reason="the extra `models` is not installed")
pytestmark = pytest.mark.ray

SEED = "1"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return Corpus.written(tmp_path_factory.mktemp("chaos"))


def test_an_actor_that_is_killed_costs_no_byte(corpus: Corpus, tmp_path: Path, make_ray_runner: MakeRunner) -> None:
    found = actor_killed(corpus, tmp_path / "out", make_ray_runner(workers=2), SEED)
    assert "SIGKILL of ray::StageActor" in found.moment
    assert found.outcome == HARMLESS


def test_an_actor_that_stands_still_does_no_harm(corpus: Corpus, tmp_path: Path, make_ray_runner: MakeRunner) -> None:
    found = actor_paused(corpus, tmp_path / "out", make_ray_runner(workers=2), SEED)
    assert "stood still" in found.moment
    assert found.outcome == HARMLESS


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_a_driver_that_ends_costs_no_byte(
    by: signal.Signals, corpus: Corpus, tmp_path: Path, make_ray_runner: MakeRunner
) -> None:
    import ray  # noqa: PLC0415 -- loaded with the cluster

    runner = make_ray_runner(workers=2)
    address = ray.get_runtime_context().gcs_address
    assert driver_ended(corpus, tmp_path / "out", runner, address, SEED, by).outcome == HARMLESS
