"""Artifacts that were damaged after they were committed: found out before anything is made of them."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.artifact import FileRecord, load_manifest
from pipeline.errors import StorageError
from pipeline.recorded_run import load_run
from tests.builds import Built, run_build, tree_digest
from tests.faults.crashing import fragile

LATER = ("ranks", "copies", "kept", "lengths", "count", "files")
"""Steps that are made again from what `documents` and `keys` left."""


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    place = random.Random(len(content)).randrange(len(content))
    content[place] ^= 4
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "flipped": flipped,
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "empty": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
}


@pytest.fixture
def output(undisturbed: Built, tmp_path: Path) -> Path:
    """A finished build whose later steps were removed."""
    copied = Path(shutil.copytree(undisturbed.output, tmp_path / "out"))
    for name in LATER:
        (folder,) = (copied / "steps").glob(f"{name}-*")
        shutil.rmtree(folder)
    return copied


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("place", ["documents-*/data/00001-*", "keys-*/data/00000-*"])
def test_a_damaged_file_is_never_read_as_if_it_were_sound(
    damage: str, place: str, output: Path, small_inputs: Path, undisturbed: Built
) -> None:
    (path,) = (output / "steps").glob(place)
    DAMAGES[damage](path)
    with pytest.raises(StorageError, match=r"shard file '.*': expected .* remove the folder of its step") as raised:
        run_build(fragile(), small_inputs, output)
    assert path.name in str(raised.value)
    assert "\n" not in str(raised.value)
    shutil.rmtree(path.parents[1])
    run_build(fragile(), small_inputs, output)
    assert tree_digest(output) == tree_digest(undisturbed.output)


def test_a_damaged_list_of_removals_is_never_read_as_if_it_were_sound(
    undisturbed: Built, small_inputs: Path, tmp_path: Path
) -> None:
    output = Path(shutil.copytree(undisturbed.output, tmp_path / "out"))
    (kept,) = (output / "steps").glob("kept-*")
    shutil.rmtree(kept)
    path = next((output / "steps").glob("copies-*/ledger/*.parquet"))
    flipped(path)
    with pytest.raises(StorageError, match="the file is damaged: remove the folder of its step"):
        run_build(fragile(), small_inputs, output)
    assert list((output / "steps").glob("kept-*/manifest.json")) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"step": "documents"}', b"\xff\x00"])
def test_a_damaged_manifest_is_told_in_one_line(content: bytes, output: Path, small_inputs: Path) -> None:
    (path,) = (output / "steps").glob("documents-*/manifest.json")
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"^manifest '.*documents-.*': expected what this version writes") as raised:
        run_build(fragile(), small_inputs, output)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"index": 0}'])
def test_a_damaged_commit_record_is_told_in_one_line(content: bytes, output: Path, small_inputs: Path) -> None:
    (manifest,) = (output / "steps").glob("documents-*/manifest.json")
    manifest.unlink()
    record = manifest.parent / "segment-0/00000.json"
    record.parent.mkdir()
    record.write_bytes(content)
    with pytest.raises(
        StorageError, match=r"^commit record '.*/segment-0/00000\.json': expected what this version writes"
    ):
        run_build(fragile(), small_inputs, output)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"steps": [{}]}'])
def test_a_damaged_description_of_the_run_is_written_anew(
    content: bytes, output: Path, small_inputs: Path, undisturbed: Built
) -> None:
    (output / "run.json").write_bytes(content)
    with pytest.raises(StorageError, match=r"^run '.*': expected an output folder"):
        load_run(output)
    run_build(fragile(), small_inputs, output)
    assert tree_digest(output) == tree_digest(undisturbed.output)


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd", "data/../../../other", ""])
def test_a_record_that_names_a_file_outside_of_its_folder_is_refused(name: str, output: Path) -> None:
    with pytest.raises(StorageError, match="expected a path below its step's folder"):
        FileRecord(name, 0, 0, "")
    (path,) = (output / "steps").glob("documents-*/manifest.json")
    data = json.loads(path.read_bytes())
    data["shards"][0]["files"]["data"]["name"] = name
    path.write_text(json.dumps(data))
    with pytest.raises(StorageError, match="expected a path below its step's folder"):
        load_manifest(path.parent)
    run = json.loads((output / "run.json").read_bytes())
    run["steps"][0]["folder"] = name
    (output / "run.json").write_text(json.dumps(run))
    with pytest.raises(StorageError, match="expected a path below its step's folder"):
        load_run(output)
