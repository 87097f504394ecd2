"""The one door to input files: listing them, their identity before they are read, and opening them.

Local paths go straight to the operating system; everything with a scheme (`s3://`, `gs://`, `memory://`) goes through
fsspec. Knows nothing of formats.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TypeVar, cast

import xxhash

from pipeline.errors import PlanError, StorageError
from pipeline.io.local_files import has_magic, local_files
from pipeline.io.remote_files import RemoteFile, full_url, open_remote, remote_files
from pipeline.plan.logical import Source

DIGEST_WINDOW_BYTES: Final = 1 << 20
"""How much of a file's start, middle and end goes into its identity."""

NUM_LISTING_THREADS: Final = 16
"""Reading many small pieces waits for the store, not for a processor."""

_OPEN_BUFFER_BYTES: Final = 1 << 20


R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Version:
    """Tells, without reading it, whether a file is still the one that it was. Never part of identity."""

    content: str
    """When it was last written, or what its store calls its content; empty if the store does not tell."""
    place: str = ""
    """Of a local file, its inode and the time of its last change of any kind."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of a source, as it was when the run was planned."""

    source: str
    path: str
    """Absolute, or an fsspec URL: where to read it. Never part of identity."""
    relative_path: str
    """Relative to the source's root, with `/`."""
    size_bytes: int
    digest: str
    """xxh3-128, in hex, of the first, middle and last MiB and the size."""
    version: Version | None = None
    """As it was then; None: not known."""


def map_files(function: Callable[[InputFile], R], files: Sequence[InputFile]) -> list[R]:
    """`function` of each file, in order. Small reads of remote files wait for the store, so they run side by side."""
    if not any(is_url(file.path) for file in files):
        return [function(file) for file in files]
    with ThreadPoolExecutor(NUM_LISTING_THREADS) as pool:
        return list(pool.map(function, files))


def is_url(path: str) -> bool:
    """Whether `path` names its store, and so goes through fsspec."""
    return "://" in path


def list_inputs(name: str, source: Source, recipe_directory: Path) -> tuple[InputFile, ...]:
    """The files of the source called `name`, sorted by relative path.

    Args:
        name: the source's name in the recipe.
        source: its patterns; relative ones start at `recipe_directory`.
        recipe_directory: the folder of the recipe.

    Raises:
        StorageError: a file cannot be read.
        PlanError: a pattern matches nothing, or the files have no common root or lie outside of the given one.
    """
    patterns = [_absolute(pattern, recipe_directory) for pattern in source.paths]
    matches = [_matches(pattern) for pattern in patterns]
    empty = [pattern for pattern, found in zip(patterns, matches, strict=True) if not found]
    if empty:
        raise PlanError(
            f"source {name!r}: expected files for each pattern; nothing matches {empty!r}; "
            f"tried {patterns!r}; correct `paths` (a folder needs a pattern, such as folder/**/*.jsonl.zst)"
        )
    root = _root(name, source, patterns, recipe_directory)
    found = {path for paths in matches for path in paths}
    odd = sorted(path for path in found if not _is_unicode(path))
    if odd:
        raise PlanError(f"source {name!r}: expected file names in UTF-8; found {odd[0]!a}; rename it")
    relative = {path: _relative(name, path, root) for path in found}
    ordered = sorted(found, key=lambda path: relative[path])
    with ThreadPoolExecutor(NUM_LISTING_THREADS) as pool:
        return tuple(pool.map(lambda path: _identified(name, path, relative[path]), ordered))


def _identified(name: str, path: str, relative_path: str) -> InputFile:
    """A file as it is now. Sizes are the files' own: a listing may be older."""
    with open_input(path) as stream:
        size_bytes, version = _state(stream)
    return InputFile(name, path, relative_path, size_bytes, file_digest(path, size_bytes), version)


def _state(stream: BinaryIO) -> tuple[int, Version]:
    """Size and version of an open file."""
    raw = getattr(stream, "raw", None)
    if isinstance(raw, RemoteFile):
        return raw.size_bytes, Version(raw.version)
    found = os.fstat(stream.fileno())
    return found.st_size, Version(str(found.st_mtime_ns), f"{found.st_ino} {found.st_ctime_ns}")


def open_input(path: str) -> BinaryIO:
    """An input file opened for reading bytes, seekable. Its bytes come as they are stored: nothing is decompressed.

    Raises:
        StorageError: the file is not there, or its store is not reachable.
    """
    try:
        if not is_url(path):
            return Path(path).open("rb", buffering=_OPEN_BUFFER_BYTES)
        return cast("BinaryIO", open_remote(path))
    except OSError as error:
        raise read_error(path, error) from error


def input_size(path: str) -> int:
    """The stored size of an input file."""
    with open_input(path) as stream:
        return stream.seek(0, os.SEEK_END)


