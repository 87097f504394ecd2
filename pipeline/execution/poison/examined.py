"""A stage in a process of its own, which may die without harm: the process, and the handle that its parent has of it.

The parent learns how the process ended, and from the mark in a file that both share, where.
"""

import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from ctypes import CDLL
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final

from pipeline.errors import PipelineError, RunnerError
from pipeline.execution.machine_memory import kernel_kills, used_memory_fraction
from pipeline.execution.poison.progress import MARK_BYTES, Activity, Mark, Progress
from pipeline.execution.poison.rows import Harm, Isolation
from pipeline.execution.stage_task import StageWorker
from pipeline.execution.work import Passage, Result, StageSpec, Unit

POLL_SECONDS: Final = 0.1
MAX_MEMORY_FRACTION: Final = 0.9
"""Of this machine's, or of what a container may use. Ray kills its own workers at 0.95: the parent, not the culprit."""
_PR_SET_PDEATHSIG: Final = 1
_PROGRAM: Final = "import sys; from pipeline.execution.poison.examined import serve; serve(*map(int, sys.argv[1:]))"


@dataclass(frozen=True, slots=True)
class Death:
    """How a process ended before it had answered."""

    harm: Harm
    detail: str
    mark: Mark

    @property
    def at_rows(self) -> bool:
        """Whether it ended in a call with known rows, for a reason that these may have given."""
        return self.mark.has_rows and (self.harm is not Harm.TIMED_OUT or self.mark.has_own_limit)


class StageProcess:
    """One process with a stage; it is started by the first unit, and again by the next one after a death.

    Args:
        spec: of the stage.
        memory_fraction: how full the memory is; when it is fuller than it may be, the process is killed.
    """

    def __init__(self, spec: StageSpec, memory_fraction: Callable[[], float] | None = None) -> None:
        self._spec = spec
        self._memory_fraction = memory_fraction or used_memory_fraction
        self._mark_file = tempfile.TemporaryFile()  # noqa: SIM115 -- closed by `close`
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection[Any, Any] | None = None  # Any: what `run` sends and `_Answers` gives

    def run(self, unit: Unit, given: Passage | None, isolation: Isolation) -> Passage | Result | Death:
        """What the stage makes of a unit, or how the process ended over it.

        Raises:
            PipelineError: as the stage raised it there.
        """
        kills = kernel_kills()
        try:
            if self._connection is None:
                self._start()
            assert self._connection is not None
            self._connection.send((unit, given, isolation))
            while not self._connection.poll(POLL_SECONDS):
                if self._memory_fraction() > MAX_MEMORY_FRACTION:
                    return self._died(kills, over_memory=True)
            answer = self._connection.recv()
        except (EOFError, OSError):
            return self._died(kills)
        if isinstance(answer, Exception):
            raise answer
        outcome: Passage | Result = answer
        return outcome

    def close(self) -> None:
        """Ends the process."""
        self._end()
        self._mark_file.close()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        self._mark_file.truncate(0)
        self._mark_file.truncate(MARK_BYTES)
        files = (theirs.fileno(), self._mark_file.fileno())
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 -- our own interpreter and module
                [sys.executable, "-c", _PROGRAM, *map(str, files), str(os.getpid())],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # what an extension says as it crashes is not for users
                pass_fds=files,
                start_new_session=True,
            )
        self._connection = Connection(ours.detach())
        self._connection.send(self._spec)

    def _died(self, kills_before: int, *, over_memory: bool = False) -> Death:
        assert self._process is not None
        if over_memory:
            mark = self._mark()
            self._end()
            return Death(Harm.OUT_OF_MEMORY, "", mark)
        code = self._process.wait()
        mark = self._mark()
        self._end()
        return Death(*_harm_of(code, was_kernel=kernel_kills() > kills_before), mark)

    def _mark(self) -> Mark:
        self._mark_file.seek(0)
        return Mark.unpacked(self._mark_file.read(MARK_BYTES)) or Mark(Activity.BETWEEN)

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


def _harm_of(code: int, *, was_kernel: bool) -> tuple[Harm, str]:
    """What an exit code means, and how to call it; `was_kernel`: the kernel has killed a process for memory since."""
    if code >= 0:
        return Harm.CRASHED, f"exit code {code}"
    name = signal.Signals(-code).name
    if -code == signal.SIGALRM:
        return Harm.TIMED_OUT, ""
    return Harm.OUT_OF_MEMORY if was_kernel and -code == signal.SIGKILL else Harm.CRASHED, name


def serve(connection_file: int, mark_file: int, parent: int) -> None:
    """The process: carries units through a stage until the parent says no more."""
    if sys.platform == "linux":
        CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        return
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    connection: Connection[Any, Any] = Connection(connection_file)  # Any: as `StageProcess.run` sends it
    spec = connection.recv()
    assert isinstance(spec, StageSpec)
    progress = Progress.in_file(os.fdopen(mark_file, "r+b"), spec.limits)
    answer = _Answers(spec, progress)
    while True:
        try:
            unit, given, isolation = connection.recv()
        except EOFError:
            return
        connection.send(answer(unit, given, isolation))


class _Answers:
    """The stage, opened by the first unit."""

    def __init__(self, spec: StageSpec, progress: Progress) -> None:
        self._spec = spec
        self._progress = progress
        self._worker: StageWorker | None = None

    def __call__(self, unit: Unit, given: Passage | None, isolation: Isolation) -> Passage | Result | Exception:
        try:
            if self._worker is None:
                self._worker = StageWorker(self._spec, self._progress)
            return self._worker.run(unit, given, isolation)
        except PipelineError as error:
            return error
        except Exception as error:  # noqa: BLE001 -- the parent raises it
            try:
                pickle.loads(pickle.dumps(error))  # noqa: S301 -- our own
            except Exception:  # noqa: BLE001 -- an exception's arguments may be anything
                return RunnerError(f"{self._spec.label}, unit {unit.index}: expected to finish; {type(error).__name__}")
            return error
