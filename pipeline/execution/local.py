"""The runner that is the meaning: everything in this process, one unit after the other, stages in turn.

A unit over which the process of an earlier run ended, and every unit of a step with time-outs, is done by processes
that may die: see examination.py.
"""

from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from pipeline.execution.allocators import give_freed_memory_back
from pipeline.execution.memory_budget import is_tight
from pipeline.execution.poison.examination import Examiner
from pipeline.execution.poison.found import FoundPoison
from pipeline.execution.poison.progress import MARK_BYTES, Activity, Mark, Progress
from pipeline.execution.poison.rows import PoisonRow
from pipeline.execution.process_memory import peak_bytes, release_free_memory
from pipeline.execution.runner import SegmentJob, Watch, workers_measured
from pipeline.execution.stage_task import StageWorker
from pipeline.execution.work import Passage, Result, StageSpec, Unit
from pipeline.io.scratch import outliving_file

AT_WORK_NAME: Final = "at-work"
"""In a segment's folder, or on this node if that is in a store: where this process is. What is left of it tells where
an earlier one died."""


class LocalRunner:
    """Runs units one by one in the driver's process."""

    name = "local"

    def run_segment(self, job: SegmentJob, watch: Watch) -> Generator[tuple[Unit, Result], None, None]:
        """Results in the order of the units."""
        spec = job.stages[0]
        found = FoundPoison(watch)
        tight = is_tight(spec.execution.memory_bytes)
        if tight:
            give_freed_memory_back()
        with ExitStack() as stack:
            examiners = [stack.enter_context(closing(Examiner(stage))) for stage in job.stages]
            died_at, progress = stack.enter_context(_at_work(spec))
            examines_all = any(stage.limits.are_asked_for for stage in job.stages) or (
                died_at is not None and died_at.activity is Activity.OPENING
            )
            workers = [] if examines_all else [StageWorker(stage, progress) for stage in job.stages]
            for unit in job.units:
                if examines_all or (died_at is not None and unit.index == died_at.unit):
                    yield unit, _examine(job.stages, examiners, unit, found)
                else:
                    yield unit, _carried(workers, unit)
                if tight:
                    release_free_memory()
        watch(workers_measured(job, peak_bytes()))

    def close(self) -> None:
        """Nothing was started."""


def _carried(workers: list[StageWorker], unit: Unit) -> Result:
    """What the stages make of a unit in this process."""
    passage: Passage | None = None
    for worker in workers:
        outcome = worker.run(unit, passage)
        if not isinstance(outcome, Passage):
            return outcome
        passage = outcome
    raise AssertionError("the last stage of a segment writes")


def _examine(stages: tuple[StageSpec, ...], examiners: list[Examiner], unit: Unit, found: FoundPoison) -> Result:
    """What the stages make of a unit, without the rows that end their processes."""
    while True:
        passage: Passage | None = None
        for spec, examiner in zip(stages, examiners, strict=True):
            outcome = examiner.run(unit, passage)
            if isinstance(outcome, PoisonRow):
                unit = found.add(spec, unit, outcome)
                break
            if not isinstance(outcome, Passage):
                return outcome
            passage = outcome


@contextmanager
def _at_work(spec: StageSpec) -> Iterator[tuple[Mark | None, Progress]]:
    """Where an earlier process died, if it was in an operator; and what says where this one is."""
    place = spec.folder.segment(spec.segment) / AT_WORK_NAME
    path = place if isinstance(place, Path) else outliving_file(place)
    died_at = _mark_in(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w+b") as file:
        try:
            yield died_at, Progress.in_file(file)
        finally:
            path.unlink(missing_ok=True)
            if path is place:
                _remove_empty(path.parent, path.parent.parent)


def _remove_empty(*folders: Path) -> None:
    """A build that is refused when it opens its operators leaves no folders for the steps that it would have made."""
    with suppress(OSError):  # one that holds what was committed
        for folder in folders:
            folder.rmdir()


def _mark_in(path: Path) -> Mark | None:
    """Where a process was when it last wrote so; None if it was in no operator."""
    try:
        mark = Mark.unpacked(path.read_bytes()[:MARK_BYTES])
    except FileNotFoundError:
        return None
    return None if mark is None or mark.activity is Activity.BETWEEN else mark
