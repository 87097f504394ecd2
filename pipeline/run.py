"""Running a recipe from end to end."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pipeline.artifact import Manifest
from pipeline.errors import PipelineError, PlanError
from pipeline.execution.build import build
from pipeline.execution.local import LocalRunner
from pipeline.execution.prepare import PreparedRecipe, prepare
from pipeline.execution.process_memory import peak_bytes
from pipeline.execution.runner import Event, Runner, Watch
from pipeline.execution.work import Execution
from pipeline.io.scratch import fresh_file
from pipeline.io.splits import format_of
from pipeline.io.storage import InputFile
from pipeline.io.store import Place, place_of
from pipeline.plan.logical import Recipe, Source
from pipeline.recorded_run import LOG_NAME, MemoryUse, RecordedSource
from pipeline.report.funnel import Funnel, funnel

EVENTS_NAME: Final = "events.jsonl"
"""Of logs/: every event, of all runs."""
_WORTH_KEEPING: Final = frozenset({"build_started", "step_finished", "fell_back"})
"""After these the logs go to the store, if the output is in one; and at the end."""
RunnerName = Literal["local", "ray"]


@dataclass(frozen=True, slots=True)
class Run:
    """A finished build."""

    output: Place
    manifests: Mapping[str, Manifest]
    """By step, in build order."""
    funnel: Funnel
    cached_steps: tuple[str, ...]
    """Steps that were there already."""
    seconds: float
    memory: MemoryUse


def open_runner(name: RunnerName, workers: int | None = None, address: str | None = None) -> Runner:
    """The runner of that name; an option that it cannot honour is refused."""
    if name == "local":
        refused = [option for option, value in (("workers", workers), ("address", address)) if value is not None]
        if refused:
            raise PlanError(f"runner local: expected no {refused}; it runs in this process; use --runner ray")
        return LocalRunner()
    if name != "ray":
        raise PlanError(f"runner {name!r}: unknown; runners: ['local', 'ray']")
    from pipeline.execution.on_ray.cluster import check_address  # noqa: PLC0415 - importing Ray takes a second
    from pipeline.execution.on_ray.runner import RayRunner  # noqa: PLC0415 - as above

    if workers is not None and workers < 1:
        raise PlanError(f"workers: expected at least 1; found {workers}")
    if address is not None:
        check_address(address)  # before there is an output folder
    return RayRunner(workers, address)


def run_recipe(
    recipe: Recipe,
    output: Place | str,
    *,
    directory: Path | str = ".",
    runner: Runner | None = None,
    execution: Execution | None = None,
    watch: Watch | None = None,
) -> Run:
    """Builds what is missing of `recipe` in `output`.

    Args:
        directory: what relative paths in the recipe are relative to.
        runner: carries the work out; the caller closes it. Default: this process.
        execution: batch sizes and budgets; no setting of it can reach a byte of the result.
        watch: is told what happens.

    Raises:
        PipelineError: see pipeline.errors; committed work stays, and a second run goes on from it.
    """
    prepared = prepare(recipe, Path(directory))
    return run_prepared(prepared, place_of(output), runner or LocalRunner(), execution or Execution(), watch or _ignore)


def run_prepared(prepared: PreparedRecipe, output: Place, runner: Runner, execution: Execution, watch: Watch) -> Run:
    """As `run_recipe`, for a recipe that is prepared already."""
    output = output.absolute()  # workers of a running cluster have another current folder
    log = _RunLog(output, _log_of(prepared, runner, execution, time.time()), watch, execution.memory_bytes)
    try:
        finished = build(prepared, output, runner, execution, log)
    except PipelineError as error:
        log.fail(error)
        raise
    manifests = {name: step.manifest for name, step in finished.items()}
    steps = {name: step.checked.step for name, step in finished.items()}
    cached = tuple(name for name, step in finished.items() if step.was_cached)
    return Run(output, manifests, funnel(manifests, steps), cached, log.seconds, log.end())


def _log_of(
    prepared: PreparedRecipe, runner: Runner, execution: Execution, started: float
) -> dict[str, Any]:  # Any: JSON
    """What differs from run to run; it lives in logs/ alone."""
    sources = {
        name: asdict(_recorded_source(prepared.recipe.sources[name], files[0]))
        for name, files in prepared.files.items()
    }
    return {
        "recipe": prepared.recipe.name,
        "runner": runner.name,
        "started": started,
        "execution": asdict(execution),
        "sources": sources,
        "imports": {name: str(found.run) for name, found in prepared.imports.items()},
    }


def _recorded_source(source: Source, file: InputFile) -> RecordedSource:
    return RecordedSource(
        root=file.path.removesuffix(file.relative_path),
        format=format_of(file, source),
        text_column=source.text_column,
        max_document_bytes=source.max_document_bytes,
        max_expansion=source.max_expansion,
    )


class _RunLog:
    """Keeps logs/ of a build from the moment that the folder is its own: a build that is refused leaves no trace."""

    def __init__(
        self,
        output: Place,
        log: Mapping[str, Any],  # Any: JSON
        watch: Watch,
        memory_bytes: int | None,
    ) -> None:
        self._folder = output / "logs" if isinstance(output, Path) else fresh_file()
        self._copied_to = None if isinstance(output, Path) else output / "logs"
        self._log = log
        self._watch = watch
        self._begun = time.monotonic()
        self._has_begun = False
        self._memory_bytes = memory_bytes
        self._peak_worker_bytes = 0

    @property
    def seconds(self) -> float:
        """Since the run began, by a clock that nobody sets."""
        return time.monotonic() - self._begun

    def __call__(self, event: Event) -> None:
        """Notes an event and passes it on."""
        if event.kind == "build_started":
            self._has_begun = True
            self._take_up()
            self._write(self._log)
        with (self._folder / EVENTS_NAME).open("a") as stream:
            stream.write(json.dumps({"seconds": round(self.seconds, 3), **asdict(event)}) + "\n")
        self._peak_worker_bytes = max(self._peak_worker_bytes, event.peak_bytes)
        if event.kind in _WORTH_KEEPING:
            self._keep()
        self._watch(event)

    def end(self) -> MemoryUse:
        """Notes what memory the build took."""
        memory = self._memory()
        self._write({**self._log, "memory": asdict(memory)})
        self._keep()
        return memory

    def _keep(self) -> None:
        """Copies the logs to an object store, in which nothing can be appended to what is there."""
        if self._copied_to is not None:
            for name in (LOG_NAME, EVENTS_NAME):
                (self._copied_to / name).upload(self._folder / name)

    def _take_up(self) -> None:
        """Goes on with the events of earlier runs."""
        if self._copied_to is not None:
            self._folder.mkdir()
            with suppress(FileNotFoundError):
                (self._copied_to / EVENTS_NAME).download(self._folder / EVENTS_NAME)
            (self._folder / EVENTS_NAME).touch()

    def fail(self, error: PipelineError) -> None:
        """Notes why the build ended."""
        if not self._has_begun:
            return
        with suppress(OSError):  # the failure may be that nothing can be written; the caller tells it all the same
            self._write({**self._log, "memory": asdict(self._memory()), "failure": str(error)})
            self._keep()

    def _memory(self) -> MemoryUse:
        return MemoryUse(self._memory_bytes, self._peak_worker_bytes, peak_bytes())

    def _write(self, log: Mapping[str, Any]) -> None:  # Any: JSON
        staged = self._folder / f"{LOG_NAME}.new"  # a full disk must not leave half of it
        staged.write_text(json.dumps(log, indent=1) + "\n")
        staged.replace(self._folder / LOG_NAME)


def _ignore(event: Event) -> None:
    """Nobody watches."""
