"""The memory of this process: how much it has had at most, giving back what is free, and what to do without any."""

import ctypes
import gc
import resource
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from pipeline.errors import MemoryLimitError

_PROCESS: Final = Path("/proc/self")
_ADVICE: Final = (
    "start fewer workers, raise the limit of the system (ulimit, container), lower --memory-per-worker, --batch-rows "
    "or, if one document is too large, max_document_bytes of its source"
)


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


def out_of_memory(where: str, error: MemoryError, budget_bytes: int | None) -> MemoryLimitError:
    """The error to raise at an edge, where a process has got no more memory.

    Args:
        where: in the step or the command.
        error: what said so; libraries' messages hold sizes, never documents.
        budget_bytes: what the process was to stay within, if anyone said.
    """
    budget = "" if budget_bytes is None else f", of a budget of {budget_bytes / 1e6:,.0f} MB"
    found = " ".join(str(error).split()) or "no more"
    peak = f"{peak_bytes() / 1e6:,.0f} MB"
    return MemoryLimitError(
        f"{where}: expected the memory that it needs; found {found}, at a peak of {peak}{budget}; "
        f"{_ADVICE}; what is committed stays, so run again to go on"
    )


@lru_cache(maxsize=1)
def _c_library() -> Any:  # Any: ctypes types nothing of what a library holds
    return ctypes.CDLL(None)


def _kibibytes(file: str, name: str) -> int:
    lines = (_PROCESS / file).read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))
