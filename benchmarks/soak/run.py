"""Disturbs builds of a real recipe, at least 200 of them, and compares every byte: writes results/soak.json.

`python -m benchmarks.soak.run`, or the end of `make soak`. Kinds, each of which `--only` can name:

- fault_point: on the local runner, at 150 moments drawn from the passes of all fault points in all steps: 120 copies of
  the output folder as it is then, and 30 processes that are killed there and once more on their way to the end.
- zombie, second_driver: attempts that go on after they were given up, and two drivers in one output folder.
- actor, pause, driver_kill, driver_term: on one shared Ray cluster of this machine.
- node: nodes of a cluster of three that is told of dead nodes within seconds.

Every run of a seed repeats the same moments; on Ray, as far as processes can be hit at a moment. Exit code 1 if a build
lost or repeated a document, or differs from the undisturbed one in a byte.
"""

import argparse
import json
import os
import random
import shutil
import signal
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

import ray

from benchmarks.soak.table import table
from benchmarks.surroundings import ROOT, commit, machine, measured_now, versions
from pipeline.execution.on_ray.runner import RayRunner
from pipeline.execution.runner import Runner
from tests.faults.company import haunted, rivalled
from tests.faults.disturbed import Corpus, Disturbed, killed_at, left_at
from tests.faults.moments import EXECUTIONS, Moment, copies_at, drawn, walk
from tests.faults.on_cluster import actor_killed, actor_paused, driver_ended, node_killed, three_nodes
from tests.faults.real_recipe import NUM_DOCUMENTS, real_recipe
from tests.hostile.all_cases import CASES

RESULT: Final = ROOT / "benchmarks/results/soak.json"
SEED: Final = 1
RUNS: Final = {
    "fault_point": 150,
    "zombie": 10,
    "second_driver": 10,
    "actor": 20,
    "pause": 6,
    "driver_kill": 8,
    "driver_term": 6,
    "node": 10,
}
KILLED_EVERY: Final = 5
"""Of so many fault points one is reached by a process that is killed; a copy of its output stands for the others."""
NUM_CPUS: Final = 5
WORKERS: Final = 2
OBJECT_STORE_BYTES: Final = 200 << 20
ENVIRONMENT: Final = {
    "RAY_AUTH_MODE": "disabled",
    "OMP_NUM_THREADS": "1",
    "RAY_worker_niceness": "0",  # or other work on the machine decides how long a run takes
}
PACKAGES: Final = ("ray", "pyarrow", "numba", "numpy", "torch", "transformers", "tokenizers")

Json = dict[str, Any]  # Any: what json.dumps takes
Runs = Iterator[tuple[int, Disturbed]]


def main() -> None:
    """All kinds, or those that are asked for; the others stay as the result's file has them."""
    options = _options()
    os.environ |= ENVIRONMENT | {"PYTHONPATH": str(ROOT)}
    shutil.rmtree(options.work, ignore_errors=True)
    corpus = Corpus.written(options.work / "corpus")
    earlier: Json = json.loads(options.result.read_text()) if options.result.is_file() else {}
    runs: list[Json] = [run for run in earlier.get("runs", []) if run["kind"] not in options.only]
    for kind in options.only:
        for number, disturbed in KINDS[kind](corpus, options.work, options.seed, round(RUNS[kind] * options.share)):
            runs.append({"run": number, "seed": options.seed, "commit": commit(), **asdict(disturbed)})
            print(f"{kind} {number}: {disturbed.step}, {disturbed.moment}: {disturbed.outcome}", flush=True)
            _write(options, runs)
    shutil.rmtree(options.work)
    print(table(runs))
    print(f"written: {options.result}")
    sys.exit(int(any(_figures(runs)[name] for name in ("lost", "duplicated", "differing_bytes"))))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak.run", description="Disturbs builds.")
    parser.add_argument("--seed", type=int, default=SEED, help="of all moments")
    parser.add_argument("--only", nargs="+", choices=list(KINDS), default=list(KINDS), help="some kinds only")
    parser.add_argument("--share", type=float, default=1.0, help="of the runs of each kind")
    parser.add_argument("--work", type=Path, default=ROOT / "runs/soak", help="folder for builds, emptied first")
    parser.add_argument("--result", type=Path, default=RESULT, help="file to write")
    options = parser.parse_args()
    options.work = options.work.resolve()
    return options


