"""What the chaos harness builds: a recipe as people write them, over a few hundred documents, and every shape of plan.

Filters, exact and fuzzy deduplication whose components run in rounds beyond memory, a neural model, training and use of
a tokenizer whose quick engine turns out to be wrong, packing, and the files of a trainer's format.
"""

import gzip
import random
from collections import ChainMap
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Final

from operators.catalogue import catalogue
from operators.dedup.components import ConnectedComponents
from pipeline.plan.logical import Recipe, Step
from pipeline.recipe import Catalogue, parse_recipe
from tests.corpus import BAD_LINES, Record, jsonl, make_records, write_files, zstd
from tests.unit.operators.models.tiny_models import write_tiny_bert
from tests.wrong_engine import WronglyTokenize, is_wrong

NUM_DOCUMENTS: Final = 240
NUM_FILES: Final = 4
"""Plain ones; a gzip and a zstd file stand beside them."""

_STEPS: Final = """
name: chaos
sources:
  docs: {paths: ["docs/*"], columns: {license: string}}
layout: {shard_bytes: 100000, row_group_rows: 40, partition_bytes: 150000}
error_budget: {max_bad_fraction: 0.1}
steps:
  - name: documents
    read: [docs]
    operators:
      - gopher_quality: {min_words: 20, min_stop_words: 1, min_mean_word_chars: 2}
      - gopher_repetition: {max_duplicate_ngram_char_fractions: [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]}
    write: documents
  - name: exact
    base: documents
    exact_deduplication: {}
  - name: near
    base: documents
    bound: [exact]
    minhash_deduplication: {calibration_pairs: 0}
  - name: scores
    base: documents
    bound: [exact, near]
    operators: [{sequence_classifier: {model: model, settings: {device: cpu}}}]
  - name: good
    base: documents
    bound: [exact, near, scores]
    operators: [{score_filter: {column: classifier_score, min_score: -0.1}}]
  - name: vocabulary
    base: documents
    bound: [exact, near, good]
    operators: [{train_tokenizer: {vocab_size: 300, max_chars: 30000}}]
  - name: tokens
    base: documents
    bound: [exact, near, good]
    operators: [{wrongly_tokenize: {tokenizer: "step:vocabulary/tokenizer.json", check_share: 1}}]
    write: documents
    columns: [doc_id, tokens, num_tokens]
  - name: packed
    base: tokens
    operators: [{best_fit: {window: 512}}]
    write: table
  - name: megatron
    base: tokens
    operators: [{megatron: {vocab_size: 300}}]
"""


def real_recipe() -> Recipe:
    """The recipe; its paths are relative to the folder that `write_inputs` fills."""
    found = catalogue()
    tested = Catalogue(ChainMap({WronglyTokenize.name: WronglyTokenize}, found.operators), found.composites)
    recipe = parse_recipe(_STEPS, tested, ())
    return recipe.model_copy(update={"steps": tuple(map(_beyond_memory, recipe.steps))})


def _beyond_memory(step: Step) -> Step:
    """Components in rounds: no base fits into a task that has no memory."""
    nodes = tuple(
        node.model_copy(update={"memory_bytes": 0}) if isinstance(node, ConnectedComponents) else node
        for node in step.nodes
    )
    return step.model_copy(update={"nodes": nodes})


def write_inputs(folder: Path, seed: int = 0) -> Path:
    """Documents in every form that is read, copies and near copies among them, some bad records, and the model."""
    draw = random.Random(seed)
    shared = make_records(draw, "shared", 30)
    files = {}
    for file in range(NUM_FILES + 2):
        records = make_records(draw, f"d{file}", NUM_DOCUMENTS // (NUM_FILES + 2) - 10)
        again = [replace(record, id=f"{file}-{record.id}") for record in draw.sample(shared, 10)]
        lines = [record.line() for record in (*records, *again)]
        lines.insert(17, BAD_LINES[file])
        files[f"docs/{file}.jsonl"] = jsonl(lines)
    files["docs/4.jsonl.gz"] = gzip.compress(files.pop("docs/4.jsonl"), mtime=0)
    files["docs/5.jsonl.zst"] = zstd(files.pop("docs/5.jsonl"))
    files["docs/9.jsonl"] = jsonl([_wrongly_tokenized(draw).line()])
    write_tiny_bert(folder / "model")
    return write_files(folder, files)


def _wrongly_tokenized(draw: random.Random) -> Record:
    """The document, in a shard near the end, at which the quick engine is found out."""
    text = next(record.text for record in make_records(draw, "w", 9) if len(record.text) > 600)
    return Record("wrong", next(found for number in count() if is_wrong(found := f"{text}\nPage {number} of many.")))
