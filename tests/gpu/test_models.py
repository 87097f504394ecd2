"""Operators give on a GPU what they give on a CPU, within what rounding and precision allow."""

from pathlib import Path

import pyarrow as pa
import pytest

from operators.models.sentence_embedding import SentenceEmbedding
from operators.models.sequence_classifier import SequenceClassifier
from operators.models.settings import ModelSettings
from pipeline.document import TEXT_TYPE
from pipeline.execution.row_pass import open_alone
from pipeline.folder_ref import FolderRef
from pipeline.operator import Annotator, Resources
from pipeline.plan.logical import ArtifactKind, Step, View
from tests.builds import MakeRunner, run_build, tree_digest
from tests.corpus import write_files
from tests.sample_operators import TextLength
from tests.small import read, small_files
from tests.unit.operators.models.tiny_models import pinned, write_tiny_bert

TEXTS = ["The committee met to discuss the plan.", "", "long " * 300, "x", *(f"Page {n}. " * n for n in range(60))]


def columns_of(operator: Annotator) -> dict[str, list[object]]:
    batch = pa.RecordBatch.from_arrays([pa.array(TEXTS, TEXT_TYPE)], names=["text"])
    found: dict[str, list[object]] = open_alone(operator)(batch).to_pydict()
    return found


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> FolderRef:
    pytest.importorskip("torch", reason="needs the extra models")
    return pinned(write_tiny_bert(tmp_path_factory.mktemp("bert")))


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-3), ("bfloat16", 0.1)])
def test_scores_are_those_of_the_cpu(model, dtype, tolerance):
    on_cpu = SequenceClassifier(model=model, settings=ModelSettings(device="cpu"), over_length="chunk_mean")
    on_gpu = on_cpu.model_copy(update={"settings": ModelSettings(device="cuda", dtype=dtype)})
    for found, expected in zip(columns_of(on_gpu).values(), columns_of(on_cpu).values(), strict=True):
        assert found == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_embeddings_are_those_of_the_cpu(model, pooling):
    on_cpu = SentenceEmbedding(model=model, dimensions=16, pooling=pooling, settings=ModelSettings(device="cpu"))
    on_gpu = on_cpu.model_copy(update={"settings": ModelSettings(device="cuda")})
    for found, expected in zip(columns_of(on_gpu)["embedding"], columns_of(on_cpu)["embedding"], strict=True):
        assert found == (None if expected is None else pytest.approx(expected, abs=1e-3))


def test_how_rows_are_batched_changes_no_more_than_the_last_bits(model):
    operator = SequenceClassifier(model=model, settings=ModelSettings(device="cuda"))
    alone = operator.model_copy(update={"settings": ModelSettings(device="cuda", batch_tokens=1)})
    assert columns_of(alone)["classifier_score"] == pytest.approx(columns_of(operator)["classifier_score"], abs=1e-3)


def test_the_gpu_is_taken_where_there_is_one(model):
    from operators.models.transformers_engine import device_of  # noqa: PLC0415 -- loads torch

    del model
    assert device_of(ModelSettings(device="auto")).type == "cuda"


@pytest.mark.ray
def test_two_actors_share_a_gpu_and_give_the_bytes_of_one_process(
    model: FolderRef, tmp_path: Path, make_ray_runner: MakeRunner
) -> None:
    inputs = write_files(tmp_path / "in", small_files(num_files=4))
    score = Step(
        name="scores",
        view=View(base="documents"),
        nodes=(SequenceClassifier(model=FolderRef(uri=str(model.path)), settings=ModelSettings(device="cuda")),),
        write=ArtifactKind.COLUMNS,
        resources={"sequence_classifier": Resources(num_cpus=1, num_gpus=0.5)},
    )
    recipe = read(TextLength(), shard_bytes=1 << 12, more=(score,))
    local = run_build(recipe, inputs, tmp_path / "local")
    on_ray = run_build(recipe, inputs, tmp_path / "ray", make_ray_runner(workers=2))
    assert tree_digest(on_ray.output) == tree_digest(local.output)
