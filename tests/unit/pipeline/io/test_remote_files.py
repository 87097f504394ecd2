import errno
from collections.abc import Iterator

import pytest

from pipeline.errors import PlanError, StorageError
from pipeline.io import retries
from pipeline.io.remote_files import RANGE_BYTES, open_remote, remote_files
from tests.flaky_store import SECRET, Behaviour, FlakyFileSystem, flaky_store

CONTENT = bytes(range(256)) * 40_000  # some ranges


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[FlakyFileSystem]]:
    monkeypatch.setattr(retries.time, "sleep", lambda _: None)
    names = ["in/a.jsonl", "in/b/1.jsonl", "in/b/2.jsonl.gz", "in/b/c/1.jsonl", "in/.d/1.jsonl", "other/a.jsonl"]
    with flaky_store(dict.fromkeys(names, CONTENT)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("in/*", ["in/a.jsonl"]),
        ("in/*/1.jsonl", ["in/.d/1.jsonl", "in/b/1.jsonl"]),
        ("in/b/[12]*", ["in/b/1.jsonl", "in/b/2.jsonl.gz"]),
        ("in/**/?.jsonl", ["in/.d/1.jsonl", "in/a.jsonl", "in/b/1.jsonl", "in/b/c/1.jsonl"]),
        ("in/b/**", ["in/b/1.jsonl", "in/b/2.jsonl.gz", "in/b/c/1.jsonl"]),
        ("*/a.jsonl", ["in/a.jsonl", "other/a.jsonl"]),
        ("in/a.jsonl", ["in/a.jsonl"]),
        ("in/none.jsonl", []),
        ("in/b", []),
        ("none/*", []),
    ],
)
@pytest.mark.parametrize("failing", [0.0, 0.4])
def test_it_finds_what_is_there_however_often_the_store_fails(
    pattern: str, expected: list[str], failing: float, store: type[FlakyFileSystem]
) -> None:
    store.behaviour = Behaviour(failing, seed=len(pattern))
    assert sorted(remote_files(f"flaky://{pattern}")) == [f"flaky://{name}" for name in expected]


@pytest.mark.parametrize("error", [PermissionError(errno.EACCES, SECRET), ConnectionResetError(SECRET)])
def test_a_folder_that_cannot_be_listed_is_no_empty_one(error: Exception, store: type[FlakyFileSystem]) -> None:
    store.behaviour = Behaviour(always={"ls /in/b": error})
    with pytest.raises(
        StorageError, match=r"^input 'flaky://in/\*\*/\*'.*: .*(PermissionError|ConnectionReset)"
    ) as raised:
        list(remote_files("flaky://in/**/*"))
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("seed", range(5))
def test_every_byte_comes_however_often_the_store_fails(seed: int, store: type[FlakyFileSystem]) -> None:
    store.behaviour = Behaviour(0.3, seed=seed)
    with open_remote("flaky://in/a.jsonl") as stream:
        assert stream.read(10) == CONTENT[:10]
        stream.seek(2 * RANGE_BYTES - 5)
        assert stream.read(10) == CONTENT[2 * RANGE_BYTES - 5 :][:10]
        stream.seek(-3, 2)
        assert stream.read() == CONTENT[-3:]
        assert stream.read() == b""
        stream.seek(0)
        assert stream.read() == CONTENT
    assert store.behaviour.num_failures


def test_a_body_that_is_always_cut_off_is_an_error_and_no_end(store: type[FlakyFileSystem]) -> None:
    store.behaviour = Behaviour(cut_bytes=1)
    with (
        open_remote("flaky://in/a.jsonl") as stream,
        pytest.raises(StorageError, match=r"8 attempts failed.*ShortBody"),
    ):
        stream.read(100)


def test_a_server_that_does_not_know_ranges_is_refused(store: type[FlakyFileSystem]) -> None:
    store.behaviour = Behaviour(has_ranges=False)
    with open_remote("flaky://in/a.jsonl") as stream, pytest.raises(StorageError, match="does not know ranges"):
        stream.read(100)


def test_a_store_that_tells_no_sizes_is_refused(store: type[FlakyFileSystem]) -> None:
    store.behaviour = Behaviour(has_sizes=False)
    with pytest.raises(StorageError, match="expected a store that tells sizes"):
        open_remote("flaky://in/a.jsonl")


@pytest.mark.parametrize("path", ["flaky://in/none.jsonl", "no-such-store://x/y"])
def test_what_is_not_there_is_named(path: str, store: type[FlakyFileSystem]) -> None:
    del store
    with pytest.raises(StorageError, match=f"^input '{path}': expected .*; found ") as raised:
        open_remote(path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("url", [f"flaky://me:{SECRET}@in/a.jsonl", f"https://host/a.jsonl?X-Amz-Signature={SECRET}"])
def test_a_url_with_a_secret_in_it_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(PlanError, match="expected no credentials and no query") as raised:
        list(remote_files(url))
    assert SECRET not in str(raised.value)
