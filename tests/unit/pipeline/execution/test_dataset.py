"""The folder in which a dataset lies under the names that trainers read."""

import json

import pytest

from pipeline.artifact import ShardRecord, load_manifest
from pipeline.errors import CommitError, OperatorError
from pipeline.execution.commit import StepFolder
from pipeline.execution.dataset import make_dataset
from pipeline.plan.logical import ArtifactKind, Step, View
from tests.builds import run_build, tree_digest
from tests.corpus import write_files
from tests.sample_operators import TextFiles, TextLength
from tests.small import read, small, small_files

COUNTS = {"rows_written": 2, "conserved_out": 7}


def records(folder, contents):
    left = []
    for shard, content in enumerate(contents):
        files = {}
        for name, data in (("texts.jsonl", content), ("part.json", b'{"num_lines": 2}')):
            staged = folder.stage_file()
            staged.write_bytes(data)
            files[f"files/{name}"] = folder.publish(staged, "files", shard, f"-{name}", 0)
        left.append(ShardRecord(shard, f"f{shard}", files, COUNTS))
    return left


def test_links_under_the_names_of_the_dataset(tmp_path):
    folder = StepFolder(tmp_path, "s", "0" * 32)
    left = records(folder, [b"one", b"two"])
    dataset = make_dataset(folder, TextFiles(), left)
    assert [(file.name, file.shard) for file in dataset] == [
        ("dataset/2/000-texts.jsonl", 0), ("dataset/2/001-texts.jsonl", 1), ("dataset/index.json", None),
    ]  # fmt: skip
    assert (folder.path / dataset[1].name).read_bytes() == b"two"
    assert (folder.path / dataset[1].name).samefile(folder.path / left[1].files["files/texts.jsonl"].name)
    index = json.loads((folder.path / "dataset/index.json").read_text())
    assert index["parts"] == [[0, 2, 7, 2], [1, 2, 7, 2]]
    assert index["files"][1] == ["2/001-texts.jsonl", 3, dataset[1].digest]


def test_made_again_it_is_the_same(tmp_path):
    folder = StepFolder(tmp_path, "s", "0" * 32)
    left = records(folder, [b"one", b"two"])
    stale = folder.path / "dataset/2/001-texts.jsonl"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"left by an attempt that was lost")
    first = make_dataset(folder, TextFiles(), left)
    assert make_dataset(folder, TextFiles(), left) == first
    assert stale.read_bytes() == b"two"
    assert list((folder.root / "tmp").iterdir()) == []


def test_no_shards_have_an_index(tmp_path):
    folder = StepFolder(tmp_path, "s", "0" * 32)
    (file,) = make_dataset(folder, TextFiles(), [])
    assert json.loads((folder.path / file.name).read_text()) == {"parts": [], "files": []}


def test_two_files_of_one_name_are_refused(tmp_path):
    folder = StepFolder(tmp_path, "s", "0" * 32)
    with pytest.raises(OperatorError, match=r"each of one file; found \['texts.jsonl'\]"):
        make_dataset(folder, TextFiles(one_name=True), records(folder, [b"one", b"two"]))


class Outside(TextFiles):
    """Gives a name that leads out of the dataset."""

    name = "outside"

    def dataset_name(self, shard, num_shards, file):  # noqa: ARG002
        return f"../{shard}-{file}"


def test_a_name_that_leads_out_is_refused(tmp_path):
    folder = StepFolder(tmp_path, "s", "0" * 32)
    with pytest.raises(OperatorError, match=r"expected relative names.*found \['\.\./0-texts.jsonl'\]"):
        make_dataset(folder, Outside(), records(folder, [b"one"]))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return write_files(tmp_path_factory.mktemp("inputs"), small_files())


def test_a_build_names_every_file_of_the_dataset(inputs, tmp_path):
    built = run_build(small(), inputs, tmp_path / "out")
    manifest = built.manifest("files")
    assert manifest.kind is ArtifactKind.FILES
    assert manifest == load_manifest(manifest.folder)
    assert len(manifest.shards) == len(built.manifest("kept").shards) > 2
    there = {path.relative_to(manifest.folder).as_posix() for path in manifest.folder.rglob("*") if path.is_file()}
    shard_files = {file.name for shard in manifest.shards for file in shard.files.values()}
    assert there == {file.name for file in manifest.dataset} | shard_files | {"manifest.json"}
    assert manifest.dataset_files(1) == (f"{len(manifest.shards)}/001-texts.jsonl",)
    lines = [
        json.loads(line)
        for shard in range(len(manifest.shards))
        for name in manifest.dataset_files(shard)
        for line in (manifest.folder / "dataset" / name).read_text().splitlines()
    ]
    assert len(lines) == built.manifest("kept").total("rows_written")
    assert sum(map(len, lines)) == manifest.total("conserved_in") == manifest.total("conserved_out")
    again = run_build(small(), inputs, tmp_path / "out")
    assert "files" in again.steps_of("step_cached")
    assert tree_digest(tmp_path / "out") == tree_digest(built.output)


def test_a_writer_that_loses_something_is_not_committed(inputs, tmp_path):
    step = Step(
        name="files", view=View(base="documents"), nodes=(TextLength(), TextFiles(loses=1)), write=ArtifactKind.FILES
    )
    with pytest.raises(CommitError, match=r"step files, shard 0: expected in = out \+ cut"):
        run_build(read(more=(step,)), inputs, tmp_path / "out")
    assert load_manifest(next((tmp_path / "out" / "steps").glob("files-*"))) is None
