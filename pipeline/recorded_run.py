"""A run, found again by its output folder: which folder holds which step of the recipe that was last run there."""

import json
from dataclasses import dataclass
from typing import Any

from pipeline.artifact import Manifest, check_name, load_manifest
from pipeline.errors import StorageError
from pipeline.io.store import Place, place_of

RUN_NAME = "run.json"
"""Of the output folder: the same for every run of a recipe."""
LOG_NAME = "run.json"
"""Of logs/: what differs from run to run."""


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """The most memory that processes of a run have had, beside what a worker was to stay within."""

    budget_bytes: int | None
    peak_worker_bytes: int
    peak_driver_bytes: int


@dataclass(frozen=True, slots=True)
class RecordedSource:
    """What reading a record of a source needs."""

    root: str
    """What stands before the relative paths of its files."""
    format: str
    text_column: str
    max_document_bytes: int
    max_expansion: float


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """A step as run.json lists it."""

    step: str
    kind: str
    folder: str | None
    """Relative to the output; None while the step is not finished."""
    parents: tuple[str, ...]
    base: str | None
    bound: tuple[str, ...]
    sources: tuple[str, ...]
    against: tuple[str, ...]
    """Steps and imports whose rows stand behind those of the base."""
    reader: str | None
    """Over sources: the step whose reading numbered their records; the step itself, if it was a first reading."""
    moves_rows: bool = False
    """Whether rows go through an exchange or a task: then those of a document may lie in any shard of what it wrote."""


@dataclass(frozen=True, slots=True)
class RecordedImport:
    """An artifact of another run as run.json lists it."""

    name: str
    step: str
    """What it is called there."""
    fingerprint: str


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """What an output folder says about the recipe that was last run in it."""

    output: Place
    recipe: str
    steps: tuple[RecordedStep, ...]
    """In build order."""
    imports: tuple[RecordedImport, ...] = ()

    def manifests(self) -> dict[str, Manifest]:
        """Manifests of the finished steps, in build order."""
        found = {}
        for step in self.steps:
            manifest = None if step.folder is None else load_manifest(self.output / step.folder)
            if manifest is not None:
                found[step.step] = manifest
        return found

    def unfinished(self) -> tuple[str, ...]:
        """Steps that have left no artifact yet, in build order."""
        finished = self.manifests()
        return tuple(step.step for step in self.steps if step.step not in finished)

    def sources(self) -> dict[str, RecordedSource]:
        """Sources where the recipe was last run; empty without its logs, or with those of another version."""
        try:
            return {name: RecordedSource(**fields) for name, fields in self._log().get("sources", {}).items()}
        except TypeError:  # other fields than these
            return {}

    def memory(self) -> MemoryUse | None:
        """What the last run used; None before its end."""
        found = self._log().get("memory")
        return None if found is None else MemoryUse(**found)

    def failure(self) -> str | None:
        """How the last run ended, if it failed."""
        failure: str | None = self._log().get("failure")
        return failure

    def imported(self) -> dict[str, Manifest]:
        """Manifests of the imports that still lie where the recipe found them when it was last run."""
        runs = self._log().get("imports", {})
        found = {}
        for wanted in self.imports:
            folder = step_folder(place_of(runs[wanted.name]), wanted.step) if wanted.name in runs else None
            manifest = None if folder is None else load_manifest(folder)
            if manifest is not None and manifest.fingerprint == wanted.fingerprint:
                found[wanted.name] = manifest
        return found

    def _log(self) -> dict[str, Any]:  # Any: JSON
        try:
            return dict(json.loads((self.output / "logs" / LOG_NAME).read_text()))
        except (FileNotFoundError, ValueError):  # logs may be removed or damaged: no artifact needs them
            return {}


def step_folder(output: Place, step: str) -> Place | None:
    """The folder of a step in the run that an output folder holds; None if it is not there or not finished."""
    if not (output / RUN_NAME).is_file():
        return None
    found = next((recorded for recorded in load_run(output).steps if recorded.step == step), None)
    return None if found is None or found.folder is None else output / found.folder


def load_run(output: Place) -> RecordedRun:
    """The run in an output folder.

    Raises:
        StorageError: there is none.
    """
    path = output / RUN_NAME
    try:
        return _run(json.loads(path.read_text()), output)
    except StorageError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(
            f"run {str(output)!r}: expected an output folder of `corpusmill run`, with {RUN_NAME} in it; found "
            f"{type(error).__name__}; name another folder, or run the recipe again"
        ) from error


def _run(data: Any, output: Place) -> RecordedRun:  # Any: JSON
    steps = tuple(
        RecordedStep(**{**step, **{key: tuple(step[key]) for key in ("parents", "bound", "sources", "against")}})
        for step in data["steps"]
    )
    for step in steps:
        if step.folder is not None:
            check_name(step.folder)
    imports = tuple(RecordedImport(**entry) for entry in data["imports"])
    return RecordedRun(output, data["recipe"], steps, imports)