def open_planned(file: InputFile) -> BinaryIO:
    """As `open_input`, after checking that the file is still the one that it was when the run was planned."""
    stream = open_input(file.path)
    try:
        _check_planned(file, stream)
    except StorageError:
        stream.close()
        raise
    return stream


def check_unchanged(file: InputFile) -> None:
    """Checks, once a file is read, that it did not change meanwhile.

    Raises:
        StorageError: it did, or it is gone.
    """
    with open_input(file.path) as stream:
        _check_planned(file, stream)


def _check_planned(file: InputFile, stream: BinaryIO) -> None:
    size_bytes, version = _state(stream)
    if size_bytes != file.size_bytes:
        raise _changed(file, f"{file.size_bytes} bytes", str(size_bytes))
    if file.version is None or version == file.version:
        return
    digest = file_digest(file.path, size_bytes)
    if digest != file.digest:
        raise _changed(file, f"digest {file.digest}", digest)
    # Another inode alone is that of a copy on another node, or of a file that was moved.
    if version.content != file.version.content and size_bytes > 3 * DIGEST_WINDOW_BYTES:
        raise _changed(file, f"version {file.version.content!r}", repr(version.content))


def _changed(file: InputFile, expected: str, found: str) -> StorageError:
    return StorageError(
        f"input {file.path!r}: expected {expected}; found {found}; the file changed after the run was planned, so run "
        "again"
    )


def file_digest(path: str, size_bytes: int) -> str:
    """The file's identity before it is read: xxh3-128 of its first, middle and last MiB, and its size.

    Windows that overlap are read once, so of a file of at most three MiB every byte counts.
    """
    hasher = xxhash.xxh3_128(size_bytes.to_bytes(8, "little"))
    middle = max(0, (size_bytes - DIGEST_WINDOW_BYTES) // 2)
    last = max(0, size_bytes - DIGEST_WINDOW_BYTES)
    done = 0
    with open_input(path) as stream:
        for start in (0, middle, last):
            begin = max(start, done)
            done = max(done, min(start + DIGEST_WINDOW_BYTES, size_bytes))
            stream.seek(begin)
            window = stream.read(done - begin)
            if len(window) != done - begin:
                raise StorageError(
                    f"input {path!r}: expected {size_bytes} bytes; found fewer; the file changes, so try again later"
                )
            hasher.update(window)
    return hasher.hexdigest()


def _absolute(pattern: str, directory: Path) -> str:
    """The pattern as an absolute path or a URL in its store's spelling; `file://` is a local path."""
    if is_url(pattern) and not pattern.startswith("file://"):
        return full_url(pattern)
    return os.path.normpath(Path.cwd() / directory / pattern.removeprefix("file://"))


def _matches(pattern: str) -> list[str]:
    """The files that one absolute pattern names, in any order."""
    try:
        return list(remote_files(pattern) if is_url(pattern) else local_files(pattern))
    except OSError as error:
        raise read_error(pattern, error) from error


def _root(name: str, source: Source, patterns: Sequence[str], directory: Path) -> str:
    """The folder that relative paths start at."""
    if source.root is not None:
        return _absolute(source.root, directory)
    folders = [_fixed_folder(pattern) for pattern in patterns]
    schemes = {folder.partition("://")[0] if is_url(folder) else "" for folder in folders}
    if len(schemes) > 1:
        raise PlanError(
            f"source {name!r}: expected patterns of one store; found {sorted(patterns)!r}; "
            "make one source for each store"
        )
    return _common_folder(folders)


def _fixed_folder(pattern: str) -> str:
    """The folder part of a pattern before its first glob character."""
    parts = pattern.split("/")
    fixed = next((place for place, part in enumerate(parts) if has_magic(part)), len(parts) - 1)
    return "/".join(parts[:fixed])


def _common_folder(folders: Iterable[str]) -> str:
    common: list[str] | None = None
    for folder in folders:
        parts = folder.split("/")
        if common is None:
            common = parts
        else:
            same = [left == right for left, right in zip(common, parts, strict=False)]
            common = common[: same.index(False) if False in same else len(same)]
    return "/".join(common or [])


def _is_unicode(path: str) -> bool:
    """Whether a path can be spelled in ids and records: Python gives bytes that are no UTF-8 as lone surrogates."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _relative(name: str, path: str, root: str) -> str:
    prefix = root.rstrip("/") + "/"
    if not path.startswith(prefix):
        raise PlanError(f"source {name!r}: expected files below its root {root!r}; found {path!r}; correct `root`")
    return path.removeprefix(prefix)


def read_error(path: str, error: Exception) -> StorageError:
    """The error to raise for a failed access to `path`; one that is already explained stays as it is."""
    if isinstance(error, StorageError):
        return error
    return StorageError(
        f"input {path!r}: expected a readable file; found {type(error).__name__}: {error}; "
        "check the path and the permissions"
    )
