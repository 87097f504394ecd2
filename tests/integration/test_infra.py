"""Benchmarks and cluster scripts: the laws that their results rest on, and (soak) equal bytes on other clusters."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import process_tree
from benchmarks.process_tree import measure
from benchmarks.variants import BLOCK_WORDS, FOLDERS, read_documents, replace_words, substitutions, write_corpus
from infra.ray.tree_digest import tree_digest

ROOT = Path(__file__).parents[2]
TEXTS = ROOT.parent / "shared/data/text"

BURN_SECONDS = 0.6
BURN = f"import time\nwhile time.process_time() < {BURN_SECONDS}: pass\n"
DAEMON = f"""
import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        exec({BURN!r})
    os._exit(0)
os.wait()
sys.exit(3)
"""
"""A process that burns after its parent, which left the session, and the command itself have ended."""

RECIPE = """
name: small
sources: {docs: {paths: [docs/*.jsonl]}}
layout: {shard_bytes: 20000}
steps:
  - {name: documents, read: docs, operators: [gopher_quality], write: documents}
  - {name: exact, base: documents, exact_deduplication: {}}
  - {name: near, base: documents, bound: [exact], minhash_deduplication: {}}
  - {name: kept, base: documents, bound: [exact, near], write: documents}
"""


@pytest.mark.parametrize("method", ["cgroup", "sampled"])
def test_measure_counts_daemons_that_outlive_the_command(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_tree, "SAMPLE_SECONDS", 0.1)
    if method == "sampled":
        monkeypatch.setattr(process_tree, "_new_cgroup", lambda: None)
    usage = measure([sys.executable, "-c", DAEMON], log=tmp_path / "log")
    if usage.cpu_method != method:
        pytest.skip("this user may not make a cgroup here")
    assert usage.return_code == 3
    assert usage.left_over == 0
    assert 0.9 * BURN_SECONDS <= usage.cpu_seconds <= 3 * BURN_SECONDS
    assert usage.peak_pss_bytes > 1_000_000


def test_measure_writes_output_to_the_log(tmp_path: Path) -> None:
    measure([sys.executable, "-c", "print('said')"], log=tmp_path / "log")
    assert (tmp_path / "log").read_text() == "said\n"


words = st.text(st.sampled_from("abcdeéЖß"), min_size=5, max_size=7)


@given(st.dictionaries(words, st.integers(1, 9), max_size=30), st.integers(0, BLOCK_WORDS - 1))
def test_substitutions_permute_words_of_equal_length(counts: dict[str, int], copy: int) -> None:
    found = substitutions({"xx": counts}, copy)["xx"]
    assert sorted(found) == sorted(found.values()) == sorted(counts)
    assert all(len(old.encode()) == len(new.encode()) and len(old) == len(new) for old, new in found.items())
    assert copy or all(old == new for old, new in found.items())


def test_copies_of_a_word_differ() -> None:
    counts = {"xx": {f"word{letter}": 1 for letter in "abcd"}}
    copies = [substitutions(counts, copy)["xx"]["worda"] for copy in range(BLOCK_WORDS)]
    assert sorted(copies) == sorted(counts["xx"])


def test_replace_words_keeps_what_is_between() -> None:
    assert replace_words("that House, house_x; HOUSE 12", {"House": "Mouse", "house": "mouse"}) == (
        "that Mouse, mouse_x; HOUSE 12"
    )


@pytest.fixture(scope="session")
def tiny_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two documents in each input folder."""
    data = tmp_path_factory.mktemp("texts")
    for place, name in enumerate(FOLDERS):
        (data / name).mkdir()
        rows = [
            {"id": f"{name}/{row}", "lang": "en", "text": f"some words about number {'abcdefgh'[2 * place + row] * 6}"}
            for row in range(2)
        ]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (data / name / "part-0.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(lines.encode()))
    return data


def test_corpus_has_distinct_copies_of_equal_size(tiny_corpus: Path, tmp_path: Path) -> None:
    one = write_corpus(tiny_corpus, tmp_path / "1", 1)
    three = write_corpus(tiny_corpus, tmp_path / "3", 3)
    assert (three.documents, three.text_bytes) == (3 * one.documents, 3 * one.text_bytes) == (24, 3 * one.text_bytes)
    rows = []
    for path in sorted((tmp_path / "3").glob("*.jsonl.zst")):
        rows += [json.loads(line) for line in zstandard.ZstdDecompressor().decompress(path.read_bytes()).splitlines()]
    assert max(Counter(row["id"] for row in rows).values()) == 1
    assert rows[:8] == list(read_documents(tiny_corpus))
    assert len({row["text"] for row in rows}) > 8
    assert write_corpus(tiny_corpus, tmp_path / "3", 3) == three


def test_limit_takes_the_first_documents_of_each_folder(tiny_corpus: Path) -> None:
    assert [row["id"] for row in read_documents(tiny_corpus, 1)] == [f"{name}/0" for name in FOLDERS]


def test_tree_digest_sees_names_and_bytes_and_no_logs(tmp_path: Path) -> None:
    for name in ("a/x", "logs/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    first = tree_digest(tmp_path)
    (tmp_path / "logs/y").write_text("2")
    assert tree_digest(tmp_path) == first
    (tmp_path / "a/x").rename(tmp_path / "a/y")
    renamed = tree_digest(tmp_path)
    (tmp_path / "a/y").write_text("2")
    assert len({first, renamed, tree_digest(tmp_path)}) == 3


def test_tree_digest_refuses_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="expected the output folder of a build"):
        tree_digest(tmp_path / "absent")


@pytest.fixture(scope="session")
def small_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe over a few real documents, in several shards, and its build in this process."""
    if not (TEXTS / "peps").is_dir():
        pytest.skip("the documents of ../shared/data/text are not there")
    folder = tmp_path_factory.mktemp("small")
    (folder / "docs").mkdir()
    rows = [json.dumps({"id": row["id"], "text": row["text"]}) for row in read_documents(TEXTS, 30)]
    for start in range(0, len(rows), 10):
        (folder / f"docs/{start:03d}.jsonl").write_text("\n".join(rows[start : start + 10]) + "\n")
    (folder / "recipe.yaml").write_text(RECIPE)
    _run("jobs", "run", str(folder / "recipe.yaml"), "--runner", "local", "--output", str(folder / "local"))
    return folder


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done


@pytest.mark.soak
def test_three_nodes_give_the_bytes_of_one_process(small_recipe: Path) -> None:
    output = small_recipe / "three"
    _run("infra.ray.local_cluster", str(small_recipe / "recipe.yaml"), "--output", str(output))
    assert tree_digest(output) == tree_digest(small_recipe / "local")


@pytest.mark.soak
def test_jobs_give_the_bytes_of_one_process_and_leave_their_cluster_alive(small_recipe: Path) -> None:
    """Two jobs, one after the other, on one head: the first must not stop it."""
    outputs = [small_recipe / "job0", small_recipe / "job1"]
    code = (
        "import shlex, sys\n"
        "from infra.ray.submit import local_head, submit\n"
        "with local_head(2) as dashboard:\n"
        "    for output in sys.argv[2:]:\n"
        "        run = [sys.executable, '-m', 'jobs', 'run', sys.argv[1], '--output', output, '--runner', 'ray']\n"
        "        assert submit(dashboard, shlex.join(run)) == 0\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(small_recipe / "recipe.yaml"), *map(str, outputs)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(set(re.findall(r"submitted (\S+)", done.stderr))) == 2
    assert tree_digest(outputs[0]) == tree_digest(outputs[1]) == tree_digest(small_recipe / "local")
