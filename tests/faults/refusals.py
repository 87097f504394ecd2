"""A system that refuses: the n-th change to a folder, permissions as an ordinary user has them, a small disk."""

import ctypes
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

_CHANGES: Final = ("open", "os.link", "os.rename", "os.mkdir", "os.remove", "os.rmdir")
"""Audit events of Python before it asks the system to change a folder. Arrow opens its files without Python."""
_OPENED_TO_WRITE: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CAPABILITY_VERSION: Final = 0x20080522
_DAC_OVERRIDE, _DAC_READ_SEARCH = 1, 2
"""linux/capability.h: what lets root read and write whatever its owner forbade."""


@dataclass
class Refusal:
    """Which change to make fail, and how; and what was changed until now."""

    folder: Path | None = None
    at: int | None = None
    number: int = errno.ENOSPC
    seen: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        """As an audit hook."""
        if self.folder is None or event not in _CHANGES:
            return
        path = arguments[1] if event in ("os.link", "os.rename") else arguments[0]
        if not isinstance(path, str | os.PathLike) or not os.fspath(path).startswith(f"{self.folder}/"):
            return
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & _OPENED_TO_WRITE):
            return
        self.seen.append((event, Path(path).name))
        if len(self.seen) == self.at:
            raise OSError(self.number, os.strerror(self.number), os.fspath(path))


_refusal = Refusal()
_hooks: list[Refusal] = []


@contextmanager
def refusing(folder: Path, at: int | None = None, number: int = errno.ENOSPC) -> Iterator[Refusal]:
    """Makes the `at`-th change below `folder` fail with the error `number`; None: none, changes are only noted."""
    if not _hooks:
        sys.addaudithook(_refusal)  # it stays for as long as the process does, and does nothing outside of here
        _hooks.append(_refusal)
    _refusal.folder, _refusal.at, _refusal.number, _refusal.seen = folder, at, number, []
    try:
        yield _refusal
    finally:
        _refusal.folder = None


@contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Takes from root, in this thread, the right to pass over permissions; others never had it."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    before = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable, for each half of the capabilities
    assert libc.capget(header, before) == 0
    without = (ctypes.c_uint32 * 6)(*before)
    without[0] &= ~(1 << _DAC_OVERRIDE | 1 << _DAC_READ_SEARCH)
    assert libc.capset(header, without) == 0
    try:
        yield
    finally:
        assert libc.capset(header, before) == 0


class SmallDisk:
    """A file system in memory, mounted at `folder`, whose limits can be changed while it is used."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def remount(self, options: str) -> None:
        """With other limits, such as `size=1m`, `nr_inodes=50` or `ro`."""
        _mount("-o", f"remount,{options}", str(self.folder))


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[SmallDisk]:
    """Mounts one; skips the test where that is not allowed."""
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small disk can only be mounted by root")
    try:
        _mount("-t", "tmpfs", "-o", options, "none", str(folder))
    except subprocess.CalledProcessError:
        pytest.skip("mounting is not allowed here")
    try:
        yield SmallDisk(folder)
    finally:
        # Lazily, since the traceback of a failed build may hold files open.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)
