"""What of a run is done, found from its folder alone."""

import fcntl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from jobs.summary import print_damaged, print_memory
from jobs.terminal import PlainConsole
from pipeline.artifact import MANIFEST_NAME, ShardRecord, load_manifest, load_record
from pipeline.execution.commit import fallbacks_in
from pipeline.execution.lease import holder_of
from pipeline.execution.run_folder import LOCK_NAME
from pipeline.io.store import Place
from pipeline.recorded_run import MemoryUse, RecordedRun, RecordedStep
from pipeline.report.damaged import DamagedFile, damaged_files
from pipeline.report.quarantined import QuarantinedRow, quarantined_rows

WAITING, STARTED, DONE = "waiting", "started", "done"
MAX_QUARANTINED = 10
"""Quarantined rows that a status lists."""


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
    fallbacks: tuple[str, ...] = ()
    """Operators that have fallen back, each in a line."""


@dataclass(frozen=True, slots=True)
class RunStatus:
    """A whole run."""

    recipe: str
    is_running: bool
    """Whether a driver is at work in the folder: on this machine, or, in an object store, anywhere."""
    failure: str | None
    """How the last run ended, if it failed."""
    steps: tuple[StepStatus, ...]
    quarantined: tuple[QuarantinedRow, ...]
    """The first quarantined rows."""
    memory: MemoryUse | None
    """What the last run took; None before its end."""
    damaged: tuple[DamagedFile, ...]
    """Every input file that was not read as a whole."""


def run_status(run: RecordedRun) -> RunStatus:
    """The status of a run. Reads manifests and commit records; needs no Ray."""
    is_running = _is_locked(run.output / "logs" / LOCK_NAME)
    found = [_step(run, step) for step in run.steps]
    return RunStatus(
        recipe=run.recipe,
        is_running=is_running,
        failure=None if is_running else run.failure(),
        steps=tuple(status for status, _, _ in found),
        quarantined=tuple(row for _, rows, _ in found for row in rows)[:MAX_QUARANTINED],
        memory=run.memory(),
        damaged=damaged_files(record for _, _, records in found for record in records),
    )


def print_status(status: RunStatus, console: PlainConsole) -> None:
    """As a table."""
    state = "running" if status.is_running else ("done" if all(s.state == DONE for s in status.steps) else "stopped")
    console.print(f"{status.recipe}: {state}")
    if status.failure and state != "done":
        console.print(f"last failure: {status.failure}", soft_wrap=True)
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
    for step in status.steps:
        for fallback in step.fallbacks:
            console.print(f"warning: {step.step}: {fallback}", style="yellow", soft_wrap=True)
    if status.memory is not None:
        print_memory(status.memory, console)
    if status.quarantined:
        total = sum(step.rows_quarantined for step in status.steps)
        console.print(f"quarantined rows, {len(status.quarantined)} of {total:,}:")
    for row in status.quarantined:
        detail = f" ({row.detail})" if row.detail else ""
        console.print(f"  {row.place}: {row.reason}{detail}, {row.step}, {row.operator}", soft_wrap=True)
    print_damaged(status.damaged, console)


def _step(run: RecordedRun, step: RecordedStep) -> tuple[StepStatus, tuple[QuarantinedRow, ...], Sequence[ShardRecord]]:
    manifest = None if step.folder is None else load_manifest(run.output / step.folder)
    if manifest is not None:
        state, folder, records = DONE, manifest.folder, list(manifest.shards)
        fallbacks = manifest.fallbacks
    else:
        unfinished = _unfinished_segment(run.output, step.step)
        if unfinished is None:
            return StepStatus(step.step, step.kind, WAITING, 0, 0, 0, 0, 0), (), ()
        state, folder = STARTED, unfinished.parent
        fallbacks = fallbacks_in(folder)
        paths: list[Place] = sorted(unfinished.glob("*.json"))
        records = [load_record(path) for path in paths]
    status = StepStatus(
        step.step,
        step.kind,
        state,
        len(records),
        sum(record.counts["rows_kept"] for record in records),
        sum(record.counts["rows_dropped"] for record in records),
        sum(record.counts["rows_quarantined"] for record in records),
        sum(file.num_bytes for record in records for file in record.files.values()),
        tuple(map(str, fallbacks)),
    )
    reader = next((other for other in run.steps if other.step == step.reader and other.folder is not None), None)
    read_by = None if reader is None else load_manifest(run.output / str(reader.folder))
    return status, tuple(quarantined_rows(step.step, folder, records, MAX_QUARANTINED, read_by)), records


def _unfinished_segment(output: Place, step: str) -> Place | None:
    """The latest segment of an unfinished step; None if it has not begun."""
    folders: list[Place] = list((output / "steps").glob(f"{step}-*/segment-*"))
    unfinished = (folder for folder in folders if not (folder.parent / MANIFEST_NAME).exists())
    return max(unfinished, key=_step_and_segment, default=None)


def _step_and_segment(folder: Place) -> tuple[str, int]:
    """The folder of the step, and the number of the segment."""
    return folder.parent.name, int(folder.name.partition("-")[2])


def _is_locked(path: Place) -> bool:
    if not isinstance(path, Path):
        return holder_of(path) is not None
    try:
        with path.open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
