"""One number for the memory of a worker, and what follows from it for batches, exchanges and allocators.

No number here can reach a byte of a result. What a worker holds whatever its settings are: the code, its kernels and
tables, a model or tokenizer; then a batch on its way, in several forms at once; then what the stage itself keeps.
"""

from typing import Final

from pipeline.errors import PlanError
from pipeline.execution.machine_memory import machine_bytes
from pipeline.execution.work import Execution

MEGABYTE: Final = 1_000_000
RESIDENT_BYTES: Final = 320 * MEGABYTE
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


def is_tight(memory_bytes: int | None) -> bool:
    """Whether what is freed should be given back at once."""
    return memory_bytes is not None and memory_bytes < AMPLE_BYTES
