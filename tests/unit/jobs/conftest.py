"""A small recipe file with a tokenizer, deduplication and packing, and one local build of it."""

import json
from pathlib import Path

import pytest

from operators.catalogue import catalogue
from pipeline.execution.local import LocalRunner
from pipeline.execution.prepare import PreparedRecipe, prepare
from pipeline.execution.work import Execution
from pipeline.recipe import load_recipe
from pipeline.run import Run, run_prepared

RECIPE = """\
name: small
sources:
  docs: {paths: '*.jsonl'}
layout: {shard_bytes: 1024}
steps:
  - name: documents
    read: docs
    operators:
      - gopher_quality: {min_words: 8, min_stop_words: 0}
    write: documents
  - name: exact
    base: documents
    exact_deduplication: {}
  - name: near
    base: documents
    bound: [exact]
    minhash_deduplication: {verify_at: 0.5}
  - name: vocabulary
    base: documents
    operators:
      - train_tokenizer: {vocab_size: 300}
  - name: tokens
    base: documents
    bound: [exact, near]
    operators:
      - tokenize: {tokenizer: "step:vocabulary/tokenizer.json"}
    write: documents
    columns: [doc_id, tokens, num_tokens]
  - name: packed
    base: tokens
    operators:
      - best_fit: {window: 64}
    write: table
"""

STORY = " ".join(first + second + "er" for first in ("ba", "co", "di", "fe", "gu", "ka") for second in "lmnoprstvx")
"""Sixty different words: near-duplicates are judged by words without digits."""
TEXTS = {  # three to a file, and each file is a shard
    "story": f"It is told that\n{STORY} the end",
    "retold": f"It is told that\n{STORY} an end",
    "copy": f"It is told that\n{STORY} the end",
    "other": "Nothing of what stands here stands in the other documents at all, so it stays.",
    "short": "too short",
    "list": "one two three",
}


@pytest.fixture(scope="session")
def recipe_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recipe beside its input; nobody writes there."""
    folder = tmp_path_factory.mktemp("small")
    lines = (json.dumps({"id": name, "text": text}) for name, text in TEXTS.items())
    for number, line in enumerate(lines):
        with (folder / f"{number // 3}.jsonl").open("a") as stream:
            stream.write(line + "\n")
    (folder / "small.yaml").write_text(RECIPE)
    return folder / "small.yaml"


@pytest.fixture(scope="session")
def prepared(recipe_file: Path) -> PreparedRecipe:
    """The recipe, with pinned files."""
    return prepare(load_recipe(recipe_file, catalogue()), recipe_file.parent)


@pytest.fixture(scope="session")
def finished(prepared: PreparedRecipe, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Its build; nobody writes there."""
    output = tmp_path_factory.mktemp("built") / "out"
    return run_prepared(prepared, output, LocalRunner(), Execution(), [].append)


@pytest.fixture(scope="session")
def finished_folder(finished: Run) -> Path:
    """Where that build lies; nobody writes there."""
    return finished.output
