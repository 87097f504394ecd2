"""Disturbances on Ray: actors, nodes and drivers that are killed, and actors that stand still, at drawn moments.

Only processes that this one started, itself or through its cluster, are ever touched.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from pipeline.execution.build import build
from pipeline.execution.prepare import prepare
from pipeline.execution.runner import Event, Runner
from pipeline.execution.work import Execution
from tests.faults.crashing import TIMEOUT_SECONDS
from tests.faults.disturbed import Corpus, Disturbed, resumed
from tests.faults.outcome import compare
from tests.faults.real_recipe import real_recipe

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

NUM_UNITS: Final = 56
"""Strikes come after fewer units than a build has, so that there is something left to disturb."""
MAX_DELAY_SECONDS: Final = 0.15
PAUSE_SECONDS: Final = 4.0
"""Longer than the 3 s after which Ray asks a node for a sign of life."""
POLL_SECONDS: Final = 0.02
NUM_NODES: Final = 3
NODE_OBJECT_STORE_BYTES: Final = 150 << 20
HEALTH_CHECKS: Final = {
    "RAY_health_check_initial_delay_ms": "0",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "3",
}
"""A node that died is known to be dead after 2 to 8 s; by default it takes 15 to 65."""


class Strike:
    """Watches a build, strikes once so many units are done and a moment has passed, and takes the times."""

    def __init__(self, draw: random.Random, act: Callable[[], str]) -> None:
        self._units = draw.randrange(1, NUM_UNITS)
        self._delay = draw.uniform(0, MAX_DELAY_SECONDS)
        self._act = act
        self._timer: threading.Timer | None = None
        self._done = 0
        self._step = ""
        self._struck: float | None = None
        self._noticed: float | None = None
        self._recovered: float | None = None
        self.step = ""
        self.moment = f"{self._units} units done and {self._delay:.3f} s: the build had ended"

    def __call__(self, event: Event) -> None:
        """Is told what happens in the build."""
        now = time.monotonic()
        self._step = event.step or self._step
        if event.kind == "actor_lost" and self._struck is not None:
            self._noticed = self._noticed or now
        if event.kind != "unit_finished":
            return
        self._done += 1
        if self._noticed is not None:
            self._recovered = self._recovered or now
        if self._done == self._units:
            self._timer = threading.Timer(self._delay, self._strike)
            self._timer.start()

    def end(self) -> None:
        """The build has ended."""
        assert self._timer is not None
        self._timer.join()

    @property
    def notice_seconds(self) -> float | None:
        """From the strike until the driver lost an actor; None if it lost none."""
        return None if self._noticed is None or self._struck is None else self._noticed - self._struck

    @property
    def recover_seconds(self) -> float | None:
        """From then until the next unit was done."""
        return None if self._noticed is None or self._recovered is None else self._recovered - self._noticed

    def _strike(self) -> None:
        self.step = self._step
        self._struck = time.monotonic()
        self.moment = f"{self._units} units done and {self._delay:.3f} s: {self._act()}"


def actor_killed(corpus: Corpus, output: Path, runner: Runner, seed: str) -> Disturbed:
    """SIGKILL of an actor, of one that is at work if there is any."""
    draw = random.Random(seed)

    def kill() -> str:
        actor = _an_actor(draw)
        title = _title(actor)
        actor.kill()
        return f"SIGKILL of {title}"

    return _struck("actor", corpus, output, runner, Strike(draw, kill))


def actor_paused(corpus: Corpus, output: Path, runner: Runner, seed: str) -> Disturbed:
    """SIGSTOP of an actor, and SIGCONT when a sign of life is long due."""
    draw = random.Random(seed)

    def pause() -> str:
        actor = _an_actor(draw)
        title = _title(actor)
        actor.suspend()
        time.sleep(PAUSE_SECONDS)
        if actor.is_running():
            actor.resume()
        return f"{title} stood still for {PAUSE_SECONDS:.0f} s"

    return _struck("pause", corpus, output, runner, Strike(draw, pause))


def node_killed(corpus: Corpus, output: Path, runner: Runner, cluster: "Cluster", seed: str) -> Disturbed:
    """SIGKILL of a node's raylet, as when a machine is gone; the cluster gets another node afterwards."""
    draw = random.Random(seed)
    node = draw.choice(sorted(cluster.worker_nodes, key=lambda node: node.unique_id))

    def kill() -> str:
        for raylet in node.all_processes["raylet"]:
            raylet.process.kill()
        return "SIGKILL of a node"

    try:
        return _struck("node", corpus, output, runner, Strike(draw, kill))
    finally:
        cluster.remove_node(node, allow_graceful=False)
        _add_node(cluster)
        cluster.wait_for_nodes()


