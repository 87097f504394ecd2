"""The scratch folder of a process: files on their way to an object store, and copies of objects that are read as files.

It lies in the node's temporary folder and is the process's alone. Who is killed cannot clean up; so whoever makes a
scratch folder removes those whose processes are gone.
"""

import atexit
import fcntl
import os
import re
import shutil
import tempfile
import threading
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

import xxhash

from pipeline.errors import StorageError
from pipeline.io.object_path import SCHEME, ObjectPath

CACHE_BYTES: Final = 2 << 30
"""Copies of objects that a process keeps on disk, beside those that were just asked for, which may be larger."""
_LOCK_NAME: Final = "lock"
_DIGEST: Final = re.compile(r"\d{5,}-([0-9a-f]{16})(?=[.-]|$)")
"""In names of committed files."""


def local_copy(path: str) -> str:
    """`path` itself, or a copy of the object that it names: complete, and with the content that its name says.

    A copy may be removed when others are asked for, so it is opened at once; what is open or mapped stays readable.

    Raises:
        FileNotFoundError: there is no such object.
        StorageError: the store does not answer, or gives another content.
    """
    if not path.startswith(f"{SCHEME}://"):
        return path
    return str(_scratch().copies([ObjectPath.of(path)])[0])


def local_copies(paths: Sequence[str]) -> list[str]:
    """As `local_copy`, of files that are read together: all stay until the next copy is asked for."""
    if not any(path.startswith(f"{SCHEME}://") for path in paths):
        return list(paths)
    return [str(path) for path in _scratch().copies([ObjectPath.of(path) for path in paths])]


def fresh_file() -> Path:
    """A fresh name for an unfinished file."""
    return _scratch().folder / "unfinished" / uuid.uuid4().hex


def outliving_file(place: ObjectPath) -> Path:
    """A file on this node that stands for an object, and outlives this process unless it is removed."""
    return _node_folder() / xxhash.xxh3_64_hexdigest(str(place).encode())


def _node_folder() -> Path:
    """What all processes of this user have on this node."""
    folder = Path(tempfile.gettempdir()) / f"corpusmill-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise StorageError(f"folder {str(folder)!r}: expected to be this user's; found another owner; set TMPDIR")
    return folder


class _Scratch:
    """The folder, and what lies in it."""

    def __init__(self) -> None:
        above = _node_folder()
        # Nobody takes a folder that is being made for an abandoned one.
        with _locked(above / _LOCK_NAME, fcntl.LOCK_EX):
            remove_abandoned(above)
            self.folder = Path(tempfile.mkdtemp(prefix="p-", dir=above))
            _lock(self.folder / _LOCK_NAME, fcntl.LOCK_EX)  # until the process ends, however it ends
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        for name in ("unfinished", "copies"):
            (self.folder / name).mkdir()
        self._copies: dict[ObjectPath, tuple[Path, int]] = {}
        """Least recently asked for first."""
        self._one_at_a_time = threading.Lock()

    def copies(self, places: Sequence[ObjectPath]) -> list[Path]:
        """The files that hold what the objects do."""
        with self._one_at_a_time:
            self._shrink(set(places))
            for place in places:
                self._copies[place] = self._copies.pop(place) if place in self._copies else self._fetched(place)
                self._shrink(set(places))
            return [self._copies[place][0] for place in places]

    def _fetched(self, place: ObjectPath) -> tuple[Path, int]:
        # Operators tell formats by a file's ending.
        target = self.folder / "copies" / f"{uuid.uuid4().hex}-{place.name}"
        named = _DIGEST.match(place.name)
        try:
            digest = place.download(target)
            if named is not None and digest != named[1]:
                digest = place.download(target)  # a store that lied once may tell the truth now
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        if named is not None and digest != named[1]:
            target.unlink()
            raise StorageError(
                f"object {str(place)!r}: expected the content that its name says; found {digest}; it is damaged: "
                "remove the step's folder and run again"
            )
        return target, target.stat().st_size

    def _shrink(self, wanted: Collection[ObjectPath]) -> None:
        total = sum(size for _, size in self._copies.values())
        for place in [place for place in self._copies if place not in wanted]:
            if total <= CACHE_BYTES:
                break
            path, size = self._copies.pop(place)
            path.unlink(missing_ok=True)
            total -= size


def remove_abandoned(above: Path) -> None:
    """Removes the scratch folders in `above` that no process holds any more."""
    for folder in above.glob("p-*"):
        try:
            with _locked(folder / _LOCK_NAME, fcntl.LOCK_EX | fcntl.LOCK_NB):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # at work, or removed by its own process


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    lock = _lock(path, how)
    try:
        yield
    finally:
        os.close(lock)


def _lock(path: Path, how: int) -> int:
    """Takes a lock; it ends when the descriptor is closed."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, how)
    except OSError:
        os.close(lock)
        raise
    return lock


@cache
def _scratch_of(process: int) -> _Scratch:
    del process  # a fork has a folder of its own
    return _Scratch()


def _scratch() -> _Scratch:
    return _scratch_of(os.getpid())
