"""What a runner does with a row that ends or hangs its workers: it is written down, and the unit goes on without it."""

from dataclasses import replace
from typing import Final

from pipeline.errors import RunnerError
from pipeline.execution.poison.rows import PoisonRow
from pipeline.execution.runner import Event, Watch
from pipeline.execution.work import StageSpec, Unit

MAX_POISON_ROWS: Final = 20
"""Of a unit, found in one run: each costs several processes, and so many are a defect of the operator."""


class FoundPoison:
    """The rows of a segment that were found in this run."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._num_found: dict[int, int] = {}

    def add(self, spec: StageSpec, unit: Unit, row: PoisonRow) -> Unit:
        """Records a row for this and every later run; returns the unit as it is to be done now.

        Raises:
            RunnerError: the unit has too many of them.
        """
        spec.folder.add_poison(spec.segment, spec.fallbacks, unit.index, row)
        how = row.harm.told(row.detail)
        message = f"row {row.row} of unit {unit.index} is quarantined: operator {row.operator} {how}"
        self._watch(Event("poison_found", spec.folder.step, message=message))
        num_found = self._num_found[unit.index] = self._num_found.get(unit.index, 0) + 1
        if num_found > MAX_POISON_ROWS:
            raise RunnerError(
                f"{spec.label}, unit {unit.index}: expected at most {MAX_POISON_ROWS} rows that end the process of an "
                f"operator; found {num_found}, last row {row.row}, operator {row.operator}: {how}; correct the "
                "operator or take it out of the recipe, or run again to look for more"
            )
        return replace(unit, poison=(*unit.poison, row))
