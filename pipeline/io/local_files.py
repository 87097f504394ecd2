"""Files that a glob pattern names on this machine's file systems.

Python's own glob takes a folder that may not be listed for an empty one, and a link that leads nowhere for nothing:
input would be missing without a word. Here both are errors.
"""

import errno
import fnmatch
import os
import stat
from collections.abc import Iterator, Sequence
from typing import Final

from pipeline.errors import StorageError

_GLOB_CHARACTERS: Final = frozenset("*?[")
_ANY_FOLDERS: Final = "**"
_NOT_THERE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
"""Also of a link that leads nowhere or to itself: an error only where a pattern names it."""

Place = tuple[int, int]
"""Device and inode."""


def has_magic(pattern: str) -> bool:
    """Whether a pattern, or a part of one, may name several files."""
    return not _GLOB_CHARACTERS.isdisjoint(pattern)


def local_files(pattern: str) -> Iterator[str]:
    """Path of every file that an absolute pattern names.

    `*`, `?` and `[...]` stand for characters of one name, `**` for any number of folders. Names that begin with a dot
    are only found by patterns that have the dot. Links to files and folders are followed.

    Raises:
        OSError: a folder may not be listed, or a link leads nowhere.
        StorageError: what is named is neither a file nor a folder, or a folder by a pattern with a suffix, or a link
            leads to a folder that it lies in.
    """
    names_files = has_magic(pattern) and bool(os.path.splitext(pattern)[1])  # noqa: PTH122 - paths are strings here
    for path in dict.fromkeys(_paths("/", pattern.removeprefix("/").split("/"))):
        mode = os.stat(path).st_mode  # noqa: PTH116 - paths are strings here
        if stat.S_ISREG(mode):
            yield path
        elif stat.S_ISDIR(mode):
            if names_files:
                raise StorageError(
                    f"input {path!r}: expected a file; found a folder, whose files would be missing; remove it, or "
                    "name its files by FOLDER/*"
                )
        else:
            raise StorageError(
                f"input {path!r}: expected a file; found a pipe, socket or device; remove it, or correct the pattern"
            )


def _paths(folder: str, parts: Sequence[str]) -> Iterator[str]:
    """Paths of all that is named by the parts of a pattern below a folder."""
    part, *rest = parts
    if part == _ANY_FOLDERS:
        for below in _folders(folder, frozenset()):
            yield from _paths(below, rest or ["*"])
    elif has_magic(part):
        for name in fnmatch.filter(_names(folder), part):
            if part.startswith(".") or not name.startswith("."):
                yield from _continued(_joined(folder, name), rest)
    elif rest or _is_there(_joined(folder, part)):
        yield from _continued(_joined(folder, part), rest)


def _continued(path: str, rest: Sequence[str]) -> Iterator[str]:
    if rest:
        yield from _paths(path, rest)
    else:
        yield path


def _names(folder: str) -> list[str]:
    """Names in a folder; none if it is not there, or is a file."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - names, not paths
    except (FileNotFoundError, NotADirectoryError):
        return []


def _folders(folder: str, above: frozenset[Place]) -> Iterator[str]:
    """A folder, those in it, those in these, and so on."""
    place = _folder_place(folder)
    if place is None:
        return
    if place in above:
        raise StorageError(
            f"input {folder!r}: expected folders that end; found a link to a folder that it lies in; remove the link, "
            "or give a pattern without **"
        )
    yield folder
    for name in _names(folder):
        if not name.startswith("."):
            yield from _folders(_joined(folder, name), above | {place})


def _folder_place(path: str) -> Place | None:
    """Where a folder lies; None for anything else."""
    try:
        found = os.stat(path)  # noqa: PTH116 - paths are strings here
    except OSError as error:
        if error.errno in _NOT_THERE:
            return None
        raise
    return (found.st_dev, found.st_ino) if stat.S_ISDIR(found.st_mode) else None


def _is_there(path: str) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _joined(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"
