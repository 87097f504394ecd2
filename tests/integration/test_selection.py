"""Selection over a whole build: the same bytes for any workers and batches, and quotas that are what they say."""

import json

import pytest

from operators.select.quota_pool import QUOTAS_FILE
from operators.select.steps import rank_bucket_ensemble, select_by_quota
from operators.select.text_length import TextLength
from pipeline.execution.work import Execution
from pipeline.plan.logical import ArtifactKind, Layout, Recipe, Source, Step, View
from tests.builds import run_build, tree_digest

NUM_ROWS = 300
SCORES = ("style", "facts")
"""Columns of the input, as JSON numbers."""
SCORED = View(base="documents", bound=("lengths",))


def write_sources(folder):
    for source in ("web", "book"):
        (folder / source).mkdir(parents=True)
        for part in range(3):
            rows = (
                {"text": "x" * (1 + 7 * row % 40), "style": row % 10 / 10, "facts": (row * 7 + part) % 5}
                for row in range(NUM_ROWS // (1 if source == "web" else 3))
            )
            (folder / source / f"{part}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def recipe():
    sources = {
        name: Source(paths=(f"{name}/*.jsonl",), columns=dict.fromkeys(SCORES, "float64")) for name in ("web", "book")
    }
    columns = tuple({"column": name, "type": "float64"} for name in SCORES)
    steps = (
        Step(name="documents", view=View(sources=tuple(sources)), write=ArtifactKind.DOCUMENTS),
        Step(name="lengths", view=View(base="documents"), nodes=(TextLength(),), write=ArtifactKind.COLUMNS),
        *rank_bucket_ensemble("ensemble", view=View(base="documents"), columns=columns),
        *select_by_quota(
            "chosen",
            view=SCORED.binding("ensemble"),
            share=0.25,
            weight="text_length",
            cells=("source",),
            scores=("combined_bucket",),
            fill="within",
        ),
        *select_by_quota(
            "repeated", view=SCORED, budget=40_000, weight="text_length", order="random", when_dry="repeat"
        ),
        Step(name="best", view=SCORED.binding("chosen"), write=ArtifactKind.DOCUMENTS),
        Step(name="often", view=View(base="documents", bound=("repeated",)), write=ArtifactKind.DOCUMENTS),
    )
    return Recipe(name="selection", sources=sources, steps=steps, layout=Layout(shard_bytes=20_000))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("selection")
    write_sources(folder)
    return folder, run_build(recipe(), folder, folder / "out")


def quotas_of(built, step):
    manifest = built.manifest(step)
    (shard,) = manifest.shards
    return json.loads((manifest.folder / shard.files[QUOTAS_FILE].name).read_text())


def test_quotas_are_filled_in_every_cell(built):
    _, run = built
    found = quotas_of(run, "chosen.quotas")
    weights = {cell["names"][0]: cell["eligible_weight"] for cell in found["cells"]}
    assert set(weights) == {"web", "book"}
    assert found["budget"] == sum(weights.values()) // 4 == sum(cell["budget"] for cell in found["cells"])
    for cell in found["cells"]:
        assert cell["budget"] - 40 < cell["chosen_weight"] <= cell["budget"]
    assert sum(run.manifest("best").shard_rows) == sum(cell["num_chosen"] for cell in found["cells"])


def test_a_pool_that_runs_dry_is_repeated(built):
    _, run = built
    (cell,) = quotas_of(run, "repeated.quotas")["cells"]
    assert cell["repetitions"] == 40_000 // cell["eligible_weight"] >= 1
    assert 0 <= cell["repetitions"] * cell["eligible_weight"] + cell["chosen_weight"] - 40_000 < 40


@pytest.mark.parametrize("batch_rows", [7, 64])
def test_batches_change_no_byte(built, batch_rows):
    folder, run = built
    other = run_build(recipe(), folder, folder / f"out-{batch_rows}", execution=Execution(batch_rows=batch_rows))
    assert tree_digest(other.output) == tree_digest(run.output)
