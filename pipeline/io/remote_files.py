"""Input files in stores that fsspec reaches: found by pattern, and read in ranges.

Every call is repeated by the one policy of `retries`, and every body's length checked: a store that is busy or cuts
connections off makes reading slower, never shorter. What a store says in its errors stays out of ours, since it may
quote keys and signed URLs.
"""

import fnmatch
import io
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from pipeline.errors import PlanError, StorageError
from pipeline.io.local_files import has_magic
from pipeline.io.retries import ShortBodyError, described, with_retries

RANGE_BYTES: Final = 4 << 20
"""Asked for at once, at least: a request takes as long as some hundred kilobytes do."""

_VERSION_KEYS: Final = ("ETag", "etag", "md5Hash", "generation", "LastModified", "last_modified", "mtime", "created")
"""What stores call the content that an object has now, the surest first."""

Entry = dict[str, Any]  # Any: what a store says of an object
R = TypeVar("R")


class RemoteFile(io.RawIOBase):
    """An object as a stream of bytes that can be read from any place.

    Raises:
        StorageError: it is not there, may not be read, or its store does not answer.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._filesystem, self._inner = _store_of(url)
        entry = self._ask(self._entry)
        if entry.get("size") is None:
            raise StorageError(
                f"input {url!r}: expected a store that tells sizes, since a body that is cut off looks like any other; "
                "found none; copy the file to a folder or an object store"
            )
        self.size_bytes = int(entry["size"])
        self.version = next((f"{key} {entry[key]}" for key in _VERSION_KEYS if entry.get(key)), "")
        """What the store calls its content; empty if it does not tell."""
        self._place = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves to a place; asks for nothing."""
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self.size_bytes}[whence]
        return self._place

    def tell(self) -> int:
        """Where the next read begins."""
        return self._place

    def readinto(self, buffer: Any) -> int:  # Any: whatever is writable memory
        """Fills the buffer, or as much of it as the object has left."""
        wanted = max(0, min(len(buffer), self.size_bytes - self._place))
        if wanted:
            buffer[:wanted] = self._ask(lambda: self._range(self._place, self._place + wanted))
            self._place += wanted
        return wanted

    def readall(self) -> bytes:
        """All that is left; Python's own would ask for 8 KiB at a time."""
        return b"".join(iter(lambda: self.read(RANGE_BYTES) or b"", b""))

    def _entry(self) -> Entry:
        self._filesystem.invalidate_cache()  # a listing may be older than the object
        found: Entry = self._filesystem.info(self._inner)
        return found

    def _range(self, start: int, stop: int) -> bytes:
        body: bytes = self._filesystem.cat_file(self._inner, start=start, end=stop)
        if len(body) > stop - start:
            raise StorageError(
                f"input {self._url!r}: expected bytes {start} to {stop}; found {len(body)} bytes; its server does not "
                "know ranges, so copy the file to a folder or an object store"
            )
        if len(body) < stop - start:
            raise ShortBodyError(f"{len(body)} of {stop - start} bytes")
        return body

    def _ask(self, request: Callable[[], R]) -> R:
        return _asked(self._url, request)


def open_remote(url: str) -> io.BufferedReader:
    """An object opened for reading; `raw` is its RemoteFile."""
    return io.BufferedReader(RemoteFile(url), RANGE_BYTES)


def full_url(pattern: str) -> str:
    """A URL or pattern in its store's own spelling."""
    filesystem, inner = _store_of(pattern)
    return str(filesystem.unstrip_protocol(inner))


def remote_files(pattern: str) -> Iterator[str]:
    """URLs of the objects that a pattern names: `*`, `?`, `[...]` in one name, `**` for any number of folders.

    Folders are listed one by one. fsspec's own glob leaves out what it cannot list, without a word.
    """
    filesystem, inner = _store_of(pattern)
    filesystem.invalidate_cache()
    parts = inner.split("/")
    fixed = next((place for place, part in enumerate(parts) if has_magic(part)), None)
    if fixed is None:
        found: Iterator[str] = iter([inner] if _asked(pattern, lambda: _is_file(filesystem, inner)) else [])
    else:
        lister = _Lister(pattern, filesystem)
        found = lister.files("/".join(parts[:fixed]), parts[fixed:])
    yield from (str(filesystem.unstrip_protocol(path)) for path in found)


