"""Where a run's output lies: a folder that all workers see, or a prefix in an object store; one class for each.

Readers use places, which know `/`, names and bytes alike. Writers use a store, which gives finished files their names.
Committing rests on one of its methods, `create`, which never writes over anything.
"""

import os
import re
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from pipeline.errors import PlanError, StorageError
from pipeline.io.object_path import ObjectPath
from pipeline.io.scratch import fresh_file

Place = Path | ObjectPath

_URL_AS_PATH: Final = re.compile(r"[a-z][a-z0-9+.-]*:/")


class Store(Protocol):
    """Gives files their names below the output's root. Names are relative to it."""

    def stage(self) -> Path:
        """A fresh name on this machine for an unfinished file: no zombie of an earlier attempt writes into it."""
        ...

    def move(self, staged: Path, name: str) -> None:
        """Gives a finished file its name, in place of what has it; it is safe from a loss of power before that."""
        ...

    def create(self, staged: Path, name: str) -> bool:
        """As `move`, unless there is a file of that name already; whether there was none. `staged` stays."""
        ...

    def link(self, file: Place, name: str) -> None:
        """Gives a file of the store one more name, in place of what has it."""
        ...

    def remove(self, files: Iterable[Place]) -> None:
        """Removes files that may be gone already."""
        ...

    def remove_folder(self, folder: Place) -> None:
        """Removes a folder and all that lies in it."""
        ...


def place_of(output: str | Place) -> Place:
    """The place that a path or a URL names."""
    if isinstance(output, str):
        return ObjectPath.of(output) if "://" in output else Path(output)
    if isinstance(output, Path) and _URL_AS_PATH.match(str(output)):
        raise PlanError(f"output {str(output)!r}: expected a path; found a URL that lost a slash; give it as a string")
    return output


def store_at(root: Place) -> Store:
    """The store that `root` is in."""
    return FolderStore(root) if isinstance(root, Path) else ObjectStore(root)


def num_bytes(place: Place) -> int:
    """The size of a file; FileNotFoundError if it is not there."""
    return place.stat().st_size if isinstance(place, Path) else place.num_bytes()


def name_below(place: Place, folder: Place) -> str:
    """The name of what lies below a folder, relative to it, with `/`."""
    return str(place).removeprefix(f"{folder}/")


def files_below(place: Place) -> list[Place]:
    """All files in a folder and in its folders, sorted; none if there is no such folder."""
    if isinstance(place, Path):
        return sorted(path for path in place.rglob("*") if path.is_file())
    return sorted(place.files_below())


@dataclass(frozen=True, slots=True)
class FolderStore:
    """A folder on a file system with hard links."""

    root: Path

    def stage(self) -> Path:
        """In `tmp/`, on the same file system."""
        staging = self.root / "tmp"
        staging.mkdir(parents=True, exist_ok=True)
        return staging / uuid.uuid4().hex

    def move(self, staged: Path, name: str) -> None:
        """By rename."""
        _sync(staged)
        staged.replace(self._target(name))

    def create(self, staged: Path, name: str) -> bool:
        """By link(2), which fails if the name exists."""
        _sync(staged)
        target = self._target(name)
        try:
            os.link(staged, target)
        except FileExistsError:
            return False
        return True

    def link(self, file: Place, name: str) -> None:
        """By a hard link: it takes no room."""
        target = self._target(name)
        staged = self.stage()
        os.link(str(file), staged)
        staged.replace(target)
        staged.unlink(missing_ok=True)  # renaming one link of a file onto another leaves both

    def remove(self, files: Iterable[Place]) -> None:
        """One after the other."""
        for file in files:
            Path(str(file)).unlink(missing_ok=True)

    def remove_folder(self, folder: Place) -> None:
        """With its folders."""
        shutil.rmtree(str(folder))

    def _target(self, name: str) -> Path:
        """Where the file of that name lies, in a folder that is there."""
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return target


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """A prefix in an object store. An object is there whole or not at all."""

    root: ObjectPath

    def stage(self) -> Path:
        """On this node: objects cannot be written in pieces."""
        return fresh_file()

    def move(self, staged: Path, name: str) -> None:
        """By an upload; the staged file goes."""
        (self.root / name).upload(staged)
        staged.unlink()

    def create(self, staged: Path, name: str) -> bool:
        """By a conditional put."""
        return (self.root / name).create(staged.read_bytes())

    def link(self, file: Place, name: str) -> None:
        """By a copy within the store."""
        assert isinstance(file, ObjectPath)
        file.copy_to(self.root / name)

    def remove(self, files: Iterable[Place]) -> None:
        """Many in one request."""
        self.root.remove_below(file for file in files if isinstance(file, ObjectPath))

    def remove_folder(self, folder: Place) -> None:
        """All objects that are listed below it, and uploads that were never finished."""
        assert isinstance(folder, ObjectPath)
        self.remove(list(folder.files_below()))
        folder.abort_uploads()

    def check_create(self) -> None:
        """Creates one object twice: some stores take the condition and ignore it.

        Raises:
            StorageError: the second one replaced the first.
        """
        probe = self.root / "tmp" / f"probe-{uuid.uuid4().hex}"
        try:
            probe.create(b"first")  # whether this one is told that it exists depends on answers that got lost
            is_replaced = probe.create(b"second") or probe.read_bytes() != b"first"
        finally:
            probe.unlink()
        if is_replaced:
            raise StorageError(
                f"output {str(self.root)!r}: expected a store that creates an object only if it is absent "
                "(If-None-Match), which commits rest on; it wrote over one; choose another store or a folder"
            )


def _sync(path: Path) -> None:
    """Waits until a file's bytes are on the disk."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
