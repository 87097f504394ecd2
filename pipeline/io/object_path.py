"""Places in an object store, and every request that is made to it; the only module that knows s3fs.

An `ObjectPath` reads like a `Path`, as far as artifacts are read. All requests go through `with_retries`; no listing is
cached; what a store says in its errors stays out of ours, since it may quote keys and signed URLs.
"""

import errno
import fnmatch
import io
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import xxhash

from pipeline.errors import PlanError, StorageError
from pipeline.io.remote_files import check_no_secret
from pipeline.io.retries import ShortBodyError, code_of, described, status_of, with_retries

SCHEME: Final = "s3"
PART_BYTES: Final = 8 << 20
"""Bytes that go over the network in one request; what an upload or a download holds in memory."""
TAIL_BYTES: Final = 1 << 16
"""Of a file whose end is an index, so much is fetched at once: it nearly always holds the whole index."""
MAX_PARTS: Final = 10_000
"""Of one upload, as S3 allows. Files that need more are sent in larger ones."""
DELETE_KEYS: Final = 1000
"""Keys in one request to delete, as S3 allows."""
TIMEOUT_VARIABLE: Final = "CORPUSMILL_STORE_TIMEOUT_SECONDS"
_TIMEOUT_SECONDS: Final = 60.0
_WILD: Final = frozenset("*?[")

R = TypeVar("R")


