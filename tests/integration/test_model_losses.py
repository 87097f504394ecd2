"""Losses under a language model as a step of a recipe: columns of their own, the same however the build is run."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from operators.catalogue import catalogue
from pipeline.execution.work import Execution
from pipeline.plan.logical import Recipe
from pipeline.recipe import parse_recipe
from tests.builds import Built, MakeRunner, run_build, tree_digest
from tests.corpus import write_files
from tests.small import small_files
from tests.unit.operators.models.tiny_models import write_tiny_llama

pytest.importorskip("torch", reason="the extra `models` is not installed")

RECIPE = """
name: losses
sources:
  docs: {paths: ["docs/*"]}
layout: {shard_bytes: 4096, row_group_rows: 30}
steps:
  - name: documents
    read: [docs]
    operators: [{text_length: {unit: characters}}]
    write: documents
  - name: losses
    base: documents
    operators:
      - language_model_loss: {model: model, settings: {device: cpu, batch_tokens: 512}, window: 48, stride: 24}
  - name: likely
    base: documents
    bound: [losses]
    operators:
      - score_filter: {column: loss_bits_per_byte, min_score: 0}
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents, and a model beside them."""
    folder = write_files(tmp_path_factory.mktemp("in"), small_files(num_documents=60, num_files=3))
    write_tiny_llama(folder / "model")
    return folder


def recipe(*overrides: str) -> Recipe:
    return parse_recipe(RECIPE, catalogue(), overrides)


def losses(built: Built) -> pa.Table:
    manifest = built.manifest("losses")
    return pa.concat_tables([pq.read_table(manifest.path(shard.index, "data")) for shard in manifest.shards])


@pytest.fixture(scope="module")
def reference(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The local build that others are compared with."""
    return run_build(recipe(), inputs, tmp_path_factory.mktemp("reference") / "out")


def test_losses_are_columns_that_later_steps_bind(reference: Built) -> None:
    found = losses(reference)
    assert found.num_rows == 60
    assert len(reference.manifest("losses").shards) > 2
    assert found["loss_nats"].null_count == 0
    assert len(set(found["loss_nats"].to_pylist())) > 30
    assert found["loss_tokens"].to_pylist() == found["loss_bytes"].to_pylist(), "its tokens are bytes"
    assert reference.manifest("likely").total("rows_kept") == 60


@pytest.mark.parametrize("batch_rows", [1, 7])
def test_batches_change_no_byte(reference: Built, inputs: Path, tmp_path: Path, batch_rows: int) -> None:
    built = run_build(recipe(), inputs, tmp_path / "out", execution=Execution(batch_rows=batch_rows))
    assert tree_digest(built.output) == tree_digest(reference.output)


def test_a_stage_that_feeds_a_gpu_changes_no_byte(reference: Built, inputs: Path, tmp_path: Path) -> None:
    on_gpu = RECIPE.replace("  - name: likely", "    resources: {language_model_loss: {num_gpus: 1}}\n  - name: likely")
    built = run_build(parse_recipe(on_gpu, catalogue(), ()), inputs, tmp_path / "out")
    assert losses(built) == losses(reference)
    assert built.manifest("losses").fingerprint == reference.manifest("losses").fingerprint


@pytest.mark.ray
def test_workers_change_no_byte(reference: Built, inputs: Path, tmp_path: Path, make_ray_runner: MakeRunner) -> None:
    builds = [run_build(recipe(), inputs, tmp_path / str(workers), make_ray_runner(workers)) for workers in (1, 2)]
    assert tree_digest(builds[0].output) == tree_digest(builds[1].output)
    # An actor has as many threads as CPUs, this process as many as the machine, so that sums may be added otherwise.
    for built in builds:
        assert losses(built).drop(["loss_nats", "loss_bits_per_character", "loss_bits_per_byte"]) == losses(
            reference
        ).drop(["loss_nats", "loss_bits_per_character", "loss_bits_per_byte"])
        np.testing.assert_allclose(losses(built)["loss_nats"], losses(reference)["loss_nats"], atol=0.1)


def test_what_changes_speed_alone_runs_nothing_again(reference: Built, inputs: Path) -> None:
    faster = recipe("losses.language_model_loss.settings={device: auto, batch_tokens: 64}")
    assert run_build(faster, inputs, reference.output).num_units == 0


def test_another_model_is_another_step(reference: Built, tmp_path: Path) -> None:
    other = tmp_path / "in"
    write_files(other, small_files(num_documents=60, num_files=3))
    write_tiny_llama(other / "model", seed=1)
    built = run_build(recipe(), other, tmp_path / "out")
    assert built.manifest("documents").fingerprint == reference.manifest("documents").fingerprint
    assert built.manifest("losses").fingerprint != reference.manifest("losses").fingerprint
    assert losses(built)["loss_nats"] != losses(reference)["loss_nats"]
