"""Finds out which row ends or hangs the process of an operator, by running a unit in processes that may die.

The first process tells in which call of which operator it died. The second one shows that operator those rows one by
one, and dies at one of them. Then the operator is shown this row alone, each time in a fresh process: only if it dies
of it every time is the row to blame. A process that was killed from outside dies at no row twice.
"""

from typing import Final

from pipeline.errors import RunnerError
from pipeline.execution.poison.examined import Death, StageProcess
from pipeline.execution.poison.progress import Activity, Mark
from pipeline.execution.poison.rows import Harm, Isolation, PoisonRow, RowRange, TrialPassedError
from pipeline.execution.work import Passage, Result, StageSpec, Unit

POISON_ATTEMPTS: Final = 2
"""Deaths of a row that is alone, each in a fresh process, after which it is quarantined."""
MAX_DEATHS: Final = 4
"""Deaths of a unit in one examination that end in no row, after which the unit fails."""

_ADVICE: Final = {
    Harm.CRASHED: "correct the operator or take it out of the recipe",
    Harm.TIMED_OUT: "raise timeout_seconds or unit_timeout_seconds of the step in the recipe",
    Harm.OUT_OF_MEMORY: "lower --batch-rows or layout.shard_bytes, or give workers more memory",
}


class Examiner:
    """Carries units through a stage in a process that may die."""

    def __init__(self, spec: StageSpec) -> None:
        self._spec = spec
        self._process = StageProcess(spec)

    def run(self, unit: Unit, given: Passage | None) -> Passage | Result | PoisonRow:
        """What the stage makes of the unit; or a row that no operator may be shown, to be run again without it.

        Raises:
            RunnerError: the process keeps dying, and no row is to blame.
            PipelineError: as the stage raised it.
        """
        singly: tuple[RowRange, ...] = ()
        deaths: list[Death] = []
        while len(deaths) < MAX_DEATHS:
            outcome = self._process.run(unit, given, Isolation(unit.poison, singly))
            if not isinstance(outcome, Death):
                if any(death.mark.activity is Activity.WINDOW for death in deaths) and singly:
                    singly = ()  # windows were cut to find a row; their results might be others than those of the stage
                    continue
                return outcome
            deaths.append(outcome)
            mark = outcome.mark
            if not outcome.at_rows:
                continue
            if mark.num_rows > 1:
                singly += (RowRange(mark.operator, mark.first, mark.last),)
            elif self._is_to_blame(unit, given, mark):
                return PoisonRow(mark.first, mark.operator, outcome.harm, outcome.detail)
        raise RunnerError(self._failure(unit, deaths))

    def close(self) -> None:
        """Ends the process."""
        self._process.close()

    def _is_to_blame(self, unit: Unit, given: Passage | None, mark: Mark) -> bool:
        """Whether the operator ends its process each time that it is shown this row alone."""
        alone = RowRange(mark.operator, mark.first, mark.first)
        for _ in range(POISON_ATTEMPTS):
            try:
                outcome = self._process.run(unit, given, Isolation(unit.poison, alone=alone))
            except TrialPassedError:
                return False
            if not isinstance(outcome, Death) or not outcome.at_rows:
                return False
            if (outcome.mark.operator, outcome.mark.first) != (mark.operator, mark.first):
                return False
        return True

    def _failure(self, unit: Unit, deaths: list[Death]) -> str:
        last = deaths[-1]
        how = last.harm.told(last.detail)
        return (
            f"{self._spec.label}, unit {unit.index}: expected to finish; its process ended {len(deaths)} times, last "
            f"{how} {_where(last.mark)}, and no single row is to blame; {_ADVICE[last.harm]}; committed work stays, "
            "run again to go on"
        )


def _where(mark: Mark) -> str:
    """Where a process was, for a message."""
    if mark.has_rows:
        return f"in operator {mark.operator} at rows {mark.first} to {mark.last}"
    if mark.activity is Activity.OPENING:
        return f"while it opened operator {mark.operator}"
    return f"in operator {mark.operator}" if mark.operator else "outside of operators, while it read or wrote"
