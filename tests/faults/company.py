"""Builds that are not alone in their output folder: late attempts that go on writing, and a second driver."""

import random
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Final

from pipeline.execution.build import build
from pipeline.execution.local import LocalRunner
from pipeline.execution.prepare import prepare
from pipeline.execution.runner import Event, Runner, SegmentJob, Watch
from pipeline.execution.work import Execution, Result, Unit
from tests.faults.disturbed import Corpus, Disturbed, resumed
from tests.faults.moments import Moment
from tests.faults.outcome import compare
from tests.faults.real_recipe import real_recipe
from tests.faults.stopped import GIVEN_UP, REFUSED, StoppedProcess, attempt, driver

ATTEMPT_POINTS: Final = ("write.begin", "write.unfinished", "write.closed", "write.renamed", "exchange.map.closed")
"""Where an attempt at a unit can be."""


class Haunted:
    """A runner beside which an attempt at one of its units has stopped half-way, and goes on when it has been given up.

    Args:
        runner: does the work.
        after: segments that pass before the attempt begins.
        point: where it stops; it is made at the first unit that gets there.
        draw: picks units.
    """

    def __init__(self, runner: Runner, after: int, point: str, draw: random.Random) -> None:
        self._runner = runner
        self._left = after
        self._point = point
        self._draw = draw
        self.name = runner.name
        self.step = ""
        """Where the attempt stopped."""
        self.attempt: StoppedProcess | None = None

    def run_segment(self, job: SegmentJob, watch: Watch) -> Generator[tuple[Unit, Result], None, None]:
        """As the runner does, after the attempt has stopped."""
        self._left -= 1
        if self._left < 0 and self.attempt is None:
            self._begin(job)
        yield from self._runner.run_segment(job, watch)

    def close(self) -> None:
        """As the runner does."""
        self._runner.close()

    def _begin(self, job: SegmentJob) -> None:
        begun = attempt(job.stages, self._draw.choice(job.units), self._point)
        if begun.is_stopped:
            self.attempt, self.step = begun, job.stages[0].folder.step


def haunted(corpus: Corpus, output: Path, seed: str, runner: Runner | None = None) -> Disturbed:
    """An attempt stops, its unit is done by another, and it goes on: some units later, or when the build has ended."""
    draw = random.Random(seed)
    point = draw.choice(ATTEMPT_POINTS)
    ghost = Haunted(runner or LocalRunner(), draw.randrange(16), point, draw)
    units_until = draw.choice((1, 2, 5, 20, None))
    codes: list[int] = []
    waited = [0]

    def watch(event: Event) -> None:
        waited[0] += event.kind == "unit_finished" and ghost.attempt is not None
        if waited[0] == units_until and not codes and ghost.attempt is not None:
            codes.append(ghost.attempt.go_on())

    build(prepare(real_recipe(), corpus.inputs), output, ghost, Execution(), watch)
    assert ghost.attempt is not None, f"no attempt got to {point}"
    when = f"goes on {units_until} units later" if codes else "goes on after the end"
    if not codes:
        codes.append(ghost.attempt.go_on())
    assert codes[0] in (0, GIVEN_UP), codes
    outcome = compare(output, corpus.undisturbed)
    shutil.rmtree(output)
    return Disturbed("zombie", ghost.step, f"stopped at {point}, {when}", outcome)


def rivalled(corpus: Corpus, output: Path, moment: Moment, seed: str, *, with_lease: bool) -> Disturbed:
    """A second driver is started while the first one stands still at a moment; then both go on.

    A third run ends what they did.
    Without a lease the second one stands still too, while the first one goes on to its end.
    """
    first = driver(corpus.inputs, output, str(moment), with_lease=with_lease)
    assert first.is_stopped, f"{moment} was not reached"
    draw = random.Random(seed)
    there = f"{draw.choice(('commit.verified', 'write.closed', 'commit.recorded'))}:{draw.randrange(1, 9)}"
    second = driver(corpus.inputs, output, there, with_lease=with_lease)
    if with_lease:
        assert second.go_on() == REFUSED, "a second driver is refused"
        assert first.go_on() == 0
    else:
        codes = (first.go_on(), second.go_on())
        assert set(codes) <= {0, REFUSED}, f"a driver ended otherwise than by an error of ours: {codes}"
        resumed(corpus, output)
    outcome = compare(output, corpus.undisturbed)
    shutil.rmtree(output)
    how = "refused by the lease" if with_lease else f"without a lease, stopped at {there}"
    return Disturbed("second_driver", moment.step, f"{moment}; {how}", outcome)
