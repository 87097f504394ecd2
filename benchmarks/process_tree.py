"""Wall time, CPU time and peak memory of a command with everything that it starts, daemons included.

Ray's daemons leave their parent's session and may outlive it, so neither a session nor `wait` finds them all. Two ways
that do, in order of preference; the result names the one that was used:

`cgroup`: the command starts in a new cgroup (version 2), which every descendant is born into and none leaves. The
kernel counts the CPU time of all of them, also of those that are gone: exact. Needs the right to make a cgroup.

`sampled`: this process makes itself the reaper of orphaned descendants, so that all of them stay in its tree, and
reads each one's CPU time every `SAMPLE_SECONDS`. What a process uses after its last sample is missed. Builds of 23 CPU
seconds on Ray differed by 3 % between the two, which is within the noise.

Memory is the highest sum of the proportional set sizes (Pss of /proc/PID/smaps_rollup) over all of them that a sample
saw. A page shared by N processes counts 1/N in each, so the object store and libraries are counted once. Linux only.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, Self

SAMPLE_SECONDS: Final = 0.5
DRAIN_SECONDS: Final = 30.0
"""How long daemons may take to go after the command has ended."""

PR_SET_CHILD_SUBREAPER: Final = 36
_PPID, _UTIME, _STIME, _START = 1, 11, 12, 19
"""Places in /proc/PID/stat after the command's name; see proc(5)."""

_ENTER_AND_EXEC: Final = 'echo $$ > "$0/cgroup.procs" && exec "$@"'


@dataclass(frozen=True, slots=True)
class Usage:
    """What a command took."""

    return_code: int
    wall_seconds: float
    """Until the command ended; daemons that went later do not count here."""
    cpu_seconds: float
    """User and system time of all processes."""
    peak_pss_bytes: int
    peak_process_pss_bytes: int
    """Of the process that had most."""
    num_processes: int
    """Different processes that samples saw."""
    cpu_method: str
    """cgroup or sampled."""
    left_over: int
    """Processes that were still there `DRAIN_SECONDS` after the command had ended."""


class _Tree(Protocol):
    method: str

    def command(self, command: Sequence[str]) -> list[str]: ...
    def pids(self) -> list[int]: ...
    def cpu_seconds(self) -> float: ...


def measure(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, log: Path, directory: Path | None = None
) -> Usage:
    """Runs `command` to its end, stdout and stderr going to `log`, and says what it took with all that it started."""
    with _tree() as tree, log.open("wb") as stream:
        seen = _Seen(tree)
        started = time.monotonic()
        process = subprocess.Popen(
            tree.command(command),
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            cwd=directory,
        )
        while process.poll() is None:
            seen.sample()
            try:
                process.wait(SAMPLE_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            except BaseException:
                process.send_signal(signal.SIGTERM)
                process.wait()
                raise
        wall = time.monotonic() - started
        # Daemons that end after the command belong to it with their time.
        while (left_over := seen.sample()) and time.monotonic() - started < wall + DRAIN_SECONDS:
            time.sleep(SAMPLE_SECONDS / 5)
        return Usage(
            process.returncode,
            wall,
            tree.cpu_seconds(),
            seen.peak_pss_bytes,
            seen.peak_process_pss_bytes,
            len(seen.pids),
            tree.method,
            left_over,
        )


@dataclass(slots=True)
class _Seen:
    """What samples of a tree saw."""

    tree: _Tree
    pids: set[int] = field(default_factory=set)
    peak_pss_bytes: int = 0
    peak_process_pss_bytes: int = 0

    def sample(self) -> int:
        """Takes one; returns how many processes there are."""
        alive = self.tree.pids()
        self.pids.update(alive)
        sizes = [_pss_bytes(pid) for pid in alive]
        self.peak_pss_bytes = max(self.peak_pss_bytes, sum(sizes))
        self.peak_process_pss_bytes = max(self.peak_process_pss_bytes, *sizes, 0)
        return len(alive)


@contextmanager
def _tree() -> Iterator[_Tree]:
    folder = _new_cgroup()
    if folder is None:
        with _Descendants() as descendants:
            yield descendants
        return
    try:
        yield _Cgroup(folder)
    finally:
        try:
            folder.rmdir()
        except OSError:  # something still runs in it; an empty folder in /sys costs nothing
            print(f"benchmark: {folder} stays, because processes in it have not ended", file=sys.stderr)


class _Cgroup:
    """All processes of one cgroup."""

    method = "cgroup"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def command(self, command: Sequence[str]) -> list[str]:
        """Enters the cgroup before it becomes the command, so that nothing is born outside."""
        return ["/bin/sh", "-c", _ENTER_AND_EXEC, str(self._folder), *command]

    def pids(self) -> list[int]:
        return [int(line) for line in (self._folder / "cgroup.procs").read_text().split()]

    def cpu_seconds(self) -> float:
        lines = (self._folder / "cpu.stat").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("usage_usec"))) / 1e6