@dataclass(frozen=True, slots=True, order=True)
class ObjectPath:
    """An object, or all that lies below a prefix: `s3://bucket/prefix/name`."""

    bucket: str
    key: str

    @classmethod
    def of(cls, url: str) -> "ObjectPath":
        """The place that a URL names.

        Raises:
            PlanError: the store is none that commits can be made in, or the URL holds credentials or no bucket.
        """
        check_no_secret(url)
        parts = urlsplit(url)
        if parts.query or parts.fragment:
            raise PlanError("output: expected s3://BUCKET/PREFIX; found a query or a fragment in it; leave it out")
        if parts.scheme != SCHEME:
            raise PlanError(
                f"output {url!r}: expected a folder, or {SCHEME}://BUCKET/PREFIX; commits rest on creating an object "
                f"only if it is absent, which is built and tested for {SCHEME} alone; found {parts.scheme}"
            )
        names = [name for name in parts.path.split("/") if name]
        if not parts.netloc or not names or not {".", ".."}.isdisjoint(names):
            raise PlanError(f"output {url!r}: expected s3://BUCKET/PREFIX with a prefix, and no `.` or `..` in it")
        return cls(parts.netloc, "/".join(names))

    def __str__(self) -> str:
        return f"{SCHEME}://{self.bucket}/{self.key}"

    def __truediv__(self, name: str) -> "ObjectPath":
        return ObjectPath(self.bucket, f"{self.key}/{name}")

    @property
    def name(self) -> str:
        """The last component."""
        return self.key.rsplit("/", 1)[-1]

    @property
    def suffix(self) -> str:
        """The name's ending, with its dot."""
        return PurePosixPath(self.key).suffix

    @property
    def parent(self) -> "ObjectPath":
        """The prefix above."""
        return ObjectPath(self.bucket, self.key.rpartition("/")[0])

    def absolute(self) -> "ObjectPath":
        """Itself."""
        return self

    def num_bytes(self) -> int:
        """The object's size; FileNotFoundError if it is not there."""
        found = self._send("look at", "head_object", Key=self.key)
        return int(found["ContentLength"])

    def is_file(self) -> bool:
        """Whether there is such an object."""
        try:
            self.num_bytes()
        except FileNotFoundError:
            return False
        return True

    exists = is_file

    def read_bytes(self) -> bytes:
        """All of a small object; FileNotFoundError if it is not there."""
        body: bytes = self._ask("read", lambda: _filesystem().cat_file(self._path, max_concurrency=1))
        return body

    def read_text(self) -> str:
        """As `read_bytes`, decoded."""
        return self.read_bytes().decode()

    def read_range(self, start: int, stop: int) -> bytes:
        """Bytes `start` to `stop`, all of them."""

        def read() -> bytes:
            body: bytes = _filesystem().cat_file(self._path, start=start, end=stop)
            if len(body) != stop - start:
                raise ShortBodyError(f"{len(body)} of {stop - start} bytes")
            return body

        return self._ask("read", read) if stop > start else b""

    def download(self, target: Path) -> str:
        """Copies the object into a local file; returns the xxh3-64 of its bytes, in hex."""
        hasher = xxhash.xxh3_64()
        size = self.num_bytes()
        with target.open("wb") as stream:
            for start in range(0, size, PART_BYTES):
                part = self.read_range(start, min(size, start + PART_BYTES))
                hasher.update(part)
                stream.write(part)
        return hasher.hexdigest()

    def write_bytes(self, data: bytes) -> None:
        """Puts a small object, in place of what has this name."""
        self._send("write", "put_object", Key=self.key, Body=data)

    def create(self, data: bytes) -> bool:
        """Puts a small object unless there is one of this name; whether it was this call, or one that it repeats.

        A request whose answer got lost may have created the object: then the repeated one says that it exists. So who
        is told False compares what is there with what it wanted.
        """

        def put() -> bool:
            try:
                self._call("put_object", Key=self.key, Body=data, IfNoneMatch="*")
            except OSError as error:
                if status_of(error) == HTTPStatus.PRECONDITION_FAILED:
                    return False
                raise
            return True

        return self._ask("create", put)

    def upload(self, source: Path) -> None:
        """Puts a local file, in place of what has this name. The object is there whole, or not at all."""
        size = source.stat().st_size
        with source.open("rb") as stream:
            if size <= PART_BYTES:
                self.write_bytes(stream.read())
            else:
                part_bytes = PART_BYTES * (1 + size // (PART_BYTES * MAX_PARTS))
                self._upload_parts(iter(lambda: stream.read(part_bytes), b""), size)

    def copy_to(self, target: "ObjectPath") -> None:
        """Copies within the store."""
        self._ask("copy", lambda: _filesystem().cp_file(self._path, f"{target.bucket}/{target.key}"))

    def unlink(self) -> None:
        """Removes the object, if it is there."""
        self._send("remove", "delete_object", Key=self.key)

    def glob(self, pattern: str) -> Iterator["ObjectPath"]:
        """Objects and prefixes below this one that match, as listed: a hint, never the truth about what is there."""
        first, _, rest = pattern.partition("/")
        if _WILD.isdisjoint(first):
            found: Iterable[ObjectPath] = (self / first,)
            if not rest:
                found = (one for one in found if one.is_file())
        else:
            found = (one for one in self._listed("/") if fnmatch.fnmatchcase(one.name, first))
        for one in found:
            if rest:
                yield from one.glob(rest)
            else:
                yield one

    def iterdir(self) -> Iterator["ObjectPath"]:
        """Objects and prefixes right below this one, as listed."""
        return self._listed("/")

    def files_below(self) -> Iterator["ObjectPath"]:
        """All objects below this prefix, as listed."""
        return self._listed("")

    def remove_below(self, files: Iterable["ObjectPath"]) -> None:
        """Removes objects of this bucket, many in one request."""
        keys = [{"Key": file.key} for file in files]
        for start in range(0, len(keys), DELETE_KEYS):
            some = keys[start : start + DELETE_KEYS]
            answer = self._send("remove", "delete_objects", Delete={"Objects": some, "Quiet": True})
            for failed in answer.get("Errors", ()):
                raise StorageError(
                    f"object {str(ObjectPath(self.bucket, failed['Key']))!r}: expected to remove it; found "
                    f"{failed.get('Code', 'an error')}; check the permissions"
                )

    def abort_uploads(self) -> None:
        """Ends uploads in parts that lost workers left below this prefix: they cost room, and nobody sees them."""
        uploads: list[tuple[str, str]] = []
        at: dict[str, str] = {}
        while True:
            page = self._send("list uploads below", "list_multipart_uploads", Prefix=f"{self.key}/", **at)
            uploads += [(upload["Key"], upload["UploadId"]) for upload in page.get("Uploads", ())]
            if not page.get("IsTruncated"):
                break
            at = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
        for key, upload in uploads:
            ObjectPath(self.bucket, key).abort(upload)

    def _listed(self, delimiter: str) -> Iterator["ObjectPath"]:
        token: dict[str, str] = {}
        while True:
            page = self._send("list", "list_objects_v2", Prefix=f"{self.key}/", Delimiter=delimiter, **token)
            keys = [entry["Key"] for entry in page.get("Contents", ())]
            keys += [entry["Prefix"].rstrip("/") for entry in page.get("CommonPrefixes", ())]
            yield from (ObjectPath(self.bucket, key) for key in sorted(keys) if not key.endswith("/"))
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def _upload_parts(self, parts: Iterator[bytes], size: int) -> None:
        upload = self._send("write", "create_multipart_upload", Key=self.key)["UploadId"]
        place = {"Key": self.key, "UploadId": upload}
        try:
            sent = []
            for number, part in enumerate(parts, start=1):
                answer = self._send("write", "upload_part", PartNumber=number, Body=part, **place)
                sent.append({"PartNumber": number, "ETag": answer["ETag"]})
            try:
                self._send("write", "complete_multipart_upload", MultipartUpload={"Parts": sent}, **place)
            except FileNotFoundError:
                # No such upload: it was completed, and the answer got lost. Or somebody aborted it.
                if self.num_bytes() != size:
                    raise
        except BaseException:
            self.abort(upload)
            raise

    def abort(self, upload: str) -> None:
        """Ends an upload in parts, if it is still open."""
        with suppress(FileNotFoundError):  # somebody else ended it, or it was completed and the answer got lost
            self._send("end an upload of", "abort_multipart_upload", Key=self.key, UploadId=upload)

    @property
    def _path(self) -> str:
        return f"{self.bucket}/{self.key}"

    def _call(self, method: str, **options: Any) -> Any:  # Any: botocore's answers
        return _filesystem().call_s3(method, Bucket=self.bucket, **options)

    def _send(self, verb: str, method: str, **options: Any) -> Any:  # Any: botocore's options and answers
        return self._ask(verb, lambda: self._call(method, **options))

    def _ask(self, verb: str, request: Callable[[], R]) -> R:
        """One request, repeated while it may succeed; its failure in our words."""
        try:
            return with_retries(request, f"object {str(self)!r}: {verb}")
        except FileNotFoundError as error:
            if code_of(error) == "NoSuchBucket":
                raise StorageError(
                    f"object {str(self)!r}: expected a bucket {self.bucket!r}; there is none; "
                    "make it, or correct the URL"
                ) from None
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self)) from None
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001 -- clients of stores have error trees of their own
            raise StorageError(
                f"object {str(self)!r}: expected to {verb} it; found {described(error)}; check the bucket, the "
                "credentials and their permissions"
            ) from None


