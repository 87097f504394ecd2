import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import xxhash

from pipeline.errors import StorageError
from pipeline.io import scratch
from pipeline.io.object_path import ObjectPath
from pipeline.io.scratch import fresh_file, local_copies, local_copy, outliving_file, remove_abandoned


def named(content: bytes) -> str:
    return f"s3://bucket/run/data/00003-{xxhash.xxh3_64_hexdigest(content)}.parquet"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where scratch folders of this test lie."""
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(tmp_path))
    scratch._scratch_of.cache_clear()
    yield tmp_path / f"corpusmill-{os.getuid()}"
    scratch._scratch_of.cache_clear()


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every download, of objects that hold what their URL ends in when it is asked for the first time."""
    done: list[str] = []

    def download(self: ObjectPath, target: Path) -> str:
        done.append(str(self))
        target.write_bytes(CONTENTS[str(self)])
        return xxhash.xxh3_64_hexdigest(CONTENTS[str(self)])

    monkeypatch.setattr(ObjectPath, "download", download)
    return done


CONTENTS: dict[str, bytes] = {named(text): text for text in (b"first", b"second", b"third")}
FIRST, SECOND, THIRD = CONTENTS


def test_files_of_folders_stay_where_they_are() -> None:
    assert local_copy("/some/file.parquet") == "/some/file.parquet"
    assert local_copies(["/a", "b"]) == ["/a", "b"]


def test_objects_are_copied_once_under_names_with_their_ending(downloads: list[str]) -> None:
    copy = Path(local_copy(FIRST))
    assert copy.read_bytes() == b"first"
    assert copy.suffix == ".parquet"
    assert local_copy(FIRST) == str(copy)
    assert downloads == [FIRST]


def test_copies_that_nobody_asked_for_lately_go(downloads: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "CACHE_BYTES", 11)
    first, second = Path(local_copy(FIRST)), Path(local_copy(SECOND))
    assert first.exists()
    with second.open("rb") as held:
        local_copy(FIRST)
        local_copy(THIRD)
        assert not second.exists()
        assert held.read() == b"second"
    assert first.exists()
    assert downloads == [FIRST, SECOND, THIRD]


def test_files_that_are_read_together_stay_however_large(downloads: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "CACHE_BYTES", 1)
    assert [Path(copy).read_bytes() for copy in local_copies([FIRST, SECOND])] == [b"first", b"second"]
    assert downloads == [FIRST, SECOND]


def test_an_object_with_another_content_than_its_name_says_is_asked_for_again(
    downloads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONTENTS, FIRST, b"damaged")
    with pytest.raises(StorageError, match="expected the content that its name says; found"):
        local_copy(FIRST)
    assert downloads == [FIRST, FIRST]
    assert list(fresh_file().parent.with_name("copies").iterdir()) == []


def test_folders_of_dead_processes_go_and_those_of_living_ones_stay(folder: Path) -> None:
    ours = fresh_file().parent.parent
    (folder / "p-dead").mkdir()
    (folder / "p-dead" / "lock").touch()
    remove_abandoned(folder)
    assert [path.name for path in folder.glob("p-*")] == [ours.name]
    assert ours.stat().st_mode & 0o077 == 0


def test_files_that_outlive_processes_are_found_by_the_place_that_they_stand_for(folder: Path) -> None:
    mark = outliving_file(ObjectPath("bucket", "run/segment-0/at-work"))
    mark.touch()
    remove_abandoned(folder)
    assert mark.exists()
    assert mark == outliving_file(ObjectPath("bucket", "run/segment-0/at-work"))
    assert mark != outliving_file(ObjectPath("bucket", "run/segment-1/at-work"))


def test_a_killed_process_leaves_what_the_next_one_removes(folder: Path) -> None:
    code = "import os; from pipeline.io.scratch import fresh_file; fresh_file().touch(); os.kill(os.getpid(), 9)"
    environment = {**os.environ, "TMPDIR": str(folder.parent)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    left = list(folder.glob("p-*"))
    assert len(left) == 1
    assert fresh_file().parent.is_dir()
    assert not left[0].exists()
