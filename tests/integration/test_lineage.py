"""`corpusmill explain` tells where a document's tokens lie in token stores and windows, and whose a token is."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from jobs.cli import app
from operators.catalogue import catalogue
from pipeline.artifact import DATA, Manifest
from pipeline.errors import PlanError
from pipeline.recipe import parse_recipe
from pipeline.recorded_run import load_run
from pipeline.report.fate import find_fates
from pipeline.report.lineage import Lineage, TokenRange
from tests.builds import Built, run_build
from tests.corpus import write_files
from tests.small import small_files

_RECIPE = """
name: traced
sources:
  docs: {paths: 'docs/*', columns: {year: int64}}
layout: {shard_bytes: 16384, row_group_rows: 20}
steps:
  - name: documents
    read: docs
    operators:
      - gopher_quality: {min_words: 8, min_stop_words: 0}
    write: documents
  - name: vocabulary
    base: documents
    operators:
      - train_tokenizer: {vocab_size: 300}
  - name: tokens
    base: documents
    operators:
      - tokenize: {tokenizer: "step:vocabulary/tokenizer.json"}
    write: documents
    columns: [doc_id, text, tokens, num_tokens]
  - name: chunks
    base: tokens
    operators:
      - concat_and_chunk: {window: 64}
  - name: bins
    base: tokens
    operators:
      - best_fit: {window: 64}
  - name: exact
    base: tokens
    exact_deduplication: {}
  - name: stream
    base: tokens
    bound: [exact]
    operators:
      - datatrove_ds
  - name: flat
    base: bins
    operators:
      - datatrove_ds: {flatten: true}
"""


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A build with several shards; nobody writes into it."""
    folder = tmp_path_factory.mktemp("traced")
    inputs = write_files(folder / "in", small_files())
    return run_build(parse_recipe(_RECIPE, catalogue()), inputs, folder / "out")


def rows(manifest: Manifest) -> Iterator[tuple[int, int, dict[str, Any]]]:  # Any: values of columns
    for shard in manifest.shards:
        for row, values in enumerate(pq.read_table(manifest.path(shard.index, DATA)).to_pylist()):
            yield shard.index, row, values


def test_ranges_name_the_documents_own_tokens(traced: Built) -> None:
    store = {(shard, row): values for shard, row, values in rows(traced.manifest("tokens"))}
    tokens = {values["doc_id"]: values["tokens"] for values in store.values()}
    assert len(traced.manifest("tokens").shards) > 2
    assert len(tokens) == len(store) > 100
    lineage = lineage_of(traced)
    num_cut = 0
    for packing in ("chunks", "bins"):
        windows = {(shard, row): values["input_ids"] for shard, row, values in rows(traced.manifest(packing))}
        for (shard, row), values in list(store.items())[::17]:
            (stored,) = lineage.ranges("tokens", values["doc_id"])
            assert (stored.shard, stored.row, stored.end - stored.start) == (shard, row, values["num_tokens"])
            ranges = lineage.ranges(packing, values["doc_id"])
            num_cut += len(ranges) > 1
            assert [token for one in ranges for token in ids_of(windows, one)] == values["tokens"]
    assert num_cut > 3


def ids_of(windows: dict[tuple[int, int], list[int]], found: TokenRange) -> list[int]:
    assert found.place is not None
    return windows[found.shard, found.row][found.place : found.place + found.end - found.start]


def test_a_run_knows_which_steps_move_rows_between_shards(traced: Built) -> None:
    moving = {step.step: step.moves_rows for step in load_run(traced.output).steps}
    assert [name for name in ("documents", "tokens", "chunks", "bins", "stream", "flat") if moving[name]] == []
    assert moving["vocabulary"]
    assert moving["exact"]


@pytest.mark.parametrize("step", ["stream", "flat"])
def test_ranges_name_a_documents_tokens_in_the_files_of_a_trainer(step: str, traced: Built) -> None:
    manifest = traced.manifest(step)
    files = {name: np.fromfile(manifest.folder / "dataset" / name, "<u2") for name in token_files(manifest)}
    lineage = lineage_of(traced)
    num_gone = 0
    for _, _, values in list(rows(traced.manifest("tokens")))[::17]:
        ranges = lineage.ranges(step, values["doc_id"])
        found = [token for one in ranges for token in files[one.files[0]][one.start : one.end].tolist()]
        num_gone += not found
        assert found in (values["tokens"], [])
    assert (num_gone > 0) == (step == "stream"), "copies are not in it"
    name, tokens = next(iter(files.items()))
    owner = lineage.owner(step, 0, len(tokens) - 1)
    assert (owner.tokens.end, owner.tokens.files[0]) == (len(tokens), name)


def token_files(manifest: Manifest) -> list[str]:
    return [name for shard in manifest.shards for name in manifest.dataset_files(shard.index) if name.endswith(".ds")]


def lineage_of(built: Built) -> Lineage:
    return Lineage(load_run(built.output).steps, {name: step.manifest for name, step in built.steps.items()})


def test_a_document_is_followed_into_stores_and_windows(traced: Built) -> None:
    (fate,) = find_fates(load_run(traced.output), "n120", catalogue())
    told = [(event.step, event.action, event.tokens) for event in fate.events if event.tokens is not None]
    lineage = lineage_of(traced)
    doc_id = bytes.fromhex(fate.doc_id)
    expected = [("tokens", "stored", one) for one in lineage.ranges("tokens", doc_id)]
    actions = {"chunks": "packed", "bins": "packed", "stream": "written", "flat": "written"}
    expected += [(step, action, one) for step, action in actions.items() for one in lineage.ranges(step, doc_id)]
    assert told == expected
    assert {step for step, _, _ in told} == {"tokens", *actions}


def test_the_command_line_tells_it_both_ways(traced: Built) -> None:
    run = str(traced.output)
    told = CliRunner().invoke(app, ["explain", run, "n120"]).stdout
    (line,) = [line for line in told.splitlines() if line.startswith("  tokens: stored, shard ")]
    place, values = line.split(": ", 1)[1].removeprefix("stored, ").split(": ")
    shard, _, tokens = place.split(", ")
    start, end = map(int, tokens.removeprefix("tokens ").split(":"))
    assert values == f"num_tokens = {end - start}"
    at = f"tokens:{shard.removeprefix('shard ')}:{start + 2}"
    back = CliRunner().invoke(app, ["explain", run, "--at", at]).stdout
    assert back == f"{at}: token 2 of a document of {end - start}, {place}\n{told}"
    parsed = json.loads(CliRunner().invoke(app, ["explain", run, "--at", at, "--json"]).stdout)
    assert parsed["owner"]["doc_id"] == parsed["fates"][0]["doc_id"]
    assert (parsed["owner"]["token"], parsed["owner"]["tokens"]["start"]) == (start + 2, start)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected either DOC or --at STEP:SHARD:TOKEN; found both or none"),
        (["n120", "--at", "tokens:0:0"], "expected either DOC or --at STEP:SHARD:TOKEN; found both or none"),
        (
            ["--at", "tokens:0"],
            "--at: expected STEP:SHARD:TOKEN with two numbers, such as tokens:3:120; found 'tokens:0'",
        ),
        (["--at", "tokens:0:-1"], "found 'tokens:0:-1'"),
        (["--at", "documents:0:0"], "step 'documents': expected a finished step that left tokens of known documents"),
    ],
)
def test_wrong_questions_are_named(arguments: list[str], message: str, traced: Built) -> None:
    failed = CliRunner().invoke(app, ["explain", str(traced.output), *arguments])
    assert isinstance(failed.exception, PlanError)
    assert message in str(failed.exception)
