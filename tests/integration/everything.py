"""A recipe with an operator of every kind, over the corpus of tests."""

from operators.catalogue import catalogue
from pipeline.plan.logical import Recipe
from pipeline.recipe import parse_recipe

_STEPS = """
name: everything
sources:
  web: {paths: %(web_paths)s, root: web, columns: {license: string}}
  reference: {paths: [reference/*.jsonl*], columns: {license: string}}
  archive: {paths: [archive/*.parquet]}
layout: {shard_bytes: 120000, row_group_rows: 50, partition_bytes: %(partition_bytes)d}
steps:
  - name: documents
    read: [web, reference]
    operators:
      - language_id
      - language_filter: {languages: [en, de], min_score: 0.5}
      - gopher_quality: {min_stop_words: 0, min_mean_word_chars: 2}
      - gopher_repetition: {max_duplicate_ngram_char_fractions: [0.3, 0.25, 0.2, 0.15, 0.15, 0.1]}
    write: documents
  - name: exact
    base: documents
    exact_deduplication: {}
  - name: near
    base: documents
    bound: [exact]
    minhash_deduplication: {order_by: [-language_score]}
  - name: classifier
    base: documents
    bound: [exact, near]
    operators: [{train_fasttext: {positive: [reference], negative: [web], dim: 4, bucket: 1000, epoch: 2}}]
  - name: best
    base: documents
    bound: [exact, near]
    select_by_share: {model: "step:classifier/model.bin", share: %(share)s}
  - name: vocabulary
    base: documents
    bound: [exact, near, best]
    operators: [{train_tokenizer: {vocab_size: 400, max_chars: 60000}}]
  - name: tokens
    base: documents
    bound: [exact, near, best]
    operators: [{tokenize: {tokenizer: "step:vocabulary/tokenizer.json"}}]
    write: documents
    columns: [doc_id, tokens, num_tokens]
  - name: chunks
    base: tokens
    operators: [{concat_and_chunk: {window: 100}}]
    write: table
  - name: bins
    base: tokens
    operators: [{best_fit: {window: 700}}]
    write: table
  - name: indexed
    base: tokens
    operators: [{megatron: {vocab_size: 400}}]
  - name: flat
    base: bins
    operators: [{datatrove_ds: {flatten: true}}]
  - name: archived
    read: archive
    operators: [language_id]
    write: documents
  - name: archived_lines
    base: archived
    line_deduplication: {order_by: [-language_score], min_words: 2}
  - name: archived_text
    base: archived
    bound: [archived_lines]
    operators: [remove_lines, drop_emptied, {remove_repeated_lines: {min_words: 1, unit: paragraph}}]
    write: documents
    columns: [doc_id, text]
  - name: archived_once
    base: archived
    exact_deduplication: {order_by: [-language_score]}
"""

WEB_FILES = ("web/a.jsonl", "web/b.jsonl.gz", "web/c.jsonl.zst", "web/d.jsonl", "web/more/e.jsonl")


def everything(
    *,
    web_paths: tuple[str, ...] = ("web/**/*.jsonl*",),
    partition_bytes: int = 150_000,
    share: float = 0.7,
    overrides: tuple[str, ...] = (),
) -> Recipe:
    """The recipe; its paths are relative to the corpus."""
    text = _STEPS % {"web_paths": list(web_paths), "partition_bytes": partition_bytes, "share": share}
    return parse_recipe(text, catalogue(), overrides)