def _fault_points(corpus: Corpus, work: Path, seed: int, number: int) -> Runs:
    moments: list[Moment] = []
    walk(real_recipe(), corpus.inputs, work / "census", moments.append)
    chosen = drawn(moments, seed, number)
    draw = random.Random(seed)  # noqa: S311 -- to be repeated, not to be secret
    draw.shuffle(chosen)
    copied = [one for place, one in enumerate(chosen) if place % KILLED_EVERY]
    copies = copies_at(copied, real_recipe(), corpus.inputs, work / "copies")
    for place, moment in enumerate(chosen):
        if moment in copies:
            yield place, left_at(moment, copies[moment], corpus, draw.choice(EXECUTIONS))
        else:
            again = draw.choice(moments)
            yield place, killed_at(moment, work / "out", corpus, f"{again.point}:{draw.randrange(1, 9)}")


def _zombies(corpus: Corpus, work: Path, seed: int, number: int) -> Runs:
    for place in range(number):
        yield place, haunted(corpus, work / "out", f"{seed}:zombie:{place}")


def _second_drivers(corpus: Corpus, work: Path, seed: int, number: int) -> Runs:
    """Two of ten with the lease, which refuses the second one."""
    moments: list[Moment] = []
    walk(real_recipe(), corpus.inputs, work / "census2", moments.append)
    draw = random.Random(seed)  # noqa: S311 -- as above
    chosen = draw.sample(drawn(moments, seed, len(moments) // 3), number)
    for place, moment in enumerate(chosen):
        yield place, rivalled(corpus, work / "out", moment, f"{seed}:{place}", with_lease=place % 5 == 0)


def _on_shared_cluster(disturb: Callable[..., Disturbed], corpus: Corpus, work: Path, seed: int, number: int) -> Runs:
    with _shared_cluster() as runner:
        for place in range(number):
            yield place, disturb(corpus, work / "out", runner, seed=f"{seed}:{disturb.__name__}:{place}")


def _drivers(by: signal.Signals, corpus: Corpus, work: Path, seed: int, number: int) -> Runs:
    with _shared_cluster() as runner:
        address = ray.get_runtime_context().gcs_address
        for place in range(number):
            yield place, driver_ended(corpus, work / "out", runner, address, f"{seed}:{by.name}:{place}", by)


def _nodes(corpus: Corpus, work: Path, seed: int, number: int) -> Runs:
    ray.shutdown()  # of the shared cluster, if there was one
    with three_nodes() as cluster:
        ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
        for place in range(number):
            runner = RayRunner(workers=3)
            yield place, node_killed(corpus, work / "out", runner, cluster, f"{seed}:node:{place}")
            runner.close()
        ray.shutdown()


@contextmanager
def _shared_cluster() -> Iterator[Runner]:
    """A runner on a cluster that lives as long as this process does, or until nodes are asked for."""
    if not ray.is_initialized():
        ray.init(
            address="local",
            num_cpus=NUM_CPUS,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            log_to_driver=False,
            logging_level="ERROR",
        )
    runner = RayRunner(workers=WORKERS)
    yield runner
    runner.close()


KINDS: Final[dict[str, Callable[[Corpus, Path, int, int], Runs]]] = {
    "fault_point": _fault_points,
    "zombie": _zombies,
    "second_driver": _second_drivers,
    "actor": partial(_on_shared_cluster, actor_killed),
    "pause": partial(_on_shared_cluster, actor_paused),
    "driver_kill": partial(_drivers, signal.SIGKILL),
    "driver_term": partial(_drivers, signal.SIGTERM),
    "node": _nodes,
}


def _write(options: argparse.Namespace, runs: Sequence[Json]) -> None:
    """After every run: what was measured stays when a later one is cut short."""
    result: Json = {
        "machine": machine(),
        "versions": versions(PACKAGES),
        **measured_now(),
        "corpus": {"documents": NUM_DOCUMENTS, "made_by": "tests/faults/real_recipe.py"},
        "settings": {"seed": options.seed, "share": options.share, "runs": RUNS, "cluster_cpus": NUM_CPUS},
        "figures": _figures(runs),
        "runs": list(runs),
    }
    options.result.parent.mkdir(parents=True, exist_ok=True)
    options.result.write_text(json.dumps(result, indent=1) + "\n")


def _figures(runs: Sequence[Json]) -> Json:
    """The few numbers, flat."""

    def total(name: str) -> int:
        return sum(run["outcome"][name] for run in runs)

    def median(name: str) -> float | None:
        seconds = [run[name] for run in runs if run[name] is not None]
        return round(statistics.median(seconds), 3) if seconds else None

    return {
        "runs": len(runs),
        "kills_by_kind": dict(sorted(Counter(run["kind"] for run in runs).items())),
        "lost": total("lost"),
        "duplicated": total("duplicated"),
        "differing_bytes": total("differing_bytes"),
        "left_in_staging": total("left_in_staging"),
        "notice_seconds_median": median("notice_seconds"),
        "recover_seconds_median": median("recover_seconds"),
        "hostile_cases": len(CASES),
    }


if __name__ == "__main__":
    main()