def driver_ended(
    corpus: Corpus, output: Path, runner: Runner, address: str, seed: str, by: signal.Signals
) -> Disturbed:
    """A driver on the cluster is sent SIGKILL or SIGTERM; `runner` finishes the build, while actors may still write."""
    draw = random.Random(seed)
    units, delay = draw.randrange(1, NUM_UNITS), draw.uniform(0, MAX_DELAY_SECONDS)
    command = [sys.executable, "-m", "tests.faults.driver", str(corpus.inputs), str(output), address]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as driver:
        step = _after_units(output / "logs" / "events.jsonl", units, driver)
        time.sleep(delay)
        struck = time.monotonic()
        driver.send_signal(by)
        _, told = driver.communicate(timeout=TIMEOUT_SECONDS)
        notice = time.monotonic() - struck
    assert driver.returncode in (-by, 128 + by), f"{driver.returncode}: {told[-2_000:]}"
    recover = resumed(corpus, output, runner)
    outcome = compare(output, corpus.undisturbed)
    shutil.rmtree(output)
    kind = {signal.SIGKILL: "driver_kill", signal.SIGTERM: "driver_term"}[by]
    moment = f"{units} units done and {delay:.3f} s: {by.name} of the driver"
    return Disturbed(kind, step, moment, outcome, notice if by == signal.SIGTERM else None, recover)


@contextmanager
def three_nodes() -> Iterator["Cluster"]:
    """A cluster of nodes of one CPU each, which is soon known to be dead where it is."""
    from ray.cluster_utils import Cluster  # noqa: PLC0415 -- local tests pay nothing for it

    before = {name: os.environ.get(name) for name in HEALTH_CHECKS}
    os.environ.update(HEALTH_CHECKS)
    cluster = Cluster()
    try:
        for _ in range(NUM_NODES):
            _add_node(cluster)
        cluster.wait_for_nodes()
        yield cluster
    finally:
        cluster.shutdown()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _add_node(cluster: "Cluster") -> None:
    cluster.add_node(num_cpus=1, object_store_memory=NODE_OBJECT_STORE_BYTES, include_dashboard=False)


def _struck(kind: str, corpus: Corpus, output: Path, runner: Runner, strike: Strike) -> Disturbed:
    build(prepare(real_recipe(), corpus.inputs), output, runner, Execution(), strike)
    strike.end()
    outcome = compare(output, corpus.undisturbed)
    shutil.rmtree(output)
    return Disturbed(kind, strike.step, strike.moment, outcome, strike.notice_seconds, strike.recover_seconds)


def _an_actor(draw: random.Random) -> psutil.Process:
    """One of those that this process's clusters run, at work if possible."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        found = [process for process in psutil.Process().children(recursive=True) if _is_actor(process)]
        at_work = [process for process in found if "." in _title(process)]
        if found:
            return draw.choice(sorted(at_work or found, key=lambda process: process.pid))
        time.sleep(POLL_SECONDS)
    raise AssertionError("no actor was started")


def _is_actor(process: psutil.Process) -> bool:
    return _title(process).startswith("ray::StageActor")


def _title(process: psutil.Process) -> str:
    """Ray names a process after the actor, and while it is at work after the call: `ray::StageActor.run`."""
    try:
        return " ".join(process.cmdline()).strip()
    except psutil.Error:
        return ""


def _after_units(log: Path, units: int, driver: "subprocess.Popen[str]") -> str:
    """Waits until so many units are done; the step of the last one."""
    while driver.poll() is None:
        lines = log.read_text().split("\n")[:-1] if log.exists() else []  # the last one may be unfinished
        events = map(json.loads, lines)
        finished = [event["step"] for event in events if event["kind"] == "unit_finished"]
        if len(finished) >= units:
            return str(finished[-1])
        time.sleep(POLL_SECONDS)
    assert driver.stderr is not None
    raise AssertionError(f"the driver ended by itself: {driver.stderr.read()[-2_000:]}")
