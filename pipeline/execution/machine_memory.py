"""The memory of this machine, or of the container that this process runs in: how much there is, and how full it is."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MEMORY: Final = Path("/proc/meminfo")
_COUNTERS: Final = Path("/proc/vmstat")
_GROUP_OF_PROCESS: Final = Path("/proc/self/cgroup")
_GROUPS: Final = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class _Group:
    """A control group that limits memory."""

    limit_bytes: int
    taken_bytes: int
    """For good: the system cannot take it back, as it can its copies of files."""


def machine_bytes() -> int:
    """The machine's memory, or what this process's control groups allow if that is less."""
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([installed, *(group.limit_bytes for group in _own_groups())])


def used_memory_fraction() -> float:
    """The part of the memory that is taken for good: of the machine's, or of a container's if that is higher."""
    return max([_of_machine(), *(group.taken_bytes / group.limit_bytes for group in _own_groups())])


def kernel_kills() -> int:
    """How many processes the kernel has killed for memory since this machine started."""
    return _numbers(_COUNTERS).get("oom_kill", 0)


def _of_machine() -> float:
    numbers = _numbers(_MEMORY)
    total = numbers.get("MemTotal:", 0)
    return 1 - numbers.get("MemAvailable:", total) / total if total else 0.0


def _own_groups() -> Iterator[_Group]:
    """The process's control groups and those that hold them, of both versions; a container sees its own as the root."""
    try:
        lines = _GROUP_OF_PROCESS.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, way = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        limit_file, kinds = (
            ("memory.limit_in_bytes", ("total_rss", "total_shmem"))
            if controllers
            else ("memory.max", ("anon", "shmem"))
        )
        inside = Path(way.lstrip("/"))
        for folder in (_GROUPS / controllers / part for part in (inside, *inside.parents)):
            if limit := _number(folder / limit_file):
                parts = _numbers(folder / "memory.stat")
                yield _Group(limit, sum(parts.get(kind, 0) for kind in kinds))


def _number(path: Path) -> int:
    """What a file of a control group says; 0 where it says nothing or `max`."""
    try:
        text = path.read_text().strip()
    except OSError:
        return 0
    return int(text) if text.isdigit() else 0


def _numbers(path: Path) -> dict[str, int]:
    """The second word of each line by its first; empty where there is no such file."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    words = [line.split() for line in lines]
    return {line[0]: int(line[1]) for line in words if len(line) > 1 and line[1].isdigit()}
