"""The shipped recipe of PreSelect from losses to selected shards: the same bytes every time and on both runners."""

import json
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from jobs.quickstart_models import SHIPPED, model_path
from operators.catalogue import catalogue
from pipeline.artifact import DATA, Manifest
from pipeline.recipe import load_recipe
from pipeline.run import Run, run_recipe
from tests.builds import MakeRunner, tree_digest

RECIPE = SHIPPED.parent / "preselect.yaml"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The local build; nobody writes there."""
    recipe = load_recipe(RECIPE, catalogue())
    return run_recipe(recipe, tmp_path_factory.mktemp("preselect") / "out", directory=RECIPE.parent)


def column(manifest: Manifest, name: str) -> list[object]:
    paths = [path for shard in range(len(manifest.shards)) if (path := manifest.path(shard, DATA))]
    return ds.dataset(paths).to_table(columns=[name])[name].to_pylist()


def test_the_ladder_falls_with_the_order(local: Run) -> None:
    bits = json.loads(model_path(local.manifests["ladder"], "ladder.json").read_text())["bits_per_byte"]
    values = [bits[f"ngram_{order}_nats"] for order in range(1, 6)]
    assert values == sorted(values, reverse=True)
    assert values[0] - values[4] > 0.3


def test_classes_are_equal_parts_of_the_seeds(local: Run) -> None:
    manifests = local.manifests
    seeds, classes = column(manifests["seeds.parts"], "seed_part"), column(manifests["best.classes"], "strength_class")
    assert len(seeds) == len(classes)
    assert {part for part, name in zip(seeds, classes, strict=True) if name} == {"seeds"}
    assert classes.count("positive") == classes.count("negative") == 100


def test_a_tenth_of_the_pool_is_selected_and_no_seed(local: Run) -> None:
    manifests = local.manifests
    found = json.loads(model_path(manifests["best.threshold"], "threshold.json").read_text())
    assert 0.1 <= found["kept_share"] < 0.12
    ids = column(manifests["documents"], "doc_id")
    parts = dict(zip(ids, column(manifests["seeds.parts"], "seed_part"), strict=True))
    scores = dict(zip(ids, column(manifests["best.scores"], "preselect_score"), strict=True))
    selected = column(manifests["selected"], "doc_id")
    assert {parts[doc_id] for doc_id in selected} == {"pool"}
    assert min(scores[doc_id] for doc_id in selected) == found["threshold"]
    assert local.funnel.rows_in == local.funnel.rows_kept + local.funnel.rows_dropped


@pytest.mark.ray
def test_the_same_bytes_again_on_ray(local: Run, tmp_path: Path, make_ray_runner: MakeRunner) -> None:
    recipe = load_recipe(RECIPE, catalogue())
    run_recipe(recipe, tmp_path / "out", directory=RECIPE.parent, runner=make_ray_runner(workers=2))
    assert tree_digest(tmp_path / "out") == tree_digest(local.output)
