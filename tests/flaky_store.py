"""A store that fails as stores do, by a seed: `flaky://` in fsspec, over memory, for tests of remote input."""

import errno
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import fsspec
from fsspec.implementations.memory import MemoryFileSystem

SECRET: Final = "canary-Zx81-secret"
"""Stands in what the store's errors say; it must never be told."""
KINDS: Final[tuple[Callable[[], Exception], ...]] = (
    lambda: TimeoutError(SECRET),
    lambda: ConnectionResetError(errno.ECONNRESET, SECRET),
    lambda: OSError(errno.EIO, SECRET),
)
"""Besides them, bodies are cut off."""


@dataclass
class Behaviour:
    """What the store does to requests."""

    failing: float = 0.0
    """Share of requests that fail."""
    seed: int = 0
    always: dict[str, Exception] = field(default_factory=dict)
    """`request path` -> what it ends in, each time; requests are ls, info and cat_file."""
    cut_bytes: int = 0
    """Missing of every body."""
    has_ranges: bool = True
    has_sizes: bool = True
    num_requests: int = 0
    num_failures: int = 0
    draw: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)

    def meet(self, request: str, path: str) -> bool:
        """Fails the request, or says whether its body is to be cut off."""
        self.num_requests += 1
        lasting = self.always.get(f"{request} {path}")
        if lasting is not None:
            raise lasting
        if self.draw.random() >= self.failing:
            return False
        self.num_failures += 1
        kind = self.draw.randrange(len(KINDS) + 1)
        if kind < len(KINDS):
            error = KINDS[kind]()
            raise error
        return True


class FlakyFileSystem(MemoryFileSystem):  # type: ignore[misc] # fsspec is untyped
    """Memory behind requests that fail. Objects have an ETag, which is their content's and not their time's."""

    protocol = "flaky"
    store: ClassVar[dict[str, Any]] = {}  # Any: fsspec's own
    pseudo_dirs: ClassVar[list[str]] = [""]
    behaviour: ClassVar[Behaviour] = Behaviour()

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.replace("flaky://", "memory://", 1)))

    def unstrip_protocol(self, name: str) -> str:
        return f"flaky://{name.lstrip('/')}"

    def ls(self, path: str, detail: bool = True, **options: Any) -> Any:  # Any: as fsspec's
        self.behaviour.meet("ls", self._strip_protocol(path))
        return super().ls(path, detail=detail, **options)

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        self.behaviour.meet("info", self._strip_protocol(path))
        found = super().info(path, **options)
        if found["type"] == "file":
            found = {"name": found["name"], "type": "file", "size": found["size"], "ETag": self._etag(path)}
            if not self.behaviour.has_sizes:
                found["size"] = None
        return found

    def _etag(self, path: str) -> str:
        return str(hash(self.store[self._strip_protocol(path)].getvalue()))

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        is_cut = self.behaviour.meet("cat_file", self._strip_protocol(path))
        if not self.behaviour.has_ranges:
            start = end = None
        body: bytes = super().cat_file(path, start=start, end=end, **options)
        if is_cut:
            return body[: len(body) // 2]
        return body[: len(body) - self.behaviour.cut_bytes]


@contextmanager
def flaky_store(files: dict[str, bytes]) -> Iterator[type[FlakyFileSystem]]:
    """The store with these objects; set its `behaviour`."""
    fsspec.register_implementation("flaky", FlakyFileSystem, clobber=True)
    filesystem = FlakyFileSystem()
    for path, content in files.items():
        filesystem.pipe_file(f"/{path}", content)
    FlakyFileSystem.behaviour = Behaviour()
    try:
        yield FlakyFileSystem
    finally:
        FlakyFileSystem.behaviour = Behaviour()
        FlakyFileSystem.store.clear()
        FlakyFileSystem.pseudo_dirs[:] = [""]
