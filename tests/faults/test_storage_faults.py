"""Disks that are full, broken, read-only or forbidden: one line says so, nothing is half done, and the next run ends
in the bytes of a build that nothing happened to.
"""

import errno
import json
import os
import random
import resource
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobs import cli
from pipeline.errors import PipelineError, StorageError
from tests.builds import Built, run_build, staged_files, tree_digest
from tests.faults.crashing import fragile
from tests.faults.refusals import SmallDisk, as_ordinary_user, refusing, small_disk

RECIPE = """
name: small
sources: {docs: {paths: ["docs/**/*.jsonl"]}}
steps:
  - {name: documents, read: docs}
layout: {shard_bytes: 16384}
"""

REFUSED = [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES, errno.EMFILE]
CHANGES_TO_REFUSE = 3
"""Drawn for each kind of error; all of them together are some hundred."""


def check_refusal(error: PipelineError, *parts: str) -> None:
    """It is one line, of the project's own tree, and has what it should."""
    assert isinstance(error, StorageError), repr(error)
    assert "\n" not in str(error)
    assert [part for part in ("expected", "found", *parts) if part not in str(error)] == [], str(error)


def check_finished(inputs: Path, output: Path, undisturbed: Built) -> None:
    """The next run finishes the build with the same bytes."""
    run_build(fragile(), inputs, output)
    assert staged_files(output) == []
    assert tree_digest(output) == tree_digest(undisturbed.output)


