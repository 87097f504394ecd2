"""Progress on stderr: bars on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from jobs.terminal import PlainConsole, printable
from pipeline.execution.runner import Event, Watch

PLAIN_SECONDS = 5.0
"""Plain progress of one segment is not repeated more often than this."""


@contextmanager
def show_progress() -> Iterator[Watch]:
    """A watch that shows what a build does."""
    console = PlainConsole(stderr=True)
    if console.is_terminal:
        with _bars(console) as progress:
            yield _Bars(progress)
    else:
        yield _Lines()


def _bars(console: PlainConsole) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


class _Bars:
    """One bar per step, for the segment at work."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, event: Event) -> None:
        if event.kind == "segment_started":
            description = f"{event.step}  [dim]{escape(event.message)}[/dim]"
            if event.step in self._tasks:
                self._progress.remove_task(self._tasks[event.step])
            self._tasks[event.step] = self._progress.add_task(description, total=event.total, completed=event.done)
        elif event.kind == "unit_finished":
            self._progress.update(self._tasks[event.step], completed=event.done)
        elif event.kind == "step_cached":
            self._progress.console.print(f"{event.step}: already built", style="dim")
        elif event.kind in ("waiting", "fell_back", "poison_found"):
            self._progress.console.print(f"{event.step}: {event.message}")
        elif event.kind == "actor_lost":
            self._progress.console.print(f"{event.step}: an actor was lost ({event.message}); its work runs again")


class _Lines:
    """A line when a segment starts, one now and then, and one when a step is finished."""

    def __init__(self) -> None:
        self._last = 0.0
        self._started = time.monotonic()

    def __call__(self, event: Event) -> None:
        now = time.monotonic()
        if event.kind == "segment_started":
            self._say(f"{event.step}: {event.message}, {event.done} of {event.total} done")
        elif event.kind == "unit_finished" and now - self._last >= PLAIN_SECONDS:
            self._say(f"{event.step}: {event.done} of {event.total}")
        elif event.kind == "step_cached":
            self._say(f"{event.step}: already built")
        elif event.kind == "step_finished":
            self._say(f"{event.step}: finished")
        elif event.kind in ("waiting", "fell_back", "poison_found"):
            self._say(f"{event.step}: {event.message}")
        elif event.kind == "actor_lost":
            self._say(f"{event.step}: an actor was lost ({event.message}); its work runs again")

    def _say(self, line: str) -> None:
        self._last = time.monotonic()
        print(printable(f"[{self._last - self._started:7.1f}s] {line}"), file=sys.stderr, flush=True)  # noqa: T201 - progress