class _Lister:
    """Walks the folders of a store."""

    def __init__(self, pattern: str, filesystem: Any) -> None:  # Any: fsspec is untyped
        self._pattern = pattern
        self._filesystem = filesystem

    def files(self, folder: str, parts: Sequence[str]) -> Iterator[str]:
        """Paths of the files below a folder that the parts of a pattern name."""
        part, *rest = parts
        if part == "**":
            for below in self._folders(folder):
                yield from self.files(below, rest or ["*"])
            return
        for name, path, is_folder in self._listed(folder):
            if fnmatch.fnmatchcase(name, part):
                if rest and is_folder:
                    yield from self.files(path, rest)
                elif not rest and not is_folder:
                    yield path

    def _folders(self, folder: str) -> Iterator[str]:
        yield folder
        for _, path, is_folder in self._listed(folder):
            if is_folder:
                yield from self._folders(path)

    def _listed(self, folder: str) -> Iterator[tuple[str, str, bool]]:
        """Name, path and whether it is a folder, of all that lies right in a folder; nothing if it is not there."""
        try:
            entries: list[Entry] = with_retries(
                lambda: list(self._filesystem.ls(folder, detail=True)), f"input {self._pattern!r}: list"
            )
        except (FileNotFoundError, NotADirectoryError):
            return
        except Exception as error:  # noqa: BLE001 -- every client package has errors of its own
            raise _unreadable(self._pattern, error) from None
        for entry in sorted(entries, key=lambda entry: str(entry["name"])):
            path = str(entry["name"]).rstrip("/")
            if path != folder.rstrip("/"):  # stores have objects that stand for folders, and list a file as itself
                yield path.rsplit("/", 1)[-1], path, entry["type"] == "directory"


def check_no_secret(url: str) -> None:
    """Refuses a URL that holds what nobody may see: it would stand in ids, plans, logs and messages.

    Raises:
        PlanError: it has a user or a password, or a query as signed URLs have. The message does not quote it.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc or "=" in parts.query:
        raise PlanError(
            f"a path that begins with {parts.scheme}://: expected no credentials and no query in it; found some; give "
            "credentials by the environment or by the store's own configuration"
        )


def _is_file(filesystem: Any, path: str) -> bool:  # Any: fsspec is untyped, and its own isfile hides every error
    try:
        return bool(filesystem.info(path)["type"] == "file")
    except FileNotFoundError:
        return False


def _asked(url: str, request: Callable[[], R]) -> R:
    """What a request gives, repeated while it may succeed; its failure in our words."""
    try:
        return with_retries(request, f"input {url!r}")
    except Exception as error:  # noqa: BLE001 -- as above
        raise _unreadable(url, error) from None


def _unreadable(url: str, error: Exception) -> StorageError:
    if isinstance(error, StorageError):
        return error
    return StorageError(
        f"input {url!r}: expected an object that can be read; found {described(error)}; check the path, the "
        "credentials and their permissions"
    )


def _store_of(url: str) -> tuple[Any, str]:  # Any: fsspec is untyped
    """The store of a URL, and the path inside it."""
    import fsspec  # noqa: PLC0415 -- slow to import, and local files do without

    check_no_secret(url)
    try:
        filesystem, inner = fsspec.core.url_to_fs(url)
    except (OSError, ImportError, ValueError) as error:
        raise StorageError(
            f"input {url!r}: expected a store that fsspec reaches; found {type(error).__name__}; check the path and "
            "that the store's fsspec package is installed"
        ) from error
    if hasattr(filesystem, "retries"):
        filesystem.retries = 1  # ours would be multiplied
    return filesystem, str(inner)
