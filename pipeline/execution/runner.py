"""The seam between a build and the machines that carry it out.

`LocalRunner` is the meaning; any other runner must give the same bytes. A runner retries and places work, but commits
nothing: it hands results to the build as they come, in any order.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pipeline.execution.work import Result, StageSpec, Unit


@dataclass(frozen=True, slots=True)
class SegmentJob:
    """The stages of a segment, in order; all but the last hand their rows over."""

    stages: tuple[StageSpec, ...]
    units: Sequence[Unit]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a watcher of a build may want to see. Never stored outside logs."""

    kind: str
    """build_started, step_started, step_finished, step_cached, segment_started, unit_finished, workers_measured,
    fell_back, waiting, actor_lost, poison_found."""
    step: str = ""
    done: int = 0
    total: int = 0
    message: str = ""
    peak_bytes: int = 0
    """Of workers_measured: the most memory that a worker has had."""


def workers_measured(job: SegmentJob, peak_bytes: int) -> Event:
    """At the end of a segment, how much memory a worker has had at most so far."""
    return Event("workers_measured", job.stages[0].folder.step, peak_bytes=peak_bytes)


Watch = Callable[[Event], None]


class Runner(Protocol):
    """Carries segments out."""

    @property
    def name(self) -> str:
        """As on the command line."""
        ...

    def run_segment(self, job: SegmentJob, watch: Watch) -> Generator[tuple[Unit, Result], None, None]:
        """Results of all units, in the order in which they finish. Closing it early stops what is still at work.

        Raises:
            PipelineError: a unit failed for good.
        """
        ...

    def close(self) -> None:
        """Gives back what the runner itself started."""
        ...
