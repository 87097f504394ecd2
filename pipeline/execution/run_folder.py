"""The output folder of a run: who may write to it, what it says about itself, and its staging area."""

import errno
import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipeline.artifact import Manifest
from pipeline.errors import RunnerError, StorageError
from pipeline.execution.lease import leased
from pipeline.execution.prepare import PreparedRecipe
from pipeline.io.store import ObjectStore, Place, name_below, store_at
from pipeline.operator import Task
from pipeline.plan.logical import Exchange
from pipeline.recorded_run import RUN_NAME, load_run

_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS})
"""What link(2) says on file systems without hard links: EPERM on those of Linux, the others behind FUSE."""

LOCK_NAME: Final = "driver.lock"
"""In logs/: held, or renewed, by the driver at work."""


def write_run(prepared: PreparedRecipe, output: Place, manifests: Mapping[str, Manifest]) -> None:
    """run.json: which folder holds which step of the recipe as it was last run. The same for every run of it."""
    steps = [
        {
            "step": name,
            "kind": prepared.steps[name].step.write.value,
            "folder": name_below(manifests[name].folder, output) if name in manifests else None,
            "parents": list(prepared.steps[name].step.parents),
            "base": prepared.steps[name].base,
            "bound": list(prepared.steps[name].step.view.bound),
            "sources": list(prepared.steps[name].step.view.sources),
            "against": list(prepared.steps[name].step.view.against),
            "reader": prepared.steps[name].reader,
            "moves_rows": any(isinstance(node, Exchange | Task) for node in prepared.steps[name].step.unrolled),
        }
        for name in prepared.steps
    ]
    imports = [
        {"name": name, "step": found.manifest.step, "fingerprint": found.manifest.fingerprint}
        for name, found in prepared.imports.items()
    ]
    text = json.dumps({"recipe": prepared.recipe.name, "steps": steps, "imports": imports}, indent=1) + "\n"
    path = output / RUN_NAME
    if path.exists() and path.read_text() == text:
        return
    store = store_at(output)
    staged = store.stage()
    staged.write_text(text)
    store.move(staged, RUN_NAME)


def is_recorded(prepared: PreparedRecipe, output: Place) -> bool:
    """Whether run.json is about these steps already."""
    try:
        recorded = [step.step for step in load_run(output).steps]
    except StorageError:  # there is none, or it is damaged: it is written anew
        return False
    return recorded == list(prepared.steps)


def clear_staging(output: Place) -> None:
    """Empties tmp/, or ends uploads that were never finished.

    An actor of a killed driver may still be writing there: what it adds or renames is not ours.
    """
    if not isinstance(output, Path):
        output.abort_uploads()
        return
    staging = output / "tmp"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(exist_ok=True)


def check_output(output: Place) -> None:
    """Refuses an output in which commits could not be made, before there is work that would be lost.

    Raises:
        StorageError: files there cannot be created only if they are absent.
    """
    if isinstance(output, Path):
        check_hard_links(output)
    else:
        ObjectStore(output).check_create()


def check_hard_links(output: Path) -> None:
    """Refuses a folder in which commits could not be made, before there is work that would be lost.

    Raises:
        StorageError: its file system has no hard links, or gives a name that is taken to another file.
    """
    first, second = (output / "tmp" / f"links-{uuid.uuid4().hex}" for _ in range(2))
    first.touch()
    try:
        os.link(first, second)
        os.link(first, second)
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        found = f"link(2) fails with {errno.errorcode[error.errno]} ({error.strerror})"
    else:
        found = "link(2) replaces a file that is there"
    finally:
        for path in (first, second):
            path.unlink(missing_ok=True)
    raise StorageError(
        f"output {str(output)!r}: expected a file system with hard links, which commits rest on; found that {found}; "
        "choose a folder on a local disk or on NFS"
    )


@contextmanager
def only_driver(output: Place) -> Iterator[None]:
    """Warns a second driver early. Safety does not rest on it: commits are created only if absent."""
    if not isinstance(output, Path):
        with leased(output / "logs" / LOCK_NAME):
            yield
        return
    logs = output / "logs"
    logs.mkdir(exist_ok=True)
    with (logs / LOCK_NAME).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise RunnerError(
                f"output {str(output)!r}: expected no other build in this folder; process "
                f"{lock.read().strip() or '?'} is at "
                "work there; wait for it, or choose another folder"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
