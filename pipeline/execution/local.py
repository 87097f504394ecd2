"""The runner that is the meaning: everything in this process, one unit after the other, stages in turn."""

from collections.abc import Generator

from pipeline.execution.runner import SegmentJob, Watch
from pipeline.execution.stage_task import StageWorker
from pipeline.execution.work import Passage, Result, Unit


class LocalRunner:
    """Runs units one by one in the driver's process."""

    name = "local"

    def run_segment(
        self,
        job: SegmentJob,
        watch: Watch,  # noqa: ARG002
    ) -> Generator[tuple[Unit, Result], None, None]:
        """Results in the order of the units."""
        workers = [StageWorker(spec) for spec in job.stages]
        for unit in job.units:
            passage: Passage | None = None
            for worker in workers:
                outcome = worker.run(unit, passage)
                if isinstance(outcome, Passage):
                    passage = outcome
                else:
                    yield unit, outcome

    def close(self) -> None:
        """Nothing was started."""
