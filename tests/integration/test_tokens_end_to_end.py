"""From text to what trainers read: one stream of tokens in every format, and the same bytes however they are made."""

import gzip
import json
import shutil
import signal
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest
import zstandard

from operators.catalogue import catalogue
from pipeline.artifact import DATASET, Manifest
from pipeline.execution.work import Execution
from pipeline.plan.logical import Recipe
from pipeline.recipe import parse_recipe
from tests.builds import Built, MakeRunner, run_build, staged_files, tree_digest
from tests.faults.crashing import crash_locally

QUICKSTART = Path(__file__).parents[2] / "jobs" / "recipes" / "quickstart"
NUM_SHORT, NUM_LONG = 700, 12
"""Documents of tldr, and of peps, most of which are longer than a window."""

_STEPS = """
name: tokens_end_to_end
sources:
  documents: {paths: documents.jsonl, columns: {license: string}}
layout: {shard_bytes: %(shard_bytes)d, row_group_rows: 200}
steps:
  - name: tokens
    read: documents
    operators: [{tokenize: {tokenizer: tokenizer.json}}]
    write: documents
    columns: [doc_id, source, tokens, num_tokens]
  - name: packed
    base: tokens
    operators: [{best_fit: {window: 512}}]
    write: table
  - {name: megatron, base: tokens, operators: [{megatron: {vocab_size: 40000}}]}
  - {name: litdata, base: tokens, operators: [{litdata: {block_size: 129, blocks_per_file: 64}}]}
  - {name: litgpt, base: tokens, operators: [{litgpt: {block_size: 129, blocks_per_file: 64, pad_token: 0}}]}
  - {name: mds, base: packed, operators: [{mds: {max_file_bytes: 500000}}]}
  - {name: parquet, base: packed, operators: [parquet_rows]}
  - {name: flat, base: packed, operators: [{llm_c: {flatten: true}}]}
"""
STREAMS = ("megatron", "litdata", "litgpt")
ROWS = ("mds", "parquet", "flat")

Ids = npt.NDArray[np.integer[Any]]  # Any: a width of numbers


def recipe(shard_bytes: int = 200_000) -> Recipe:
    """Tokens of documents of the quickstart, packed, and in six formats."""
    return parse_recipe(_STEPS % {"shard_bytes": shard_bytes}, catalogue(), ())


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents in one plain file, which is read in splits, and the tokenizer; nobody writes into them."""
    folder = tmp_path_factory.mktemp("inputs")
    with (
        zstandard.open(QUICKSTART / "tldr.jsonl.zst", "rt") as short,
        gzip.open(QUICKSTART / "peps.jsonl.gz", "rt") as long,
    ):
        lines = [*islice(short, NUM_SHORT), *islice(long, NUM_LONG)]
    (folder / "documents.jsonl").write_text("".join(lines))
    shutil.copy(QUICKSTART / "tokenizer.json", folder)
    return folder


@pytest.fixture(scope="module")
def local(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The undisturbed build on the local runner; nobody writes into it."""
    return run_build(recipe(), inputs, tmp_path_factory.mktemp("local") / "out")


def files(manifest: Manifest, pattern: str) -> list[Path]:
    """A dataset's files by name, which is their order in all of these formats."""
    return sorted((manifest.folder / DATASET).glob(pattern))


def stored(built: Built) -> Ids:
    """The tokens of the store, document after document."""
    manifest = built.manifest("tokens")
    tables = [pq.read_table(manifest.path(shard.index, "data")) for shard in manifest.shards]
    return np.concatenate([table["tokens"].combine_chunks().flatten().to_numpy() for table in tables])


def in_rows(built: Built) -> Ids:
    """The tokens of packed rows without their padding, row after row."""
    manifest = built.manifest("packed")
    tables = [pq.read_table(manifest.path(shard.index, "data")) for shard in manifest.shards]
    return np.concatenate([own_tokens(table) for table in tables])


def own_tokens(table: Any) -> Ids:  # Any: a table of pyarrow
    ids = table["input_ids"].combine_chunks().flatten().to_numpy().reshape(len(table), -1)
    tokens: Ids = ids[np.arange(ids.shape[1]) < table["num_tokens"].to_numpy()[:, None]]
    return tokens


def from_megatron(manifest: Manifest) -> Ids:
    return np.concatenate([np.fromfile(path, np.uint16) for path in files(manifest, "*.bin")])


def from_litdata(manifest: Manifest) -> Ids:
    """By the index, as litdata goes: behind the number of items and their offsets."""
    parts = []
    for chunk in json.loads((manifest.folder / DATASET / "index.json").read_bytes())["chunks"]:
        raw = (manifest.folder / DATASET / chunk["filename"]).read_bytes()
        parts.append(np.frombuffer(raw, np.uint16, offset=4 * (chunk["chunk_size"] + 2)))
        assert len(parts[-1]) == chunk["dim"]
    return np.concatenate(parts)


