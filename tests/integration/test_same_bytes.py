"""One recipe with every kind of operator gives one output tree, wherever and however it is carried out."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.execution.work import Execution
from pipeline.plan.logical import ArtifactKind
from tests.builds import Built, MakeRunner, run_build, staged_files, tree_digest
from tests.corpus import write_corpus
from tests.integration.everything import WEB_FILES, everything

FEW_ROWS_BYTES = 1000
"""Far less than a partition holds, so that reducers read key ranges."""


def test_the_recipe_exercises_every_kind_of_work(reference: Built) -> None:
    """Otherwise the comparisons below would compare little."""
    kinds = {finished.manifest.kind for finished in reference.steps.values()}
    assert kinds == set(ArtifactKind)
    assert len(reference.manifest("documents").shards) > 2
    for step in ("documents", "exact", "near", "best"):
        assert reference.manifest(step).total("rows_dropped") > 5, step
    for step in ("tokens", "chunks", "bins", "archived"):
        assert reference.manifest(step).total("rows_written") > 20, step
    assert reference.manifest("documents").total("rows_quarantined") > 0
    assert len(reference.manifest("near.edges").shards) > 2, "several partitions"


def test_a_finished_build_leaves_no_staged_file(reference: Built) -> None:
    assert staged_files(reference.output) == []


@pytest.mark.ray
@pytest.mark.parametrize(
    ("workers", "execution"),
    [
        (5, Execution()),
        (2, Execution(batch_rows=100, read_bytes=500, exchange_memory_bytes=FEW_ROWS_BYTES)),
        (1, Execution()),
    ],
    ids=["five workers", "two workers with little memory", "one worker"],
)
def test_ray_equals_local(
    workers: int, execution: Execution, reference: Built, corpus: Path, tmp_path: Path, make_ray_runner: MakeRunner
) -> None:
    built = run_build(everything(), corpus, tmp_path / "out", make_ray_runner(workers=workers), execution)
    assert tree_digest(built.output) == tree_digest(reference.output)


@pytest.mark.parametrize(
    "execution",
    [Execution(batch_rows=1, read_bytes=500), Execution(batch_rows=7, exchange_memory_bytes=FEW_ROWS_BYTES)],
    ids=["one row a batch, small reads", "seven rows a batch, exchanges in many passes"],
)
def test_execution_settings_reach_no_byte(execution: Execution, reference: Built, corpus: Path, tmp_path: Path) -> None:
    built = run_build(everything(), corpus, tmp_path / "out", execution=execution)
    assert tree_digest(built.output) == tree_digest(reference.output)


def test_the_order_in_which_files_are_made_and_listed_does_not_matter(reference: Built, tmp_path: Path) -> None:
    moved = write_corpus(tmp_path / "elsewhere", newest_first=True)
    built = run_build(everything(web_paths=WEB_FILES[::-1]), moved, tmp_path / "out")
    assert tree_digest(built.output) == tree_digest(reference.output)


@pytest.mark.ray
def test_one_partition_keeps_the_same_documents_as_several(
    reference: Built, corpus: Path, tmp_path: Path, make_ray_runner: MakeRunner
) -> None:
    """The number of partitions is layout, so bytes may differ between layouts: what is kept may not."""
    whole = everything(partition_bytes=1 << 30)
    local = run_build(whole, corpus, tmp_path / "local")
    assert len(local.manifest("near.edges").shards) == 1
    assert _doc_ids(local, "tokens") == _doc_ids(reference, "tokens")
    on_ray = run_build(whole, corpus, tmp_path / "ray", make_ray_runner())
    assert tree_digest(on_ray.output) == tree_digest(local.output)


def _doc_ids(built: Built, step: str) -> list[bytes]:
    manifest = built.manifest(step)
    paths = [manifest.path(shard.index, "data") for shard in manifest.shards]
    return [doc_id for path in paths for doc_id in pq.read_table(path)["doc_id"].to_pylist()]
