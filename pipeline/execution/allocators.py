"""Whether allocators keep what is freed for the next batch, or give it back to the system.

Arrow's reads its setting when it is loaded; glibc's reads the environment before Python runs, so in a running process
it is told by mallopt(3). Processes that are started from this one inherit both.
"""

import ctypes
import os
import resource
from typing import Final

MALLOPT: Final = {"MALLOC_TRIM_THRESHOLD_": -1, "MALLOC_MMAP_THRESHOLD_": -3}
"""Parameters of mallopt(3) for glibc's settings."""

KEEP: Final = {
    "MIMALLOC_PURGE_DELAY": "-1",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 28),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 29),
}
"""Freed memory is used again.

By themselves allocators give it back after each batch and ask for it for the next, which the system then clears: of 541
MB of text that become packed tokens, 3.4 s of 27 s of CPU time, at a peak of 946 MB; with these settings 980 MB.
"""

GIVE_BACK: Final = {
    "MIMALLOC_PURGE_DELAY": "0",
    "MALLOC_TRIM_THRESHOLD_": str(8 << 20),
    "MALLOC_MMAP_THRESHOLD_": str(4 << 20),
}
"""Freed memory goes back at once: what one stage has freed, the next one would have to do without."""


def keep_freed_memory() -> None:
    """Settles `KEEP`, but for what the environment says."""
    _settle({name: value for name, value in KEEP.items() if name not in os.environ})


def give_freed_memory_back() -> None:
    """Settles `GIVE_BACK`."""
    _settle(GIVE_BACK)


def fit_limits() -> None:
    """Where the memory of a process is limited, has Arrow take it from the system as it needs it.

    Its own allocator reserves a gigabyte at once, which counts against such a limit though nothing is stored there.
    """
    limits = (resource.getrlimit(which)[0] for which in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    if any(limit != resource.RLIM_INFINITY for limit in limits):
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


def _settle(settings: dict[str, str]) -> None:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc's alone
    for name, value in settings.items():
        os.environ[name] = value
        if mallopt is not None and name in MALLOPT:
            mallopt(MALLOPT[name], int(value))
