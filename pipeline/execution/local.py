"""The runner that is the meaning: everything in this process, one unit after the other, stages in turn."""

from collections.abc import Generator

from pipeline.execution.memory_budget import is_tight, keep_little
from pipeline.execution.process_memory import peak_bytes, release_free_memory
from pipeline.execution.runner import SegmentJob, Watch, workers_measured
from pipeline.execution.stage_task import StageWorker
from pipeline.execution.work import Passage, Result, Unit


class LocalRunner:
    """Runs units one by one in the driver's process."""

    name = "local"

    def run_segment(
        self,
        job: SegmentJob,
        watch: Watch,
    ) -> Generator[tuple[Unit, Result], None, None]:
        """Results in the order of the units."""
        tight = is_tight(job.stages[0].execution.memory_bytes)
        if tight:
            keep_little()
        workers = [StageWorker(spec) for spec in job.stages]
        for unit in job.units:
            passage: Passage | None = None
            for worker in workers:
                outcome = worker.run(unit, passage)
                if isinstance(outcome, Passage):
                    passage = outcome
                else:
                    yield unit, outcome
            if tight:
                release_free_memory()
        watch(workers_measured(job, peak_bytes()))

    def close(self) -> None:
        """Nothing was started."""