@dataclass(slots=True)
class _Descendants:
    """All descendants of this process; orphans come back to it, because it is their reaper."""

    method: str = "sampled"
    _ticks: dict[tuple[int, int], int] = field(default_factory=dict)
    """CPU ticks at the last sample, by process number and start time (numbers are used again)."""
    _before: frozenset[int] = field(default_factory=lambda: frozenset(_descendants(_process_table())))

    def __enter__(self) -> Self:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        return self

    def __exit__(self, *_: object) -> None:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        table = _process_table()
        for pid in _descendants(table):
            if pid not in self._before and table[pid].is_zombie and table[pid].parent == os.getpid():
                os.waitpid(pid, os.WNOHANG)

    def command(self, command: Sequence[str]) -> list[str]:
        return list(command)

    def pids(self) -> list[int]:
        table = _process_table()
        found = [pid for pid in _descendants(table) if pid not in self._before]
        for pid in found:
            self._ticks[pid, table[pid].start] = table[pid].ticks
        # Zombies have ended, but say their whole time until they are waited for: orphans here never are.
        return [pid for pid in found if not table[pid].is_zombie]

    def cpu_seconds(self) -> float:
        return sum(self._ticks.values()) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class _Process:
    parent: int
    start: int
    ticks: int
    is_zombie: bool


def _process_table() -> dict[int, _Process]:
    table = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / "stat").read_text()
        except OSError:  # it ended meanwhile
            continue
        fields = stat.rpartition(") ")[2].split()
        ticks = int(fields[_UTIME]) + int(fields[_STIME])
        table[int(folder.name)] = _Process(int(fields[_PPID]), int(fields[_START]), ticks, fields[0] == "Z")
    return table


def _descendants(table: Mapping[int, _Process]) -> list[int]:
    children: dict[int, list[int]] = {}
    for pid, process in table.items():
        children.setdefault(process.parent, []).append(pid)
    found = list(children.get(os.getpid(), ()))
    for pid in found:  # grows while it is walked
        found.extend(children.get(pid, ()))
    return found


def _pss_bytes(pid: int) -> int:
    try:
        with Path(f"/proc/{pid}/smaps_rollup").open("rb") as stream:
            return next((int(line.split()[1]) << 10 for line in stream if line.startswith(b"Pss:")), 0)
    except OSError:  # it ended meanwhile, or is a zombie
        return 0


def _new_cgroup() -> Path | None:
    """A new cgroup below this process's own; None where cgroups version 2 are not there or not writable."""
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    mount = next((fields[1] for fields in mounts if fields[2] == "cgroup2"), None)
    own = (line for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
    path = next(own, "").removeprefix("0::").lstrip("/")
    if mount is None:
        return None
    folder = Path(mount, path, f"corpusmill-benchmark-{os.getpid()}-{time.monotonic_ns()}")
    try:
        folder.mkdir()
        readable = (folder / "cpu.stat").read_text().startswith("usage_usec")
        writable = os.access(folder / "cgroup.procs", os.W_OK)
    except OSError:
        return None
    if not (readable and writable):
        folder.rmdir()
        return None
    return folder
