"""Files of the hub: named in full, counted by their commit, fetched when they are opened."""

import re
from pathlib import Path

import huggingface_hub
import pytest
from pydantic import ValidationError

from pipeline.errors import StorageError
from pipeline.hub import HubName
from pipeline.operator import FileRef

COMMIT = "0123456789abcdef0123456789abcdef01234567"
URI = f"hub:owner/a.model-name@{COMMIT}/inner/tokenizer.json"


def test_names_of_repositories_and_of_their_files() -> None:
    assert HubName.of(URI) == HubName("owner/a.model-name", COMMIT, "inner/tokenizer.json")
    assert HubName.of(f"hub:owner/name@{COMMIT}") == HubName("owner/name", COMMIT, None)
    assert HubName.of("models/tokenizer.json") is None
    assert HubName.of("hub:owner/name@main/tokenizer.json") is None


@pytest.mark.parametrize(
    "uri", [f"hub:owner/name@{COMMIT}", "hub:owner/name@main/tokenizer.json", f"hub:name@{COMMIT}/tokenizer.json"]
)
def test_a_file_is_named_in_full(uri: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(f"file {uri!r}: expected hub:OWNER/NAME@COMMIT/FILE")):
        FileRef(uri=uri)


def test_a_file_counts_by_its_commit_and_name_and_is_fetched_when_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def download(repository: str, file: str, *, revision: str) -> str:
        asked.append((repository, file, revision))
        return str(tmp_path / "tokenizer.json")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    pinned = FileRef(uri=URI).pinned(tmp_path)
    assert pinned == FileRef(uri=URI, digest=f"{COMMIT}/inner/tokenizer.json")
    assert asked == [], "planning fetches nothing"
    assert pinned.open_path() == tmp_path / "tokenizer.json"
    assert asked == [("owner/a.model-name", "inner/tokenizer.json", COMMIT)]


def test_a_hub_out_of_reach_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*_args: object, **_kwargs: object) -> str:
        raise OSError("no route to host")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    expected = rf"file '{re.escape(URI)}': expected to fetch it from the hub.*; found OSError; check .* network"
    with pytest.raises(StorageError, match=expected):
        FileRef(uri=URI).pinned(Path()).open_path()
