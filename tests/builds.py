"""Builds as tests run them: a recipe into a folder, what was seen on the way, and the digest of what it left."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.artifact import Manifest, load_manifest
from pipeline.execution.build import FinishedStep, build
from pipeline.execution.local import LocalRunner
from pipeline.execution.prepare import prepare
from pipeline.execution.runner import Event, Runner
from pipeline.execution.work import Execution
from pipeline.plan.logical import Recipe

MakeRunner = Callable[..., Runner]
"""`make_runner(workers=2)`: the runner under test."""


@dataclass(frozen=True, slots=True)
class Built:
    """A build that came to its end."""

    output: Path
    steps: dict[str, FinishedStep]
    events: list[Event]

    def manifest(self, step: str) -> Manifest:
        """What a step left."""
        return self.steps[step].manifest

    def steps_of(self, kind: str) -> list[str]:
        """Steps for which an event of this kind was seen, in order."""
        return [event.step for event in self.events if event.kind == kind]

    @property
    def num_units(self) -> int:
        """Units of work that this build did."""
        return len(self.steps_of("unit_finished"))


def run_build(
    recipe: Recipe, inputs: Path, output: Path, runner: Runner | None = None, execution: Execution | None = None
) -> Built:
    """Builds a recipe whose paths are relative to `inputs`, in this process unless a runner is given."""
    events: list[Event] = []
    steps = build(prepare(recipe, inputs), output, runner or LocalRunner(), execution or Execution(), events.append)
    return Built(output, steps, events)


def tree_digest(output: Path) -> dict[str, str]:
    """Relative path -> digest of everything in an output folder but logs/: what a build promises to reproduce.

    Empty folders count too, `tmp/` above all: a finished run leaves it there, and empty.
    """
    digests = {}
    for path in sorted(output.rglob("*")):
        name = path.relative_to(output).as_posix()
        if name.split("/")[0] == "logs":
            continue
        digests[name] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
    return digests


def staged_files(output: Path) -> list[str]:
    """What lies in tmp/."""
    return sorted(path.name for path in (output / "tmp").iterdir())


def manifests(output: Path) -> dict[str, Manifest]:
    """Every finished artifact in an output folder, by its folder's name."""
    found = {}
    for path in sorted((output / "steps").glob("*/manifest.json")):
        manifest = load_manifest(path.parent)
        assert manifest is not None
        found[path.parent.name] = manifest
    return found


def modification_times(output: Path) -> dict[str, int]:
    """Relative path -> nanoseconds, of all that finished steps left."""
    return {
        path.relative_to(output).as_posix(): path.stat().st_mtime_ns for path in sorted((output / "steps").rglob("*"))
    }
