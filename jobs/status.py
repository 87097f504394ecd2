"""What of a run is done, found from its folder alone."""

import fcntl
import json
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline.artifact import load_manifest
from pipeline.run import RecordedRun, RecordedStep

WAITING, STARTED, DONE = "waiting", "started", "done"


@dataclass(frozen=True, slots=True)
class StepStatus:
    """One step."""

    step: str
    kind: str
    state: str
    """waiting, started (some units committed, or a driver is at it) or done."""
    units_committed: int
    """Of the segment at work; all shards once done."""
    rows_kept: int
    rows_dropped: int
    rows_quarantined: int
    num_bytes: int


@dataclass(frozen=True, slots=True)
class RunStatus:
    """A whole run."""

    recipe: str
    is_running: bool
    """Whether a driver on this machine is at work in the folder."""
    failure: str | None
    """How the last run ended, if it failed."""
    steps: tuple[StepStatus, ...]


def run_status(run: RecordedRun) -> RunStatus:
    """The status of a run. Reads manifests and commit records; needs no Ray."""
    is_running = _is_locked(run.output / "logs" / "driver.lock")
    return RunStatus(
        run.recipe,
        is_running,
        None if is_running else _failure(run.output),
        tuple(_step(run, step) for step in run.steps),
    )


def print_status(status: RunStatus, console: Console) -> None:
    """As a table."""
    state = "running" if status.is_running else ("done" if all(s.state == DONE for s in status.steps) else "stopped")
    console.print(f"{status.recipe}: {state}")
    if status.failure and state != "done":
        console.print(f"last failure: {status.failure}", markup=False, soft_wrap=True)
    table = Table(show_edge=False, pad_edge=False)
    for heading in ("step", "writes", "state", "units", "kept", "dropped", "quarantined", "MB"):
        table.add_column(heading, justify="left" if heading in ("step", "writes", "state") else "right")
    for step in status.steps:
        table.add_row(
            step.step,
            step.kind,
            step.state,
            f"{step.units_committed:,}",
            f"{step.rows_kept:,}",
            f"{step.rows_dropped:,}",
            f"{step.rows_quarantined:,}",
            f"{step.num_bytes / 1e6:,.1f}",
        )
    console.print(table)


def _step(run: RecordedRun, step: RecordedStep) -> StepStatus:
    manifest = None if step.folder is None else load_manifest(run.output / step.folder)
    if manifest is not None:
        size = sum(file.num_bytes for shard in manifest.shards for file in shard.files.values())
        return StepStatus(
            step.step,
            step.kind,
            DONE,
            len(manifest.shards),
            manifest.total("rows_kept"),
            manifest.total("rows_dropped"),
            manifest.total("rows_quarantined"),
            size,
        )
    committed = _committed_units(run.output, step.step)
    return StepStatus(step.step, step.kind, WAITING if committed is None else STARTED, committed or 0, 0, 0, 0, 0)


def _committed_units(output: Path, step: str) -> int | None:
    """Commit records of the latest segment of an unfinished step; None if it has not begun."""
    folders = sorted((output / "steps").glob(f"{step}-*/segment-*"))
    unfinished = [folder for folder in folders if not (folder.parent / "manifest.json").exists()]
    return len(list(unfinished[-1].glob("*.json"))) if unfinished else None


def _is_locked(path: Path) -> bool:
    try:
        with path.open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _failure(output: Path) -> str | None:
    path = output / "logs" / "run.json"
    return json.loads(path.read_text()).get("failure") if path.is_file() else None
