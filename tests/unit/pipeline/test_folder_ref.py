"""References to folders: what they are bound to, and when they no longer open."""

import pickle
import re
from pathlib import Path

import huggingface_hub
import pyarrow as pa
import pytest
from pydantic import TypeAdapter, ValidationError

from pipeline.errors import PlanError, StorageError
from pipeline.fingerprint import operator_identity
from pipeline.folder_ref import FolderRef, folder_digest
from pipeline.operator import Task

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HUB_URI = f"hub:owner/a.model-name@{COMMIT}"


class WithFolder(Task):
    """An operator with a folder."""

    name = "with_folder"
    produces = "model"
    model: FolderRef

    def requires(self):
        return pa.schema([])

    def output_schema(self, given):
        return given

    def open(self):
        return lambda _inputs: iter(())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    (path / "inner").mkdir(parents=True)
    (path / "config.json").write_text("{}")
    (path / "inner" / "weights").write_bytes(b"12")
    return path


def test_a_pinned_folder_opens_while_it_is_what_it_was(folder):
    pinned = FolderRef(uri="model").pinned(folder.parent)
    assert type(pinned) is FolderRef
    assert pinned.digest == folder_digest(folder)
    assert pinned.open_path() == folder
    assert pickle.loads(pickle.dumps(pinned)) == pinned
    (folder / "inner" / "weights").write_bytes(b"21")
    with pytest.raises(
        StorageError, match=rf"folder 'model': expected content digest {pinned.digest}; found .*; .*run again"
    ):
        pinned.open_path()


def test_names_and_contents_count_and_nothing_hidden(folder, tmp_path):
    before = folder_digest(folder)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "stamp").write_text("now")
    (folder / "inner" / ".hidden").write_text("x")
    assert folder_digest(folder) == before
    (folder / "config.json").rename(folder / "settings.json")
    assert folder_digest(folder) != before
    folder.rename(tmp_path / "moved")
    (tmp_path / "moved" / "settings.json").rename(tmp_path / "moved" / "config.json")
    assert folder_digest(tmp_path / "moved") == before


def test_an_operator_is_identified_by_the_folders_content(folder):
    operator = WithFolder.model_validate({"model": "model"})
    assert operator.model_dump(mode="json") == {"model": "model"}
    placed = operator.with_files(lambda ref: ref.pinned(folder.parent))
    assert operator_identity(placed, {})["fields"] == {"model": {"content": folder_digest(folder)}}


def test_missing_and_empty_folders_say_so(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(StorageError, match=r"folder 'absent': expected a readable folder; found none at "):
        FolderRef(uri="absent").pinned(tmp_path)
    with pytest.raises(StorageError, match=r"expected the files of a model; found none"):
        FolderRef(uri="empty").pinned(tmp_path)
    with pytest.raises(PlanError, match=r"folder 'model': expected a pinned reference"):
        FolderRef(uri="model").open_path()
    with pytest.raises(StorageError, match=r"folder 'a': expected it at '/nowhere/a' on the machine of every worker"):
        FolderRef(uri="a", path="/nowhere/a", digest="0").open_path()


@pytest.mark.parametrize(
    "uri", ["hub:owner/name", "hub:owner/name@main", "hub:owner/name@0123abc", "hub:name@" + COMMIT]
)
def test_a_repository_needs_all_of_a_commit(uri):
    with pytest.raises(ValidationError, match=re.escape(f"folder {uri!r}: expected hub:OWNER/NAME@COMMIT")):
        FolderRef(uri=uri)


@pytest.mark.parametrize("uri", ["step:made/model", "package:operators/models"])
def test_what_is_no_folder_is_refused(uri):
    with pytest.raises(ValidationError, match=re.escape(f"folder {uri!r}: expected a path or hub:OWNER/NAME@COMMIT")):
        FolderRef(uri=uri)


def test_a_repository_is_bound_to_its_commit_and_fetched_when_opened(tmp_path, monkeypatch):
    asked = []

    def download(repository, *, revision, allow_patterns):
        asked.append((repository, revision))
        assert "*.safetensors" in allow_patterns
        assert "*.py" not in allow_patterns
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    pinned = FolderRef(uri=HUB_URI).pinned(tmp_path)
    assert pinned == FolderRef(uri=HUB_URI, digest=COMMIT)
    assert asked == [], "planning fetches nothing"
    assert pinned.open_path() == tmp_path
    assert asked == [("owner/a.model-name", COMMIT)]


def test_a_hub_out_of_reach_is_one_line(monkeypatch):
    def download(*_args, **_kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    expected = rf"folder '{re.escape(HUB_URI)}': expected to fetch it from the hub.*; found OSError; check .* network"
    with pytest.raises(StorageError, match=expected):
        FolderRef(uri=HUB_URI).pinned(Path()).open_path()


def test_editors_see_a_string():
    assert TypeAdapter(FolderRef).json_schema()["type"] == "string"
