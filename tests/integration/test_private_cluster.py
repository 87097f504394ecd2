"""A cluster that `run` starts itself listens on loopback alone, asks for a token, and leaves none behind."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.conftest import ROOT
from tests.corpus import write_files
from tests.small import small_files

RECIPE = """
name: small
sources: {docs: {paths: ["in/docs/*.jsonl"]}}
steps:
  - {name: documents, read: docs}
"""
END_SECONDS = 120

pytestmark = [pytest.mark.ray, pytest.mark.timeout(200)]


@pytest.fixture
def home() -> Iterator[Path]:
    """A home folder; sockets of Ray lie in it too, so its path is short."""
    folder = Path(tempfile.mkdtemp(prefix="mill", dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


def listening(process: psutil.Process) -> Iterator[tuple[str, str]]:
    """Program and address of every port that the process and those below it listen on."""
    for one in [process, *process.children(recursive=True)]:
        try:
            found = [(one.name(), place.laddr.ip) for place in one.net_connections() if place.status == "LISTEN"]
        except psutil.Error:
            continue  # it ended
        yield from found


def token_of(process: psutil.Process) -> Path | None:
    """The token file that a process below this one was told of."""
    for one in process.children(recursive=True):
        try:
            path = one.environ().get("RAY_AUTH_TOKEN_PATH")
        except psutil.Error:
            continue
        if path:
            return Path(path)
    return None


def test_nobody_else_reaches_a_cluster_of_our_own(home: Path, tmp_path: Path) -> None:
    write_files(tmp_path / "in", small_files())
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {"HOME": str(home), "RAY_TMPDIR": str(home / "ray"), "PYTHONPATH": str(ROOT)}
    (home / "ray").mkdir()
    command = [sys.executable, "-m", "jobs", "run", str(tmp_path / "recipe.yaml"), "--output", str(tmp_path / "out")]
    log = (tmp_path / "log").open("wb")
    started = psutil.Popen([*command, "--workers", "1"], env=environment, stdout=log, stderr=subprocess.STDOUT)
    addresses: set[tuple[str, str]] = set()
    tokens: dict[Path, tuple[int, str]] = {}
    until = time.monotonic() + END_SECONDS
    while started.poll() is None:
        assert time.monotonic() < until, "the run hangs"
        addresses |= set(listening(started))
        path = token_of(started)
        if path is not None and path.is_file():
            tokens[path] = stat.S_IMODE(path.stat().st_mode), path.read_text()
        time.sleep(0.1)
    log.close()
    said = (tmp_path / "log").read_text()
    assert started.returncode == 0, said
    assert {name for name, _ in addresses} >= {"gcs_server", "raylet"}
    assert {ip.removeprefix("::ffff:") for _, ip in addresses} == {"127.0.0.1"}, addresses
    ((path, (mode, token)),) = tokens.items()
    assert mode == 0o600
    assert not path.parent.exists()
    assert not (home / ".ray").exists()
    assert len(token) == 64
    written = [file for folder in (tmp_path / "out", home) for file in folder.rglob("*") if file.is_file()]
    assert token not in said
    assert [file for file in written if token.encode() in file.read_bytes()] == []
