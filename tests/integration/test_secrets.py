"""Secrets of the environment stand nowhere that a run writes or says, whether it succeeds or fails."""

import sys
from pathlib import Path
from typing import Final

import pytest

from jobs import cli
from tests.corpus import write_files
from tests.flaky_store import SECRET, Behaviour, flaky_store
from tests.small import small_files

CANARIES: Final = {
    name: f"canary-{place}-7f3kQ"
    for place, name in enumerate(("HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GOOGLE_API_KEY"))
}
RECIPE: Final = """
name: small
sources: {docs: {paths: ["PATHS"]}}
steps:
  - {name: documents, read: docs}
"""


def run(folder: Path, paths: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of `corpusmill run` over these paths, with canaries in its environment."""
    for name, canary in CANARIES.items():
        monkeypatch.setenv(name, canary)
    (folder / "recipe.yaml").write_text(RECIPE.replace("PATHS", paths))
    command = ["corpusmill", "run", str(folder / "recipe.yaml"), "--runner", "local", "--output", str(folder / "out")]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def check_silent(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No canary was said or written."""
    said = "".join(capsys.readouterr())
    assert said
    written = [path for path in (folder / "out").rglob("*") if path.is_file()]
    for canary in (SECRET, *CANARIES.values()):
        assert canary not in said
        assert [path for path in written if canary.encode() in path.read_bytes()] == []


def test_a_run_that_succeeds_and_one_that_fails_tell_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_files(tmp_path / "in", small_files())
    (tmp_path / "out").mkdir()
    in_the_way = tmp_path / "out/steps"
    in_the_way.touch()
    assert run(tmp_path, "in/docs/*", monkeypatch) == 1
    assert "failure" in (tmp_path / "out/logs/run.json").read_text()
    check_silent(tmp_path, capsys)
    in_the_way.unlink()
    assert run(tmp_path, "in/docs/*", monkeypatch) == 0
    check_silent(tmp_path, capsys)


def test_what_a_store_says_in_its_errors_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with flaky_store({f"in/{name}": content for name, content in small_files().items()}) as store:
        store.behaviour = Behaviour(always={"cat_file /in/docs/4.jsonl": PermissionError(SECRET)})
        assert run(tmp_path, "flaky://in/docs/*", monkeypatch) == 1
        check_silent(tmp_path, capsys)
        assert run(tmp_path, f"flaky://me:{SECRET}@in/docs/*", monkeypatch) == 2
        check_silent(tmp_path, capsys)
