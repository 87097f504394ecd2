"""Builds a recipe as a Ray job: starts a head on this machine, submits, follows the log, stops the head.

`python -m infra.ray.submit RECIPE --output DIR`; with `--dashboard URL` the job goes to a cluster that runs already,
which stays. Options that this command does not know go to `corpusmill run`. This is `ray job submit` by its Python
interface, because its command does not tell the entrypoint's exit code. The code travels with the job; recipe, inputs
and output are named by absolute path, and all nodes must see them there.

`ray stop` would end every Ray on the machine. Here `ray start --block` stays a child of this process and takes its own
daemons with it; what still runs with this head's temporary folder on its command line is ended after it.

Tried: Ray 2.60, a head with two CPUs, benchmarks/recipes/spine.yaml over 20 shards: same digest as `corpusmill run
--runner local` (python -m infra.ray.tree_digest). Two jobs one after the other on one head: both joined the running
cluster by RAY_ADDRESS, and the first left it alive (tests/integration/test_infra.py repeats this).
"""

import argparse
import asyncio
import os
import random
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from types import FrameType
from typing import Final

from ray.job_submission import JobStatus, JobSubmissionClient

from jobs.termination import INTERRUPTED, TERMINATED
from pipeline.execution.on_ray.cluster import private_cluster

ROOT: Final = Path(__file__).resolve().parents[2]
CODE: Final = ("pipeline", "operators", "jobs", "pyproject.toml")
"""What travels with the job. Everything else in the project's folder stays here, data and environments included."""

PORTS: Final = range(20_000, 32_768)
"""For the head. Ray gives 10002 to 19999 to its workers, and Linux gives 32768 upwards to anybody."""
START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 30.0
OBJECT_STORE_BYTES: Final = 512 << 20


def submit(dashboard: str, entrypoint: str) -> int:
    """Runs `entrypoint` as a job and prints its log; returns its exit code, of a job that was stopped 143."""
    client = JobSubmissionClient(dashboard)
    environment = {"working_dir": str(ROOT), "excludes": _excludes(), "env_vars": {"PYTHONUNBUFFERED": "1"}}
    job = _when_ready(lambda: client.submit_job(entrypoint=entrypoint, runtime_env=environment))
    print(f"submitted {job} to {dashboard}: {entrypoint}", file=sys.stderr)
    try:
        asyncio.run(_print_log(client, job))
    except KeyboardInterrupt:
        client.stop_job(job)
        raise
    info = client.get_job_info(job)
    print(f"{job}: {info.status}, exit code {info.driver_exit_code}", file=sys.stderr)
    if info.driver_exit_code is None:  # Ray does not ask those for it that it ends
        return TERMINATED if info.status == JobStatus.STOPPED else 1
    return int(info.driver_exit_code)


def _when_ready(start: Callable[[], str]) -> str:
    """What `start` returns, which is tried again while a new head has no agent yet that could run a job."""
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            return start()
        except RuntimeError as error:
            if "No available agent" not in str(error) or time.monotonic() > until:
                raise


async def _print_log(client: JobSubmissionClient, job: str) -> None:
    async for chunk in client.tail_job_logs(job):
        print(chunk, end="", flush=True)


def _excludes() -> list[str]:
    """Patterns, as in .gitignore, for all that is not code."""
    return [f"/{path.name}" for path in sorted(ROOT.iterdir()) if path.name not in CODE]


@contextmanager
def local_head(num_cpus: int) -> Iterator[str]:
    """The dashboard's URL of a head on this machine, which is gone afterwards."""
    folder = tempfile.mkdtemp(prefix="corpusmill-ray-", dir="/tmp")  # a short path: sockets lie in it
    port, dashboard_port, agent_port, client_port = _free_ports(4)
    dashboard = f"http://127.0.0.1:{dashboard_port}"
    ray = str(Path(sys.executable).with_name("ray"))
    command = [ray, "start", "--head", "--block", "--disable-usage-stats", f"--num-cpus={num_cpus}"]
    command += ["--node-ip-address=127.0.0.1", f"--port={port}", f"--ray-client-server-port={client_port}"]
    # Jobs start through the dashboard's agent; on its default port it gives way to that of another cluster and is mute.
    command += ["--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard_port}"]
    command += [f"--dashboard-agent-listen-port={agent_port}"]
    command += [f"--temp-dir={folder}", f"--object-store-memory={OBJECT_STORE_BYTES}"]
    head = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        _wait_for(dashboard, head)
        yield dashboard
    finally:
        head.send_signal(signal.SIGTERM)
        try:
            head.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            head.kill()
            head.wait()
        _end_all(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(dashboard: str, head: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if head.poll() is not None:
            raise SystemExit(f"submit: expected `ray start` to stay; it ended with exit code {head.returncode}")
        try:
            with urllib.request.urlopen(f"{dashboard}/api/version", timeout=5):  # noqa: S310 - our own http address
                return
        except urllib.error.HTTPError as error:
            if error.code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                return  # it answers, and wants the token, which the client of jobs has
            time.sleep(0.5)
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise SystemExit(f"submit: expected a dashboard at {dashboard} within {START_SECONDS:.0f} s; found none")


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now; drawn, so that two heads that start together seldom want the same."""
    found: list[int] = []
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
        if len(found) == count:
            return found
    raise SystemExit(f"submit: expected {count} free ports in {PORTS}; found {len(found)}")


def _end_all(folder: str) -> None:
    """Ends processes of this head that outlive it: only they name its temporary folder, which is new and random."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if folder.encode() in (entry / "cmdline").read_bytes():
                os.kill(int(entry.name), signal.SIGKILL)
        except OSError:  # it ended meanwhile, or belongs to somebody else
            continue


class _Terminated(KeyboardInterrupt):
    """SIGTERM came."""


def _raise_terminated(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise _Terminated


def main() -> None:
    """Exit code: that of the build."""
    parser = argparse.ArgumentParser(prog="python -m infra.ray.submit", allow_abbrev=False)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--dashboard", metavar="URL", help="of a cluster that runs; default: start a head here")
    parser.add_argument("--num-cpus", type=int, default=2, help="of the head that is started")
    parser.add_argument("--python", default=sys.executable, help="on the cluster; default: this one's path")
    given, options = parser.parse_known_args()
    signal.signal(signal.SIGTERM, _raise_terminated)  # else a terminated submit would leave its head behind
    # `python` in an entrypoint is whatever the head's PATH finds, so the interpreter is named by its path.
    run = [given.python, "-m", "jobs", "run", str(given.recipe.resolve()), "--output", str(given.output.resolve())]
    entrypoint = shlex.join([*run, "--runner", "ray", *options])
    try:
        if given.dashboard:
            raise SystemExit(submit(given.dashboard, entrypoint))
        with private_cluster(), local_head(given.num_cpus) as dashboard:
            code = submit(dashboard, entrypoint)
    except KeyboardInterrupt as interrupt:
        word, code = ("terminated", TERMINATED) if isinstance(interrupt, _Terminated) else ("interrupted", INTERRUPTED)
        print(f"submit: {word}; the job is stopped, committed work stays, run again to go on", file=sys.stderr)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
