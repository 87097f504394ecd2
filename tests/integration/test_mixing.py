"""A mix over a whole build: what was asked for, each row under an id of its own, one order for any workers."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from scipy import stats

from operators.catalogue import catalogue
from operators.mix.mix_pool import MIX_FILE
from pipeline.artifact import DATA
from pipeline.execution.work import Execution
from pipeline.plan.logical import Recipe
from pipeline.recipe import parse_recipe
from pipeline.recorded_run import load_run
from pipeline.report.fate import find_fates
from tests.builds import Built, MakeRunner, run_build, tree_digest

NUM_ROWS = {"web": 900, "book": 150, "code": 60}
BUDGET = 40_000
RECIPE = """
name: mixed
sources:
  web: {paths: web/*.jsonl}
  book: {paths: book/*.jsonl}
  code: {paths: code/*.jsonl}
layout: {shard_bytes: 8000, partition_bytes: 16000}
steps:
  - name: documents
    read: [web, book, code]
    operators: [text_length]
    write: documents
  - name: mixed
    base: documents
    mix:
      budget: 40_000
      size: text_length
      parts: {web: {weight: 3}, book: {weight: 1}, code: {epochs: 2.5}}
  - name: repeated
    base: documents
    bound: [mixed.repetitions, mixed]
    operators: [repeat_rows]
    write: documents
  - name: shuffled
    base: repeated
    shuffle: {columns: [doc_id, parent_doc_id, source, text, text_length]}
  - name: again
    base: shuffled
    shuffle: {of: windows, columns: [doc_id, text]}
  - name: epochs
    base: documents
    random_subsets: {num_epochs: 3, share: 0.2, size: text_length}
"""


def write_sources(folder: Path) -> None:
    for source, num_rows in NUM_ROWS.items():
        (folder / source).mkdir(parents=True)
        for part in range(3):
            rows = [
                {"id": f"{source}-{row}", "text": f"{row} " + "x" * (3 + 7 * row % 90)}
                for row in range(part, num_rows, 3)
            ]
            (folder / source / f"{part}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def recipe() -> Recipe:
    return parse_recipe(RECIPE, catalogue())


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixing")
    write_sources(folder)
    return folder


@pytest.fixture(scope="module")
def built(inputs: Path) -> Built:
    """Nobody writes into it."""
    return run_build(recipe(), inputs, inputs / "out")


def rows(built: Built, step: str) -> list[dict[str, Any]]:  # Any: of an artifact
    """All rows of an artifact, shard after shard."""
    manifest = built.manifest(step)
    paths = [manifest.path(shard.index, DATA) for shard in manifest.shards]
    return [row for path in paths if path is not None for row in pq.read_table(path).to_pylist()]


def test_each_source_is_within_one_document_of_its_budget(built: Built) -> None:
    (shard,) = built.manifest("mixed.budgets").shards
    folder = built.manifest("mixed.budgets").folder
    parts = {part["name"]: part for part in json.loads((folder / shard.files[MIX_FILE].name).read_text())["parts"]}
    obtained = Counter(dict.fromkeys(NUM_ROWS, 0))
    for row in rows(built, "repeated"):
        obtained[row["source"]] += row["text_length"]
    sizes = {
        source: sum(row["text_length"] for row in rows(built, "documents") if row["source"] == source)
        for source in NUM_ROWS
    }
    code = sizes["code"] * 5 // 2
    asked = {"code": code, "web": (BUDGET - code) * 3 // 4, "book": (BUDGET - code) // 4}
    for source, part in parts.items():
        assert part["obtained_tokens"] == obtained[source]
        assert abs(part["asked_tokens"] - asked[source]) <= 1
        assert 0 <= obtained[source] - part["asked_tokens"] < 100


def test_no_id_stands_twice_and_copies_name_their_original(built: Built) -> None:
    originals = {row["doc_id"]: row["text"] for row in rows(built, "documents")}
    repeated = rows(built, "repeated")
    assert len({row["doc_id"] for row in repeated}) == len(repeated)
    assert all(originals[row["parent_doc_id"]] == row["text"] for row in repeated)
    chosen = {row["parent_doc_id"] for row in repeated}
    assert built.manifest("mixed").total("rows_dropped") == len(originals) - len(chosen)
    assert chosen == {row["doc_id"] for row in repeated} & set(originals), "an original keeps its id"


@pytest.mark.parametrize(("step", "before"), [("shuffled", "repeated"), ("again", "shuffled")])
def test_a_shuffle_has_the_same_rows_in_a_random_order(built: Built, step: str, before: str) -> None:
    ordered, shuffled = (rows(built, name) for name in (before, step))
    assert len(built.manifest(step).shards) > 2
    places = {row["doc_id"]: place for place, row in enumerate(ordered)}
    order = [places[row["doc_id"]] for row in shuffled]
    assert sorted(order) == list(range(len(ordered)))
    assert abs(stats.spearmanr(order, range(len(order))).statistic) < 4 / len(order) ** 0.5
    assert {row["doc_id"]: row["text"] for row in shuffled} == {row["doc_id"]: row["text"] for row in ordered}


def test_subsets_name_documents_of_the_base(built: Built) -> None:
    lines = rows(built, "epochs")
    assert list(lines[0]) == ["epoch", "shard", "row", "doc_id", "text_length"]
    assert [line["epoch"] for line in lines] == sorted(line["epoch"] for line in lines)
    manifest = built.manifest("documents")
    tables = {
        shard.index: pq.read_table(manifest.path(shard.index, DATA))["doc_id"].to_pylist() for shard in manifest.shards
    }
    assert all(tables[line["shard"]][line["row"]] == line["doc_id"] for line in lines)
    total = sum(row["text_length"] for row in rows(built, "documents"))
    for epoch in range(3):
        size = sum(line["text_length"] for line in lines if line["epoch"] == epoch)
        assert 0 <= size - total // 5 < 100


def test_explain_follows_a_document_to_its_place_and_a_copy_to_its_original(built: Built) -> None:
    run = load_run(built.output)
    copy = next(row for row in rows(built, "repeated") if row["doc_id"] != row["parent_doc_id"])
    place = [row["doc_id"] for row in rows(built, "shuffled")].index(copy["parent_doc_id"])
    (fate,) = find_fates(run, copy["parent_doc_id"].hex())
    told = {event.step: event.detail for event in fate.events if event.action == "stored"}
    num = sum(row["parent_doc_id"] == copy["parent_doc_id"] for row in rows(built, "repeated"))
    assert told["repeated"].endswith(f"copies = {num - 1}")
    shards = built.manifest("shuffled").shard_rows
    shard = next(index for index in range(len(shards)) if sum(shards[: index + 1]) > place)
    assert told["shuffled"].startswith(f"shard {shard}, row {place - sum(shards[:shard])}")
    (of_copy,) = find_fates(run, copy["doc_id"].hex())
    assert of_copy.doc_id == fate.doc_id
    assert any(event.action == "copy" and copy["doc_id"].hex() in event.detail for event in of_copy.events)


@pytest.mark.parametrize("execution", [Execution(batch_rows=7), Execution(exchange_memory_bytes=2000)])
def test_batches_and_budgets_change_no_byte(inputs: Path, built: Built, tmp_path: Path, execution: Execution) -> None:
    other = run_build(recipe(), inputs, tmp_path / "out", execution=execution)
    assert tree_digest(other.output) == tree_digest(built.output)


@pytest.mark.parametrize("workers", [2])
def test_workers_change_no_byte(
    inputs: Path, built: Built, tmp_path: Path, make_runner: MakeRunner, workers: int
) -> None:
    other = run_build(recipe(), inputs, tmp_path / "out", make_runner(workers=workers))
    assert tree_digest(other.output) == tree_digest(built.output)
