"""Processes that may have little memory: a build completes in it, or says in one line what to do, and goes on later."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECIPE = """
name: small
sources: {docs: {paths: "*.jsonl", max_document_bytes: 33554432}}
layout: {shard_bytes: 1000000}
steps:
  - {name: documents, read: docs, operators: [gopher_repetition: {word_unit: whitespace}], write: documents}
"""
LARGE = 24_000_000
"""A document of so many bytes takes twenty times as many while it is measured."""
LIMIT = 800_000_000
"""Of a process's data, some of which is address space without content: less than the large document needs."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recipe over a small document and a large one."""
    (tmp_path / "small.yaml").write_text(RECIPE)
    words = " ".join(f"w{number}" for number in range(3_000))
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": words}) + "\n")
    (tmp_path / "b.jsonl").write_text(json.dumps({"text": " ".join([words] * (LARGE // len(words)))}) + "\n")
    return tmp_path


def built(folder: Path, data_bytes: int = resource.RLIM_INFINITY, *options: str) -> subprocess.CompletedProcess[str]:
    """A build in a process that may have so many bytes of data."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (data_bytes, data_bytes))

    command = [sys.executable, "-m", "jobs", "run", "small.yaml", "--runner", "local", "--memory-per-worker", "400"]
    return subprocess.run(
        [*command, "--output", "out", "--json", *options],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )


def test_a_build_says_what_to_do_without_enough_memory_and_goes_on_with_more(folder: Path) -> None:
    short = built(folder, LIMIT)
    assert short.returncode == 1, short.stderr
    assert "Traceback" not in short.stderr
    (told,) = (line for line in short.stderr.splitlines() if line.startswith("corpusmill:"))
    assert "step documents, stage gopher_repetition, unit" in told
    assert "expected the memory that it needs; found none for operator text_statistics on rows 0 to 0, " in told
    assert "of a budget of 400 MB; start fewer workers" in told
    whole = built(folder)
    assert whole.returncode == 0, whole.stderr
    found = json.loads(whole.stdout)
    assert (found["rows_in"], found["rows_quarantined"]) == (2, 0)
    assert found["memory"]["budget_bytes"] == 400_000_000 < found["memory"]["peak_worker_bytes"]


def test_with_a_limit_on_documents_the_rest_is_built_within_the_same_memory(folder: Path) -> None:
    limited = built(folder, LIMIT, "--set", "sources.docs.max_document_bytes=1000000")
    assert limited.returncode == 0, limited.stderr
    found = json.loads(limited.stdout)
    assert (found["rows_in"], found["rows_quarantined"]) == (2, 1)
    assert found["memory"]["peak_worker_bytes"] < 300_000_000