@pytest.fixture(scope="module")
def changes(small_inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """What a build changes in its output folder, one after the other."""
    with refusing(tmp_path_factory.mktemp("changes") / "out") as refusal:
        assert refusal.folder is not None
        run_build(fragile(), small_inputs, refusal.folder)
    assert {event for event, _ in refusal.seen} >= {"open", "os.link", "os.rename", "os.mkdir", "os.remove"}
    names = {name for _, name in refusal.seen}
    assert {"run.json", "manifest.json", "driver.lock", "00000.json"} <= names
    return refusal.seen


@pytest.mark.parametrize("number", REFUSED, ids=errno.errorcode.get)
def test_a_change_that_the_system_refuses_costs_only_time(
    number: int, changes: list[tuple[str, str]], small_inputs: Path, undisturbed: Built, tmp_path: Path
) -> None:
    """Folders that are there already are asked for again and again; where that is refused, nothing is lost."""
    output = tmp_path / "out"
    places = [place for place, (event, _) in enumerate(changes, 1) if event in ("open", "os.link", "os.rename")]
    for place in random.Random(number).sample(places, CHANGES_TO_REFUSE):
        with refusing(output, place, number) as refusal, pytest.raises(StorageError) as raised:
            run_build(fragile(), small_inputs, output)
        check_refusal(raised.value, errno.errorcode[number], f"/{refusal.seen[place - 1][1]}'")
        check_finished(small_inputs, output, undisturbed)
        shutil.rmtree(output)


def test_folders_that_cannot_be_made_or_removed(
    changes: list[tuple[str, str]], small_inputs: Path, undisturbed: Built, tmp_path: Path
) -> None:
    places = [place for place, (event, _) in enumerate(changes, 1) if event in ("os.mkdir", "os.remove", "os.rmdir")]
    num_refused = 0
    for place in random.Random(0).sample(places, 3 * CHANGES_TO_REFUSE):
        output = tmp_path / f"out-{place}"
        with refusing(output, place):
            try:
                run_build(fragile(), small_inputs, output)
            except StorageError as error:
                check_refusal(error, "ENOSPC")
                num_refused += 1
        check_finished(small_inputs, output, undisturbed)
    assert num_refused


@contextmanager
def files_of_at_most(num_bytes: int) -> Iterator[None]:
    """A limit of the system on the files that this process writes: it holds for Arrow's too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.mark.parametrize("num_bytes", [100, 1000, 2500, 5000])
def test_files_that_may_not_grow(num_bytes: int, small_inputs: Path, undisturbed: Built, tmp_path: Path) -> None:
    output = tmp_path / "out"
    with files_of_at_most(num_bytes), pytest.raises(StorageError) as raised:
        run_build(fragile(), small_inputs, output)
    check_refusal(raised.value, "EFBIG", "ulimit -f")
    check_finished(small_inputs, output, undisturbed)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of 64 MiB; what a build of `fragile` leaves takes less than one."""
    with small_disk(tmp_path / "disk", "size=64m") as mounted:
        yield mounted


@pytest.mark.parametrize("limit", ["size=16k", "size=100k", "size=200k", "nr_inodes=12", "nr_inodes=60"])
def test_a_disk_that_fills_up(limit: str, disk: SmallDisk, small_inputs: Path, undisturbed: Built) -> None:
    disk.remount(limit)
    output = disk.folder / "out"
    with pytest.raises(StorageError) as raised:
        run_build(fragile(), small_inputs, output)
    check_refusal(raised.value, "ENOSPC", "make room", "df -i")
    disk.remount("size=64m,nr_inodes=10000")
    check_finished(small_inputs, output, undisturbed)


def test_a_disk_that_may_only_be_read(
    disk: SmallDisk, changes: list[tuple[str, str]], small_inputs: Path, undisturbed: Built
) -> None:
    output = disk.folder / "out"
    renames = [place for place, (event, _) in enumerate(changes, 1) if event == "os.rename"]
    with refusing(output, renames[len(renames) // 2]), pytest.raises(StorageError):
        run_build(fragile(), small_inputs, output)
    before = tree_digest(output)
    disk.remount("ro")
    with pytest.raises(StorageError) as raised:
        run_build(fragile(), small_inputs, output)
    check_refusal(raised.value, "EROFS", "mount it for writing")
    disk.remount("rw")
    assert tree_digest(output) == before
    check_finished(small_inputs, output, undisturbed)


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS], ids=errno.errorcode.get)
def test_a_file_system_without_hard_links_is_refused(
    number: int, small_inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(source: Path, target: Path) -> None:
        raise OSError(number, os.strerror(number), str(source), None, str(target))

    monkeypatch.setattr(os, "link", refused)
    with pytest.raises(StorageError) as raised:
        run_build(fragile(), small_inputs, tmp_path / "out")
    check_refusal(raised.value, "hard links", errno.errorcode[number], "choose a folder")
    assert not (tmp_path / "out/steps").exists(), "before any work"


def test_a_file_system_that_links_over_files_is_refused(
    small_inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", shutil.copyfile)
    with pytest.raises(StorageError, match="replaces a file that is there"):
        run_build(fragile(), small_inputs, tmp_path / "out")


def test_a_clock_that_is_set_back_changes_nothing(
    small_inputs: Path, undisturbed: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    hours = iter(range(1_000_000))
    monkeypatch.setattr(time, "time", lambda: now - 3600 * next(hours))
    run_build(fragile(), small_inputs, tmp_path / "out")
    assert tree_digest(tmp_path / "out") == tree_digest(undisturbed.output)


class Command:
    """`corpusmill run` on a recipe over `inputs`, as an ordinary user starts it."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], recipe: str = RECIPE
    ) -> None:
        self.inputs = folder / "docs"
        self.output = folder / "out"
        self._recipe = folder / "recipe.yaml"
        self._recipe.write_text(recipe)
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def run(self) -> tuple[int, str]:
        """Exit code, and what it said on stderr beside its progress."""
        arguments = ["run", str(self._recipe), "--output", str(self.output), "--runner", "local", "--json"]
        self._monkeypatch.setattr(sys, "argv", ["corpusmill", *arguments])
        with as_ordinary_user(), pytest.raises(SystemExit) as ended:
            cli.main()
        said = self._capsys.readouterr().err
        assert "Traceback" not in said
        assert isinstance(ended.value.code, int)
        return ended.value.code, "\n".join(line for line in said.splitlines() if not line.startswith("["))

    def fails_with(self, *parts: str) -> None:
        """Code 1, one line with these parts in it, and perhaps lines that say where it stood."""
        code, said = self.run()
        first, *notes = said.splitlines()
        assert code == 1
        assert first.startswith("corpusmill: "), said
        assert all(note.startswith("  in ") for note in notes), said
        assert [part for part in ("expected", "found", *parts) if part not in first] == [], first

    def succeeds(self) -> dict[str, str]:
        """Code 0; the digests of what was left."""
        code, said = self.run()
        assert code == 0, said
        return tree_digest(self.output)


@pytest.fixture
def command(
    small_inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    made = Command(tmp_path, monkeypatch, capsys)
    shutil.copytree(small_inputs / "docs", made.inputs / "deep")
    yield made
    for path in [tmp_path, *tmp_path.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.parametrize("forbidden", ["docs/deep/3.jsonl", "docs/deep", "docs"])
def test_an_input_that_may_not_be_read(forbidden: str, command: Command, tmp_path: Path) -> None:
    """An unreadable folder must not look like an empty one."""
    path = tmp_path / forbidden
    path.chmod(0)
    command.fails_with(str(path), "Permission denied")
    assert not command.output.exists()
    path.chmod(0o755)
    command.succeeds()


@pytest.mark.parametrize("forbidden", ["", "out", "out/steps", "out/logs"])
def test_an_output_that_may_not_be_written(forbidden: str, command: Command, tmp_path: Path) -> None:
    expected = command.succeeds() if forbidden else {}
    shutil.rmtree(command.output / "steps", ignore_errors=True)
    path = tmp_path / forbidden
    path.mkdir(exist_ok=True)
    path.chmod(0o555)
    command.fails_with("EACCES", "give this user the permission")
    path.chmod(0o755)
    assert command.succeeds() == expected or not forbidden


def test_an_output_where_a_file_stands(command: Command) -> None:
    command.output.write_text("mine")
    command.fails_with(str(command.output), "EEXIST", "move away the file")
    assert command.output.read_text() == "mine"


def test_a_failure_is_told_even_if_the_log_cannot_be_written(command: Command) -> None:
    command.succeeds()
    log = (command.output / "logs/run.json").read_bytes()
    shutil.rmtree(command.output / "steps")
    with refusing(command.output, 2):
        command.fails_with("ENOSPC")
    json.loads((command.output / "logs/run.json").read_bytes())
    assert log
