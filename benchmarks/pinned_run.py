"""One run of a tool as a command, measured: on one core, start-up included, threads of libraries limited to one."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.process_tree import Usage, measure
from benchmarks.surroundings import ROOT

THREAD_LIMITS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS")


def run_pinned(name: str, command: Sequence[str], output: Path, environment: Mapping[str, str]) -> Usage:
    """From nothing, on the last of this process's cores: whatever else runs here likes the first ones.

    What earlier runs left at `output` is removed; the command's messages go to `output`.log.
    """
    for leftover in output.parent.glob(f"{output.name}*"):
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    output.parent.mkdir(parents=True, exist_ok=True)
    log = output.with_name(f"{output.name}.log")
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "RAY_ADDRESS")}
    usage = measure(
        ["taskset", "-c", str(max(os.sched_getaffinity(0))), *command],
        environment={**inherited, **dict.fromkeys(THREAD_LIMITS, "1"), **environment},
        log=log,
        directory=ROOT,
    )
    if usage.return_code or usage.left_over:
        raise SystemExit(
            f"benchmark: {name}: expected exit code 0 and no process left; found code {usage.return_code} and "
            f"{usage.left_over} processes; see {log}"
        )
    return usage
