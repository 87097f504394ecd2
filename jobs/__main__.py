"""Where the `corpusmill` command and `python -m jobs` start."""

import ctypes
import gc
import os
import resource
from typing import Final

COLLECT_AFTER: Final = 200_000
"""New objects between two collections; Python's own 700 is for programs that make garbage in cycles. Ours do not."""

KEEP_FREED_MEMORY: Final = {
    "MIMALLOC_PURGE_DELAY": "-1",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 28),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 29),
}
"""Settings of Arrow's allocator and of glibc's: memory that is freed is used again, not given back to the system.

By themselves they give memory back after each batch and ask for it for the next, which the system then clears: of 541
MB of text that become packed tokens, 3.4 s of 27 s of CPU time, at a peak of 946 MB; with these settings 980 MB. Ray's
workers on this machine inherit them.
"""

MALLOPT: Final = {"MALLOC_TRIM_THRESHOLD_": -1, "MALLOC_MMAP_THRESHOLD_": -3}
"""The parameters of mallopt(3) for glibc's settings: it reads its environment before Python runs."""


def main() -> None:
    """The command line, started with a resting collector.

    What modules create while they load stays until the process ends. Looking through it for garbage again and again
    took a quarter of a small run's CPU time: 2.2 s with it, 1.7 s without.
    """
    gc.disable()
    _keep_freed_memory()
    _fit_limits()
    from jobs.cli import main as command_line  # noqa: PLC0415 -- not before the collector rests

    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    gc.enable()
    command_line()


def _keep_freed_memory() -> None:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc has it
    for name, value in KEEP_FREED_MEMORY.items():
        if name in os.environ:
            continue
        os.environ[name] = value
        if mallopt is not None and name in MALLOPT:
            mallopt(MALLOPT[name], int(value))


def _fit_limits() -> None:
    """Where the memory of a process is limited, has Arrow take it from the system as it needs it.

    Its own allocator reserves a gigabyte at once, which counts against such a limit though nothing is stored there.
    """
    limits = (resource.getrlimit(which)[0] for which in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    if any(limit != resource.RLIM_INFINITY for limit in limits):
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


if __name__ == "__main__":
    main()
