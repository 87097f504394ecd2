"""Which allocator Arrow uses, and whether allocators keep what is freed for the next batch, or give it back.

Arrow reads its settings when it is loaded; glibc reads the environment before Python runs, so in a running process it
is told by mallopt(3). Processes that are started from this one inherit all of them.
"""

import ctypes
import os
import resource
import sys
from typing import Any, Final

POOL: Final = "ARROW_DEFAULT_MEMORY_POOL"
"""Arrow's setting of its allocator."""

MALLOPT: Final = {"MALLOC_TRIM_THRESHOLD_": -1, "MALLOC_MMAP_THRESHOLD_": -3}
"""Parameters of mallopt(3) for glibc's settings."""

KEEP: Final = {
    "MIMALLOC_PURGE_DELAY": "-1",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 28),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 29),
}
"""Freed memory is used again.

By themselves allocators give it back after each batch and ask for it for the next, which the system then clears: of 541
MB of text that become packed tokens, 3.4 s of 27 s of CPU time.
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


def take_memory_from_system() -> None:
    """Has Arrow allocate by the C library where that is glibc or memory is limited, but for what the environment says.

    Two allocators do not use each other's free memory. With glibc alone the text above takes 21 s at a peak of 0.9 GB,
    with Arrow's own allocator beside it 24 s at 1.0 GB. And Arrow's reserves a gigabyte at once, which counts against
    a limit of the process though nothing is stored there.
    """
    limits = (resource.getrlimit(which)[0] for which in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    is_limited = any(limit != resource.RLIM_INFINITY for limit in limits)
    if POOL in os.environ or not (is_limited or _mallopt() is not None):
        return
    os.environ[POOL] = "system"
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.set_memory_pool(arrow.system_memory_pool())


def _mallopt() -> Any:  # Any: ctypes types nothing of what a library holds
    """How glibc, and no other C library, is told its settings; None where it is another."""
    return getattr(ctypes.CDLL(None), "mallopt", None)


def _settle(settings: dict[str, str]) -> None:
    mallopt = _mallopt()
    for name, value in settings.items():
        os.environ[name] = value
        if mallopt is not None and name in MALLOPT:
            mallopt(MALLOPT[name], int(value))
