"""Builds of the recipe that something happens to on the local runner, and how they come to their end.

Each function disturbs one build in one way, lets it finish, by a second run where the first one died, and returns what
became of it.
"""

import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from pipeline.execution.build import build
from pipeline.execution.local import LocalRunner
from pipeline.execution.prepare import prepare
from pipeline.execution.runner import Event, Runner
from pipeline.execution.work import Execution
from tests.builds import run_build
from tests.faults.crashing import crash_locally
from tests.faults.moments import Moment
from tests.faults.outcome import Outcome, compare
from tests.faults.real_recipe import real_recipe, write_inputs


@dataclass(frozen=True, slots=True)
class Corpus:
    """The input, and what an undisturbed build on the local runner makes of it."""

    inputs: Path
    undisturbed: Path

    @classmethod
    def written(cls, folder: Path) -> "Corpus":
        """In `folder`, which is made."""
        inputs = write_inputs(folder / "in")
        return cls(inputs, run_build(real_recipe(), inputs, folder / "undisturbed").output)


@dataclass(frozen=True, slots=True)
class Disturbed:
    """What happened to a build, and what became of it."""

    kind: str
    step: str
    moment: str
    outcome: Outcome
    notice_seconds: float | None = None
    """From the disturbance until the driver knew of it; None where no driver was left, or none had to know."""
    recover_seconds: float | None = None
    """From then, or from the start of the next run, until a unit was finished."""


def resumed(corpus: Corpus, output: Path, runner: Runner | None = None, execution: Execution | None = None) -> float:
    """Builds what is missing; returns the seconds until a unit was done, or all if none had to be."""
    began = time.monotonic()
    finished: list[float] = []

    def watch(event: Event) -> None:
        if event.kind == "unit_finished":
            finished.append(time.monotonic() - began)

    build(prepare(real_recipe(), corpus.inputs), output, runner or LocalRunner(), execution or Execution(), watch)
    return next(iter(finished), time.monotonic() - began)


def left_at(moment: Moment, copy: Path, corpus: Corpus, execution: Execution) -> Disturbed:
    """Goes on from `copy`, which is the output folder as it was at the moment; the folder is gone afterwards."""
    seconds = resumed(corpus, copy, execution=execution)
    outcome = compare(copy, corpus.undisturbed)
    shutil.rmtree(copy)
    return Disturbed("fault_point", moment.step, str(moment), outcome, recover_seconds=seconds)


def killed_at(moment: Moment, output: Path, corpus: Corpus, again: str = "") -> Disturbed:
    """Kills a process that builds, with SIGKILL, and the next one too if it gets to the point `again`."""
    code = crash_locally(str(moment), corpus.inputs, output, real_recipe)
    assert code == -signal.SIGKILL, f"{moment} was not reached"
    if again:
        assert crash_locally(again, corpus.inputs, output, real_recipe) in (0, -signal.SIGKILL), again
    seconds = resumed(corpus, output)
    outcome = compare(output, corpus.undisturbed)
    shutil.rmtree(output)
    what = f"{moment}, then {again}" if again else str(moment)
    return Disturbed("fault_point", moment.step, f"{what}, by SIGKILL", outcome, recover_seconds=seconds)
