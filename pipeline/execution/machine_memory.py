"""How full the memory of this machine is, or of the container that this process runs in."""

from pathlib import Path
from typing import Final

_MEMORY: Final = Path("/proc/meminfo")
_COUNTERS: Final = Path("/proc/vmstat")
_GROUP_OF_PROCESS: Final = Path("/proc/self/cgroup")
_GROUPS: Final = Path("/sys/fs/cgroup")


def used_memory_fraction() -> float:
    """The part of the memory that is taken for good: of the machine's, or of a container's if that is higher."""
    fractions = [_of_machine(_numbers(_MEMORY)), *map(_of_group, _own_groups())]
    return max(fractions)


def kernel_kills() -> int:
    """How many processes the kernel has killed for memory since this machine started."""
    return _numbers(_COUNTERS).get("oom_kill", 0)


def _of_machine(numbers: dict[str, int]) -> float:
    total = numbers.get("MemTotal:", 0)
    return 1 - numbers.get("MemAvailable:", total) / total if total else 0.0


def _of_group(folder: Path) -> float:
    try:
        limit = (folder / "memory.max").read_text().strip()
    except OSError:
        return 0.0
    if not limit.isdigit() or int(limit) == 0:
        return 0.0
    parts = _numbers(folder / "memory.stat")
    return (parts.get("anon", 0) + parts.get("shmem", 0)) / int(limit)


def _own_groups() -> list[Path]:
    """The process's control group and those that hold it, where the machine has the second version of them."""
    try:
        lines = _GROUP_OF_PROCESS.read_text().splitlines()
    except OSError:
        return []
    ways = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
    return [_GROUPS / parent for way in ways for parent in (Path(way), *Path(way).parents)]


def _numbers(path: Path) -> dict[str, int]:
    """The second word of each line by its first; empty where there is no such file."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    words = [line.split() for line in lines]
    return {line[0]: int(line[1]) for line in words if len(line) > 1 and line[1].isdigit()}
