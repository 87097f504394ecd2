"""Processes that stop at a fault point and go on when they are told to: late attempts at a unit, and second drivers."""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import psutil

import pipeline.execution.build
from pipeline.errors import PipelineError
from pipeline.execution.faults import watched
from pipeline.execution.stage_task import StageWorker
from pipeline.execution.work import Passage, StageSpec, Unit
from tests.builds import run_build
from tests.faults.crashing import TIMEOUT_SECONDS, clean_context
from tests.faults.real_recipe import real_recipe

REFUSED: Final = 3
"""Exit code of a process that ends with an error of the project's own, which it writes beside its output."""
GIVEN_UP: Final = 4
"""Exit code of an attempt whose files are gone."""
POLL_SECONDS: Final = 0.01


class StoppedProcess:
    """A process that runs until it stops itself, or ends."""

    def __init__(self, target: Callable[..., None], *arguments: object) -> None:
        self._process = clean_context().Process(target=target, args=arguments)
        self._process.start()
        assert self._process.pid is not None
        self._status = psutil.Process(self._process.pid)
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while self._process.is_alive() and not self.is_stopped:
            assert time.monotonic() < deadline, "the process neither stops nor ends"
            time.sleep(POLL_SECONDS)

    @property
    def is_stopped(self) -> bool:
        """Whether it waits to go on."""
        try:
            return bool(self._status.status() == psutil.STATUS_STOPPED)
        except psutil.NoSuchProcess:
            return False

    def go_on(self) -> int:
        """Lets it run to its end; its exit code."""
        if self.is_stopped:
            self._status.send_signal(signal.SIGCONT)
        self._process.join(TIMEOUT_SECONDS)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            self._process.join()
        assert code is not None, "the process hangs"
        return code


def attempt(stages: Sequence[StageSpec], unit: Unit, point: str) -> StoppedProcess:
    """An attempt at a unit that stops when it first gets to `point`, as one in an actor that is given up."""
    return StoppedProcess(_attempt, stages, unit, point)


def driver(inputs: Path, output: Path, moment: str, *, with_lease: bool) -> StoppedProcess:
    """A local build of the recipe that stops at `moment`, `POINT:NUMBER`; without a lease it asks for no lock."""
    return StoppedProcess(_drive, inputs, output, moment, with_lease)


def _attempt(stages: Sequence[StageSpec], unit: Unit, point: str) -> None:
    try:
        with watched(_stop_at(f"{point}:1")):
            passage: Passage | None = None
            for spec in stages:
                outcome = StageWorker(spec).run(unit, passage)
                passage = outcome if isinstance(outcome, Passage) else None
    except (PipelineError, OSError):
        sys.exit(GIVEN_UP)


def _drive(inputs: Path, output: Path, moment: str, with_lease: bool) -> None:
    if not with_lease:
        setattr(pipeline.execution.build, "only_driver", lambda _: nullcontext())  # noqa: B010 -- mypy knows a module
    try:
        with watched(_stop_at(moment)):
            run_build(real_recipe(), inputs, output)
    except PipelineError as error:
        output.with_name(f"{output.name}.refused").write_text(str(error))
        sys.exit(REFUSED)


def _stop_at(moment: str) -> Callable[[str], None]:
    wanted, _, number = moment.partition(":")
    passes = [0]

    def reached(point: str) -> None:
        passes[0] += point == wanted
        if point == wanted and passes[0] == int(number):
            os.kill(os.getpid(), signal.SIGSTOP)

    return reached
