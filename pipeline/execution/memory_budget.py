"""One number for the memory of a worker, and what follows from it for batches, exchanges and allocators.

No number here can reach a byte of a result. What a worker holds whatever its settings are: the code, its kernels and
tables, a model or tokenizer; then a batch on its way, in several forms at once; then what the stage itself keeps.
"""

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pipeline.errors import PlanError
from pipeline.execution.work import Execution

MEGABYTE: Final = 1_000_000
RESIDENT_BYTES: Final = 300 * MEGABYTE
"""What a worker holds before rows come, measured with all filters of FineWeb or a tokenizer of 50,000 tokens open."""
LEAST_BYTES: Final = 400 * MEGABYTE
"""Below it there is no room for rows."""
MACHINE_FRACTION: Final = 0.8
"""Of the machine's memory that workers share; the rest is the system's and that of files that are mapped."""
DRIVER_BYTES: Final = 1000 * MEGABYTE
"""Of the driver, and of Ray's own processes where it runs."""

BATCHES_AT_ONCE: Final = 64
"""A batch is there as it was read, as strings, as columns and as what operators measure, 20 times its bytes in all. A
large document makes one longer, and beside it lies what the stage collects."""
EXCHANGES_AT_ONCE: Final = 4
"""An exchange's rows are there twice, and once more as mapped files; a chunk of them passes through operators."""
MAX_READ_BYTES: Final = 8 << 20
MIN_READ_BYTES: Final = 1 << 20
MAX_EXCHANGE_BYTES: Final = 128 << 20
"""Beyond these, more memory makes nothing faster."""

AMPLE_BYTES: Final = 1500 * MEGABYTE
"""From here on allocators may keep what is freed: the page faults that this saves are a tenth of some runs."""
_FRUGAL: Final = {"MIMALLOC_PURGE_DELAY": "0", "MALLOC_TRIM_THRESHOLD_": "8388608", "MALLOC_MMAP_THRESHOLD_": "4194304"}
_MALLOPT: Final = {"MALLOC_TRIM_THRESHOLD_": -1, "MALLOC_MMAP_THRESHOLD_": -3}
"""Parameters of mallopt(3): a running process takes them there, a new one from its environment."""

_GROUPS: Final = Path("/sys/fs/cgroup")
_OWN_GROUPS: Final = Path("/proc/self/cgroup")


def within(memory_bytes: int, batch_rows: int) -> Execution:
    """The settings with which a worker stays within so much memory.

    Raises:
        PlanError: that is less than a worker needs before it has read anything.
    """
    if memory_bytes < LEAST_BYTES:
        raise PlanError(
            f"memory per worker: expected at least {LEAST_BYTES // MEGABYTE} MB, since code, kernels and a model take "
            f"most of that; found {memory_bytes // MEGABYTE} MB; give workers more, or start fewer of them"
        )
    rows = memory_bytes - RESIDENT_BYTES
    return Execution(
        batch_rows=batch_rows,
        read_bytes=max(MIN_READ_BYTES, min(rows // BATCHES_AT_ONCE, MAX_READ_BYTES)),
        exchange_memory_bytes=min(rows // EXCHANGES_AT_ONCE, MAX_EXCHANGE_BYTES),
        memory_bytes=memory_bytes,
    )


def share_of_machine(workers: int) -> int:
    """What each of so many workers on this machine, or in this container, may have."""
    return max(LEAST_BYTES, (int(machine_bytes() * MACHINE_FRACTION) - DRIVER_BYTES) // workers)


def machine_bytes() -> int:
    """The machine's memory, or what this process's control groups allow if that is less."""
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([installed, *_group_limits()])


def is_tight(memory_bytes: int | None) -> bool:
    """Whether what is freed should be given back at once."""
    return memory_bytes is not None and memory_bytes < AMPLE_BYTES


def keep_little() -> None:
    """Has allocators give freed memory back at once, here and in processes that are started from here.

    They keep it otherwise, up to half a gigabyte: what one stage has freed, the next one would have to do without.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc's alone
    for name, value in _FRUGAL.items():
        os.environ[name] = value
        if mallopt is not None and name in _MALLOPT:
            mallopt(_MALLOPT[name], int(value))


def _group_limits() -> Iterator[int]:
    """Of the control groups of this process, of both versions; a container sees its own as the root."""
    try:
        lines = _OWN_GROUPS.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, way = line.split(":", 2)
        if controllers in ("", "memory"):
            root = _GROUPS / controllers
            name = "memory.limit_in_bytes" if controllers else "memory.max"
            inside = Path(way.lstrip("/"))
            yield from (limit for folder in {inside, *inside.parents} if (limit := _number(root / folder / name)))


def _number(path: Path) -> int:
    """What a file of a control group says; 0 where it says nothing or `max`."""
    try:
        text = path.read_text().strip()
    except OSError:
        return 0
    return int(text) if text.isdigit() else 0
