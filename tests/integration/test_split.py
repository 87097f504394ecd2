"""Train and validation: near-duplicates are never on both sides, and later builds move no document."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from operators.catalogue import catalogue
from pipeline.artifact import DATA
from pipeline.recipe import parse_recipe
from tests.builds import Built, MakeRunner, run_build, tree_digest
from tests.corpus import write_files
from tests.near_copies import near_copies

_NUM_PLANTED = 60
_OLD = near_copies(120, seed=31)
_FRESH = near_copies(60, seed=32, of=_OLD)
_PLANTED = [f"{text} and one word more" for text in _OLD[:_NUM_PLANTED]]
"""Near copies of the first documents; they have nearly all shingles in common."""
_RECIPE = """
name: built
sources:
  docs: {{paths: {paths}, id_from: column}}
imports: {imports}
layout: {{shard_bytes: 4096, partition_bytes: 16384}}
steps:
  - name: documents
    read: docs
    write: documents
  - name: near
    base: documents
    against: {against}
    minhash_deduplication: {{index: true}}
  - name: parts
    base: documents
    bound: [near.decisions]
    operators: [{{split: {{held_out: [{{name: validation, share: 0.3}}]}}}}]
  - name: train
    base: documents
    bound: [near, parts]
    operators: [{{value_filter: {{column: split, values: [train]}}}}]
    write: documents
    columns: [doc_id, input_id]
  - name: validation
    base: documents
    bound: [near, parts]
    operators: [{{value_filter: {{column: split, values: [validation]}}}}]
    write: documents
    columns: [doc_id, input_id]
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {"old.jsonl": lines("o", _OLD), "new.jsonl": lines("f", _FRESH) + lines("p", _PLANTED)}
    return write_files(tmp_path_factory.mktemp("inputs"), files)


@pytest.fixture(scope="module")
def old(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(inputs, tmp_path_factory.mktemp("old") / "out", ["old.jsonl"])


@pytest.fixture(scope="module")
def new(inputs: Path, old: Built, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A build of new documents alone, against the index of the old ones."""
    return build(inputs, tmp_path_factory.mktemp("new") / "out", ["new.jsonl"], old=old)


def lines(prefix: str, texts: Sequence[str]) -> bytes:
    records = ({"id": f"{prefix}{number}", "text": text} for number, text in enumerate(texts))
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def build(inputs: Path, output: Path, paths: list[str], old: Built | None = None, runner: Any = None) -> Built:
    imports = {} if old is None else {"old": {"run": str(old.output), "step": "near.index"}}
    text = _RECIPE.format(paths=paths, imports=imports, against=list(imports))
    return run_build(parse_recipe(text, catalogue()), inputs, output, runner)


def column(built: Built, step: str, name: str) -> list[Any]:  # Any: values of a column
    manifest = built.manifest(step)
    paths = [manifest.path(shard.index, DATA) for shard in manifest.shards]
    return [value for path in paths if path is not None for value in pq.read_table(path)[name].to_pylist()]


def parts(built: Built) -> dict[str, str]:
    return dict(zip(column(built, "documents", "input_id"), column(built, "parts", "split"), strict=True))


def clusters(built: Built) -> dict[str, Any]:
    """Of the build's own documents; rows of an index stand behind them."""
    found = column(built, "near.clusters", "cluster")
    documents = column(built, "documents", "input_id")
    return dict(zip(documents, found[: len(documents)], strict=True))


def test_planted_pairs_are_on_one_side(old: Built, new: Built) -> None:
    """Verified or not: all of a pair that share a bucket, if its cluster is not one that a new document joined."""
    sides, joined = parts(old) | parts(new), clusters(new)
    ids = dict(zip(column(old, "documents", "input_id"), column(old, "documents", "doc_id"), strict=True))
    changes = zip(
        *(column(new, "near.changes", name) for name in ("doc_id", "known_cluster_id", "cluster_id")), strict=True
    )
    joined_later = {doc_id for doc_id, known, now in changes if now != (known or doc_id)}
    met = [number for number in range(_NUM_PLANTED) if joined[f"p{number}"] is not None]
    assert len(met) > _NUM_PLANTED * 0.95
    assert {sides[f"o{number}"] for number in met} == {"train", "validation"}
    met = [number for number in met if ids[f"o{number}"] not in joined_later]
    assert len(met) > _NUM_PLANTED * 0.8
    assert [number for number in met if sides[f"p{number}"] != sides[f"o{number}"]] == []


def test_no_cluster_has_two_sides(inputs: Path, tmp_path: Path) -> None:
    both = build(inputs, tmp_path / "out", ["old.jsonl", "new.jsonl"])
    sides, seen = parts(both), {}
    for document, cluster in clusters(both).items():
        if cluster is not None:
            assert seen.setdefault(cluster, sides[document]) == sides[document]
    assert set(seen.values()) == {"train", "validation"}


def test_what_is_trained_on_and_what_is_held_out_is_everything_once(old: Built) -> None:
    sides, gone = parts(old), column(old, "near.decisions", "survivor")
    stay = [document for document, survivor in zip(sides, gone, strict=True) if survivor is None]
    assert sorted(column(old, "train", "input_id") + column(old, "validation", "input_id")) == sorted(stay)
    assert {sides[document] for document in column(old, "validation", "input_id")} == {"validation"}


def test_workers_change_no_byte(inputs: Path, old: Built, new: Built, tmp_path: Path, make_runner: MakeRunner) -> None:
    other = build(inputs, tmp_path / "out", ["new.jsonl"], old=old, runner=make_runner(workers=2))
    assert tree_digest(other.output) == tree_digest(new.output)