class ObjectFile(io.RawIOBase):
    """An object as a file to read at random places. Its end, where Parquet and Arrow have an index, is fetched once."""

    def __init__(self, place: ObjectPath) -> None:
        self._place = place
        self._size = place.num_bytes()
        self._tail_start = max(0, self._size - TAIL_BYTES)
        self._tail: bytes | None = None
        self._at = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves to a place."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """As many bytes as asked for, or all that are left."""
        left = max(0, self._size - self._at)
        stop = self._at + (left if size is None or size < 0 else min(size, left))
        start, self._at = self._at, stop
        if start >= self._tail_start and stop > start:
            if self._tail is None:
                self._tail = self._place.read_range(self._tail_start, self._size)
            return self._tail[start - self._tail_start : stop - self._tail_start]
        return self._place.read_range(start, stop)


def _filesystem() -> Any:  # Any: fsspec is untyped
    """The client of this process; fsspec keeps it, and makes another one behind a fork."""
    try:
        import s3fs  # noqa: PLC0415 -- slow to import, and local runs do without
    except ImportError:
        raise StorageError(
            "s3://: expected the package s3fs; it is not installed; run pip install 'corpusmill[s3]'"
        ) from None
    seconds = float(os.environ.get(TIMEOUT_VARIABLE, _TIMEOUT_SECONDS))
    once = {"connect_timeout": seconds, "read_timeout": seconds, "retries": {"total_max_attempts": 1}}
    # botocore reads this variable, too; clients are kept by their arguments.
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    filesystem = s3fs.S3FileSystem(endpoint_url=endpoint, use_listings_cache=False, config_kwargs=once)
    filesystem.retries = 1
    return filesystem
