"""One run of a tool as a command, measured: on one core, start-up included, threads of libraries limited to one."""

import mmap
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.process_tree import Usage, measure
from benchmarks.surroundings import ROOT

NOT_INHERITED: Final = ("PYTHONPATH", "RAY_ADDRESS", "PYTHONDONTWRITEBYTECODE")
"""The last would have this checkout compiled anew in each run, where what pip has installed is compiled already."""
THREAD_LIMITS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS")

BACKED_BYTES: Final = 4 << 30
"""More than most of the measured tools take."""


def run_pinned(name: str, command: Sequence[str], output: Path, environment: Mapping[str, str]) -> Usage:
    """From nothing, on the last of this process's cores: whatever else runs here likes the first ones.

    What earlier runs left at `output` is removed; the command's messages go to `output`.log.
    """
    for leftover in output.parent.glob(f"{output.name}*"):
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    output.parent.mkdir(parents=True, exist_ok=True)
    log = output.with_name(f"{output.name}.log")
    inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    _back_memory()
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


def _back_memory() -> None:
    """Touches free memory once, at the expense of no tool.

    Memory that a virtual machine has not used for a while is taken back by its host. To touch it again then costs 4 s
    of CPU time a GB, that of the page faults within the guest: 0.1 s a GB where it was in use a moment ago.
    """
    with mmap.mmap(-1, BACKED_BYTES) as memory:
        memory.madvise(mmap.MADV_HUGEPAGE)
        zeros = bytes(1 << 21)
        for first in range(0, BACKED_BYTES, len(zeros)):
            memory[first : first + len(zeros)] = zeros
