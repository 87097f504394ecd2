"""PreSelect on real documents with a ladder of n-gram models: which sources gain, and which lose.

Run as `python -m benchmarks.models.preselect_run`. Reads the folders of ../shared/data/text and writes
benchmarks/results/preselect.md.
"""

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

import pyarrow.dataset as ds
import xxhash

from benchmarks.real_text import documents, missing
from benchmarks.surroundings import ROOT
from jobs.quickstart_models import SHIPPED, model_path
from operators.catalogue import catalogue
from pipeline.artifact import DATA, Manifest
from pipeline.recipe import parse_recipe
from pipeline.run import run_recipe

FOLDERS: Final = ("peps", "msdocs_en", "php_docs", "opentelemetry_docs", "tldr_pages")
TRAINING: Final = ("peps", "msdocs_en")
"""What the models read, but for the seeds."""
DOCUMENTS: Final = 700
"""Of each folder, those of the smallest hashes of their texts."""
MAX_CHARS: Final = 20_000
RESULT: Final = ROOT / "benchmarks/results/preselect.md"
LOSSES: Final = tuple(f"ngram_{order}_nats" for order in range(1, 6))

RECIPE: Final = """
name: preselect_run
sources: {%(sources)s}
layout: {shard_bytes: 4000000}
steps:
  - {name: documents, read: [%(names)s], write: documents, operators: [{text_length: {unit: characters}}]}
  - {name: exact, base: documents, exact_deduplication: {}}
  - name: tokens
    base: documents
    bound: [exact]
    operators: [{tokenize: {tokenizer: %(tokenizer)s, append_eos: false}}]
  - name: seeds
    base: documents
    bound: [exact]
    seeds_apart: {column: source, documents_per_domain: 200}
  - name: training
    base: documents
    bound: [exact, seeds.pool]
    operators: [{value_filter: {column: source, values: [%(training)s]}}]
  - name: ngrams
    base: documents
    bound: [exact, tokens, seeds.pool, training]
    operators: [{train_ngram: {tokenizer: %(tokenizer)s}}]
  - name: losses
    base: documents
    bound: [exact, tokens, seeds]
    operators: [{ngram_loss: {model: "step:ngrams/ngrams.bin"}}]
  - name: ladder
    base: documents
    bound: [exact, seeds, losses]
    operators: [{loss_ladder: {losses: [%(losses)s], bytes_column: ngram_bytes}}]
  - name: best
    base: documents
    bound: [exact, seeds.pool]
    preselect:
      seeds: {base: documents, bound: [exact, seeds, losses]}
      losses: [%(losses)s]
      num_positives: 300
      classifier: {dim: 32, bucket: 100000}
  - {name: selected, base: documents, bound: [exact, seeds.pool, best], write: documents}
"""


def write_inputs(folder: Path) -> None:
    """A sample of each folder's English documents, cut at MAX_CHARS."""
    for name in FOLDERS:
        texts = [document.text[:MAX_CHARS] for document in documents(name, ("en",))]
        texts.sort(key=lambda text: xxhash.xxh3_64_intdigest(text.encode()))
        lines = (json.dumps({"id": f"{name}/{k}", "text": text}) for k, text in enumerate(texts[:DOCUMENTS]))
        (folder / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def table(manifest: Manifest, *columns: str) -> list[dict[str, object]]:
    """Rows of an artifact."""
    paths = [path for shard in range(len(manifest.shards)) if (path := manifest.path(shard, DATA))]
    rows: list[dict[str, object]] = ds.dataset(paths).to_table(columns=list(columns)).to_pylist()
    return rows


def measure(folder: Path) -> str:
    """Builds the recipe in `folder`; returns the page."""
    write_inputs(folder)
    text = RECIPE % {
        "sources": ", ".join(f"{name}: {{paths: {name}.jsonl}}" for name in FOLDERS),
        "names": ", ".join(FOLDERS),
        "training": ", ".join(TRAINING),
        "losses": ", ".join(LOSSES),
        "tokenizer": str(SHIPPED / "tokenizer.json"),
    }
    manifests = run_recipe(parse_recipe(text, catalogue()), folder / "out", directory=folder).manifests
    rows = [
        {**document, **part, **strength, **score}
        for document, part, strength, score in zip(
            table(manifests["documents"], "source", "text_length"),
            table(manifests["seeds.parts"], "seed_part"),
            table(manifests["best.strength"], "predictive_strength"),
            table(manifests["best.scores"], "num_chars"),
            strict=True,
        )
    ]
    ladder = json.loads(model_path(manifests["ladder"], "ladder.json").read_text())
    threshold = json.loads(model_path(manifests["best.threshold"], "threshold.json").read_text())
    selected = Counter[str]()
    for row in table(manifests["selected"], "source", "text_length"):
        selected[str(row["source"])] += int(str(row["text_length"]))
    return page(rows, ladder, threshold, selected)


def page(
    rows: list[dict[str, object]],
    ladder: dict[str, dict[str, object]],
    threshold: dict[str, float],
    selected: Counter[str],
) -> str:
    """What is found, as Markdown."""
    pool = Counter[str]()
    for row in rows:
        if row["seed_part"] == "pool":
            pool[str(row["source"])] += int(str(row["text_length"]))
    lines = [
        "# PreSelect with a ladder of n-gram models",
        "",
        "Written by `python -m benchmarks.models.preselect_run`. The models are n-gram models of orders 1 to 5,",
        f"trained on documents of {' and '.join(TRAINING)}; up to 200 seeds of each source are measured, and a tenth",
        "of the others' characters is kept. These models stand in for language models of different ability: the run",
        "shows that the steps work together, and is no measure of what PreSelect selects with the models of the paper.",
        "",
        "Bits per byte on the seeds, which no model has read: "
        + ", ".join(f"order {order}: {bits:.3f}" for order, bits in enumerate(ladder["bits_per_byte"].values(), 1))
        + ".",
        "",
        f"The threshold keeps {threshold['kept_share']:.1%} of the pool's characters.",
        "",
        "| source | seeds | of strength 1 | mean strength | of the pool's characters | of those selected | gain |",
        "|---|---|---|---|---|---|---|",
    ]
    for source in FOLDERS:
        strengths = [
            float(str(row["predictive_strength"]))
            for row in rows
            if row["source"] == source and row["predictive_strength"] is not None
        ]
        before, after = pool[source] / pool.total(), selected[source] / selected.total()
        lines.append(
            f"| {source} | {len(strengths)} | {strengths.count(1.0) / len(strengths):.0%} | "
            f"{sum(strengths) / len(strengths):.3f} | {before:.1%} | {after:.1%} | {after / before:.2f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measures and writes the page."""
    absent = missing(FOLDERS)
    if absent:
        sys.stderr.write(f"preselect_run: expected the folders {absent}; found none; nothing was measured\n")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        RESULT.write_text(measure(Path(folder)), encoding="utf-8")
    sys.stdout.write(f"{RESULT}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
