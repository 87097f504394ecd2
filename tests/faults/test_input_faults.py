"""Inputs that fail, change or vanish: found out and told, or waited for; never taken for the end of the data."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.errors import StorageError
from pipeline.execution.build import build
from pipeline.execution.local import LocalRunner
from pipeline.execution.prepare import prepare
from pipeline.execution.work import Execution
from pipeline.io import retries, storage
from pipeline.io.storage import DIGEST_WINDOW_BYTES
from pipeline.plan.logical import Recipe
from tests.builds import Built, run_build, tree_digest
from tests.corpus import write_files
from tests.faults.crashing import fragile
from tests.flaky_store import SECRET, Behaviour, FlakyFileSystem, flaky_store
from tests.small import lines, over_sources, small_files


def remote(recipe: Recipe) -> Recipe:
    """The recipe with its source in the store."""
    source = recipe.sources["docs"].model_copy(update={"paths": ("flaky://in/docs/*",), "root": "flaky://in"})
    return recipe.model_copy(update={"sources": {"docs": source}})


def rooted(recipe: Recipe) -> Recipe:
    """The recipe with its source in a folder, with the same relative paths."""
    source = recipe.sources["docs"].model_copy(update={"root": "."})
    return recipe.model_copy(update={"sources": {"docs": source}})


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[FlakyFileSystem]]:
    monkeypatch.setattr(retries.time, "sleep", lambda _: None)
    with flaky_store({f"in/{name}": content for name, content in small_files().items()}) as opened:
        yield opened


@pytest.mark.parametrize("recipe", [fragile, over_sources])
def test_a_store_that_fails_now_and_then_changes_no_byte(
    recipe: Callable[[], Recipe], store: type[FlakyFileSystem], small_inputs: Path, tmp_path: Path
) -> None:
    local = run_build(rooted(recipe()), small_inputs, tmp_path / "local")
    store.behaviour = Behaviour(failing=0.3, seed=7)
    flaky = run_build(remote(recipe()), tmp_path, tmp_path / "flaky")
    assert store.behaviour.num_failures > 10
    assert tree_digest(flaky.output) == tree_digest(local.output)


@pytest.mark.parametrize("request_", ["info", "cat_file"])
def test_a_store_that_stops_answering_ends_the_run_and_the_next_one_goes_on(
    request_: str, store: type[FlakyFileSystem], small_inputs: Path, tmp_path: Path
) -> None:
    local = run_build(rooted(fragile()), small_inputs, tmp_path / "local")
    prepared = prepare(remote(fragile()), tmp_path)
    store.behaviour = Behaviour(always={f"{request_} /in/docs/4.jsonl": TimeoutError(SECRET)})
    with pytest.raises(StorageError, match=r"flaky://in/docs/4\.jsonl.*8 attempts failed.*TimeoutError") as raised:
        build(prepared, tmp_path / "out", LocalRunner(), Execution(), lambda _: None)
    assert SECRET not in str(raised.value)
    assert "\n" not in str(raised.value)
    store.behaviour = Behaviour()
    resumed = run_build(remote(fragile()), tmp_path, tmp_path / "out")
    assert resumed.num_units < local.num_units
    assert tree_digest(resumed.output) == tree_digest(local.output)


def test_an_object_that_is_listed_and_gone_is_an_error(store: type[FlakyFileSystem], tmp_path: Path) -> None:
    store.behaviour = Behaviour(always={"info /in/docs/4.jsonl": FileNotFoundError(SECRET)})
    with pytest.raises(StorageError, match=r"docs/4\.jsonl': expected an object that can be read; found FileNotFound"):
        prepare(remote(fragile()), tmp_path)


def building(recipe: Recipe, inputs: Path, output: Path, change: Callable[[], object]) -> Built:
    """A build whose inputs change after it was planned."""
    prepared = prepare(recipe, inputs)
    change()
    return Built(output, build(prepared, output, LocalRunner(), Execution(), lambda _: None), [])


def test_an_object_that_is_replaced_after_planning_is_found_out(store: type[FlakyFileSystem], tmp_path: Path) -> None:
    content = small_files()["docs/4.jsonl"].replace(b"lamp", b"LAMP")
    with pytest.raises(StorageError, match="the file changed after the run was planned, so run again"):
        building(remote(fragile()), tmp_path, tmp_path / "out", lambda: store().pipe_file("/in/docs/4.jsonl", content))


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    return write_files(tmp_path / "in", small_files())


CHANGES: dict[str, Callable[[Path], object]] = {
    "other bytes, same size": lambda path: path.write_bytes(path.read_bytes().replace(b"lamp", b"LAMP")),
    "longer": lambda path: path.write_bytes(path.read_bytes() * 2),
    "cut off": lambda path: os.truncate(path, 1000),
    "emptied": lambda path: os.truncate(path, 0),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_after_planning_is_found_out(change: str, inputs: Path, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"docs/4\.jsonl': expected .*; found ") as raised:
        building(fragile(), inputs, tmp_path / "out", lambda: CHANGES[change](inputs / "docs/4.jsonl"))
    assert "\n" not in str(raised.value)
    manifests = list((tmp_path / "out/steps").rglob("manifest.json"))
    assert manifests == []


def test_a_change_that_keeps_the_time_is_found_out_all_the_same(inputs: Path, tmp_path: Path) -> None:
    path = inputs / "docs/4.jsonl"

    def change() -> None:
        before = path.stat()
        path.write_bytes(path.read_bytes().replace(b"lamp", b"LAMP"))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    with pytest.raises(StorageError, match=r"docs/4\.jsonl': expected digest"):
        building(fragile(), inputs, tmp_path / "out", change)


def test_a_file_that_is_touched_or_moved_is_still_the_same(inputs: Path, tmp_path: Path, undisturbed: Built) -> None:
    def change() -> None:
        (inputs / "docs/3.jsonl").touch()
        copied = inputs / "copy"
        copied.write_bytes((inputs / "docs/4.jsonl").read_bytes())
        copied.replace(inputs / "docs/4.jsonl")

    built = building(fragile(), inputs, tmp_path / "out", change)
    assert tree_digest(built.output) == tree_digest(undisturbed.output)


@pytest.mark.parametrize("is_touched", [True, False])
def test_a_large_file_that_was_written_to_is_refused_even_if_its_samples_stayed(
    is_touched: bool, inputs: Path, tmp_path: Path
) -> None:
    path = inputs / "docs/4.jsonl"
    filler = b" " * (2 * DIGEST_WINDOW_BYTES)
    path.write_bytes(lines([1]) + filler + lines([2]) + filler)

    def change() -> None:
        before = path.stat()
        with path.open("r+b") as stream:
            stream.seek(DIGEST_WINDOW_BYTES + 5000)  # between the first and the middle sample
            stream.write(b"\n")
        if not is_touched:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))

    with pytest.raises(StorageError, match="expected version"):
        building(fragile(), inputs, tmp_path / "out", change)


def test_a_file_that_changes_while_it_is_read_is_found_out(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = inputs / "docs/4.jsonl"
    opened = storage.open_planned

    def open_and_change(file: storage.InputFile) -> object:
        stream = opened(file)
        if file.path == str(path):
            time.sleep(0.01)  # the clock of file systems is coarse
            with path.open("r+b") as other:
                other.truncate(1000)
        return stream

    monkeypatch.setattr("pipeline.io.compression.open_planned", open_and_change)
    with pytest.raises(StorageError, match=r"docs/4\.jsonl': expected \d+ bytes; found 1000; the file changed"):
        run_build(fragile(), inputs, tmp_path / "out")
