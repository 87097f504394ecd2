"""Where a worker is: in which operator, with which rows; and how long it may stay there.

The mark is written into memory that may outlive the worker, such as a mapped file, so whoever finds the worker dead can
tell where it died. A time-out is a timer of the kernel that kills the worker: neither a loop in C nor a call that holds
Python's lock escapes it.
"""

import mmap
import signal
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import IntEnum
from math import inf
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.uint32]

MARK_BYTES: Final = 512
_HEAD: Final = struct.Struct("<BBQQQQH")
_LABEL_BYTES: Final = MARK_BYTES - _HEAD.size


class Activity(IntEnum):
    """What kind of work a worker is at."""

    BETWEEN = 0
    """Reading, writing, or nothing: no operator's."""
    OPENING = 1
    ROWS = 2
    """In a call of a row operator, whose rows are known."""
    WINDOW = 3
    """The same, where results may depend on which rows are seen together."""
    SHARD = 4
    """In an operator over a whole shard, partition or artifact."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a worker was when it last wrote so."""

    activity: Activity
    unit: int = 0
    operator: str = ""
    """Its label; empty where the worker is between operators."""
    first: int = 0
    """The first of the rows that the operator was called with, in the numbers of the ledger."""
    last: int = 0
    num_rows: int = 0
    has_own_limit: bool = False
    """Whether the operator's time-out would come before that of the unit."""

    @property
    def has_rows(self) -> bool:
        """Whether it is about a call with known rows."""
        return self.activity in (Activity.ROWS, Activity.WINDOW)

    def packed(self) -> bytes:
        """The stored form, of MARK_BYTES."""
        label = self.operator.encode()[:_LABEL_BYTES]
        numbers = (self.unit, self.first, self.last, self.num_rows)
        return (_HEAD.pack(self.activity, self.has_own_limit, *numbers, len(label)) + label).ljust(MARK_BYTES, b"\0")

    @classmethod
    def unpacked(cls, data: bytes) -> "Mark | None":
        """The mark that `packed` gave; None if it is none, as in a file that was just made."""
        if len(data) < MARK_BYTES:
            return None
        activity, has_own_limit, unit, first, last, num_rows, length = _HEAD.unpack_from(data)
        if activity not in set(Activity):
            return None
        label = data[_HEAD.size : _HEAD.size + length].decode(errors="replace")
        return cls(Activity(activity), unit, label, first, last, num_rows, bool(has_own_limit))


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long a worker may take, in seconds. Never part of identity."""

    operators: Mapping[str, float] = field(default_factory=dict)
    """By label, what the recipe says: of a call of a row operator, of the way to the next rows of one over a shard or
    partition, or of all the work of a task or writer."""
    call: float | None = None
    """Of a call of any other row operator, and of the opening of any."""
    unit: float | None = None
    """Of a unit in one stage."""

    @property
    def are_asked_for(self) -> bool:
        """Whether somebody set one for this stage."""
        return bool(self.operators) or self.unit is not None


class Progress:
    """What a worker says about where it is. Without arguments: nobody looks, and nothing is timed.

    Args:
        memory: takes the mark.
        limits: what a worker must keep; it is killed by SIGALRM when it does not.
    """

    def __init__(self, memory: mmap.mmap | None = None, limits: TimeLimits | None = None) -> None:
        self._memory = memory
        self._limits = limits
        self._entered: list[tuple[Mark, float]] = [(Mark(Activity.BETWEEN), inf)]

    @classmethod
    def in_file(cls, file: BinaryIO, limits: TimeLimits | None = None) -> "Progress":
        """Marks in a file, which is brought to its size."""
        file.truncate(MARK_BYTES)
        return cls(mmap.mmap(file.fileno(), MARK_BYTES), limits)

    @contextmanager
    def unit(self, index: int) -> Iterator[None]:
        """While a unit is at work."""
        seconds = None if self._limits is None else self._limits.unit
        with self._at(Mark(Activity.BETWEEN, index), seconds):
            yield

    @contextmanager
    def between(self) -> Iterator[None]:
        """While no operator works but what stands around it, such as the reading of its rows."""
        with self._at(self._mark(Activity.BETWEEN), None):
            yield

    @contextmanager
    def opening(self, label: str) -> Iterator[None]:
        """While an operator is opened."""
        with self._at(self._mark(Activity.OPENING, label), None if self._limits is None else self._limits.call):
            yield

    @contextmanager
    def rows(self, label: str, rows: Rows, *, is_window: bool) -> Iterator[None]:
        """While a row operator is called with these rows, of which there is one at least."""
        activity = Activity.WINDOW if is_window else Activity.ROWS
        limits = self._limits
        seconds = None if limits is None else limits.operators.get(label, limits.call)
        with self._at(self._mark(activity, label, int(rows[0]), int(rows[-1]), len(rows)), seconds):
            yield

    @contextmanager
    def shard(self, label: str) -> Iterator[None]:
        """While an operator works on a whole shard, partition or artifact."""
        seconds = None if self._limits is None else self._limits.operators.get(label)
        with self._at(self._mark(Activity.SHARD, label), seconds):
            yield

    def _mark(self, activity: Activity, label: str = "", first: int = 0, last: int = 0, num_rows: int = 0) -> Mark:
        return Mark(activity, self._entered[-1][0].unit, label, first, last, num_rows)

    @contextmanager
    def _at(self, mark: Mark, seconds: float | None) -> Iterator[None]:
        outer = self._entered[-1][1]
        own = inf if seconds is None else time.monotonic() + seconds
        depth = len(self._entered)
        self._entered.append((replace(mark, has_own_limit=mark.operator != "" and own < outer), min(own, outer)))
        self._write()
        self._set_timer()
        try:
            yield
        finally:
            # By depth: a generator that nobody reads to its end leaves late, when its caller may have left already.
            del self._entered[max(1, depth) :]
            self._set_timer()
            self._write()

    def _write(self) -> None:
        if self._memory is not None:
            self._memory[:MARK_BYTES] = self._entered[-1][0].packed()

    def _set_timer(self) -> None:
        if self._limits is not None:
            deadline = self._entered[-1][1]
            # A timer of 0 is none; a deadline that has passed must still end the worker.
            signal.setitimer(signal.ITIMER_REAL, 0 if deadline == inf else max(1e-3, deadline - time.monotonic()))