def from_litgpt(manifest: Manifest) -> Ids:
    """All files of a shard, less what is padding in its last one."""
    parts = []
    for note in files(manifest, "*_padding.json"):
        raw = [path.read_bytes()[24:] for path in files(manifest, f"{note.name.removesuffix('padding.json')}*.bin")]
        ids = np.frombuffer(b"".join(raw), np.uint16)
        parts.append(ids[: len(ids) - json.loads(note.read_bytes())["num_padding"]])
    return np.concatenate(parts)


def from_mds(manifest: Manifest) -> Ids:
    """Each sample's own input ids, by the encodings in the index."""
    parts = []
    for entry in json.loads((manifest.folder / DATASET / "index.json").read_bytes())["shards"]:
        raw = (manifest.folder / DATASET / entry["raw_data"]["basename"]).read_bytes()
        bounds = np.frombuffer(raw, np.uint32, entry["samples"] + 1, offset=4)
        for begin in bounds[:-1]:
            row = sample(raw, int(begin), entry)
            parts.append(np.frombuffer(row["input_ids"], np.uint32)[: np.frombuffer(row["num_tokens"], np.int64)[0]])
    return np.concatenate(parts)


def sample(raw: bytes, begin: int, entry: dict[str, Any]) -> dict[str, bytes]:  # Any: JSON
    """The columns of a sample: sizes of those of varying size first, then all of them."""
    sizes, at = [], begin
    for size in entry["column_sizes"]:
        sizes.append(size if size is not None else int(np.frombuffer(raw, np.uint32, 1, offset=at)[0]))
        at += 0 if size is not None else 4
    ends = (at + np.cumsum(sizes)).tolist()
    begins = [end - size for end, size in zip(ends, sizes, strict=True)]
    return {name: raw[a:b] for name, a, b in zip(entry["column_names"], begins, ends, strict=True)}


def from_parquet(manifest: Manifest) -> Ids:
    return np.concatenate([own_tokens(pq.read_table(path)) for path in files(manifest, "data/*.parquet")])


def from_llm_c(manifest: Manifest) -> Ids:
    return np.concatenate([np.fromfile(path, np.uint16, offset=1024) for path in files(manifest, "*.bin")])


READERS: dict[str, Callable[[Manifest], Ids]] = {
    "megatron": from_megatron,
    "litdata": from_litdata,
    "litgpt": from_litgpt,
    "mds": from_mds,
    "parquet": from_parquet,
    "flat": from_llm_c,
}


def test_the_recipe_is_worth_comparing(local: Built) -> None:
    assert len(local.manifest("tokens").shards) > 2
    assert len(stored(local)) > 100_000
    for step in ("litdata", "mds"):
        assert len(files(local.manifest(step), "*.*")) > len(local.manifest("tokens").shards) + 2, step


@pytest.mark.parametrize("step", [*STREAMS, *ROWS])
def test_every_format_holds_the_tokens_that_its_manifest_counts(step: str, local: Built) -> None:
    manifest = local.manifest(step)
    found = READERS[step](manifest)
    expected = stored(local) if step in STREAMS else in_rows(local)
    np.testing.assert_array_equal(found, expected)
    assert manifest.total("conserved_out") == len(found) == len(stored(local))


@pytest.mark.ray
@pytest.mark.parametrize(
    ("workers", "execution"),
    [(1, Execution()), (2, Execution(batch_rows=37)), (5, Execution())],
    ids=["one worker", "two workers and small batches", "five workers"],
)
def test_ray_equals_local(
    workers: int, execution: Execution, inputs: Path, local: Built, tmp_path: Path, make_ray_runner: MakeRunner
) -> None:
    built = run_build(recipe(), inputs, tmp_path / "out", make_ray_runner(workers=workers), execution)
    assert tree_digest(built.output) == tree_digest(local.output)


def test_how_rows_come_in_batches_reaches_no_byte(inputs: Path, local: Built, tmp_path: Path) -> None:
    built = run_build(recipe(), inputs, tmp_path / "out", execution=Execution(batch_rows=7))
    assert tree_digest(built.output) == tree_digest(local.output)


def test_the_size_of_shards_changes_files_and_not_the_stream(inputs: Path, local: Built, tmp_path: Path) -> None:
    built = run_build(recipe(shard_bytes=70_000), inputs, tmp_path / "out")
    assert len(built.manifest("tokens").shards) > len(local.manifest("tokens").shards)
    for step in STREAMS:
        np.testing.assert_array_equal(READERS[step](built.manifest(step)), stored(local))
    for step in ROWS:
        np.testing.assert_array_equal(np.sort(READERS[step](built.manifest(step))), np.sort(stored(local)))


@pytest.mark.parametrize("point", ["write.unfinished:9", "commit.recorded:11", "dataset.linked:4", "manifest.staged:5"])
def test_a_killed_build_is_finished_by_the_next_run(point: str, inputs: Path, local: Built, tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert crash_locally(point, inputs, output, partial(recipe)) == -signal.SIGKILL, "the point was not reached"
    run_build(recipe(), inputs, output)
    assert staged_files(output) == []
    assert tree_digest(output) == tree_digest(local.output)
