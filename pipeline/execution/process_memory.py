"""The memory of this process: how much it has had at most, and giving back what is free."""

import ctypes
import gc
import resource
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

_PROCESS: Final = Path("/proc/self")


def peak_bytes() -> int:
    """The most memory that this process has had, of pages that it shares with others its part.

    The system keeps the highest resident size. What of the pages is now counted by other processes, libraries above
    all, is taken off: it hardly changes while a worker lives. Where the system does not tell it, it stays in.
    """
    try:
        highest = _kibibytes("status", "VmHWM:")
        shared = _kibibytes("smaps_rollup", "Rss:") - _kibibytes("smaps_rollup", "Pss:")
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    return highest - shared << 10


def release_free_memory() -> None:
    """Gives memory that nothing uses back to the system, which allocators would keep for themselves."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    trim = getattr(_c_library(), "malloc_trim", None)  # glibc's alone
    if trim is not None:
        trim(0)


@lru_cache(maxsize=1)
def _c_library() -> Any:  # Any: ctypes types nothing of what a library holds
    return ctypes.CDLL(None)


def _kibibytes(file: str, name: str) -> int:
    lines = (_PROCESS / file).read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))
