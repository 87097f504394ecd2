"""Canaries: a right deduplication passes, a wrong one ends the run, and no document notices."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from operators.catalogue import catalogue
from operators.dedup import steps
from operators.dedup.choose_survivors import ChooseSurvivors
from pipeline.artifact import DATA
from pipeline.errors import OperatorError
from pipeline.operator import PartitionFunction
from pipeline.plan.logical import Recipe
from pipeline.recipe import parse_recipe
from tests.builds import Built, run_build
from tests.corpus import write_files
from tests.near_copies import near_copies, ranked_lines


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = near_copies(900, seed=5)
    return write_files(tmp_path_factory.mktemp("inputs"), {"a.jsonl": ranked_lines("a", texts, rank=0)})


def recipe(settings: str) -> Recipe:
    return parse_recipe(
        f"""
name: built
sources: {{docs: {{paths: a.jsonl, columns: {{rank: int64}}}}}}
layout: {{shard_bytes: 65536}}
steps:
  - {{name: documents, read: docs, write: documents}}
  - {{name: near, base: documents, minhash_deduplication: {{{settings}}}}}
""",
        catalogue(),
    )


def files(built: Built, step: str) -> list[dict[str, str]]:
    """Digests of an artifact's files."""
    return [{role: file.digest for role, file in shard.files.items()} for shard in built.manifest(step).shards]


def test_a_right_deduplication_passes_and_documents_do_not_notice(inputs: Path, tmp_path: Path) -> None:
    with_canaries = run_build(recipe("canaries: 250"), inputs, tmp_path / "with")
    without = run_build(recipe("order_by: []"), inputs, tmp_path / "without")
    for step in ("near.signatures", "near.edges", "near.clusters", "near.decisions", "near"):
        assert files(with_canaries, step) == files(without, step)
    manifest = with_canaries.manifest("near.canaries.report")
    report = json.loads((manifest.folder / manifest.shards[0].files["report.json"].name).read_text())
    copies = {band["from_jaccard"]: band for band in report if band["kind"] == "copies"}
    assert copies[0.9]["removed_fraction"] > 0.95 > copies[0.5]["removed_fraction"] + 0.5
    planted = sum(band["num_canaries"] for band in report)
    rows = [pq.read_metadata(with_canaries.manifest("near.canaries").path(shard.index, DATA)).num_rows
            for shard in with_canaries.manifest("near.canaries").shards]  # fmt: skip
    assert 150 < planted == sum(rows) <= 250


class ForgetsTheFirst(ChooseSurvivors):
    """A wrong hub rule: the first document of a cluster's buckets is nobody's candidate."""

    def open(self) -> PartitionFunction:
        right = super().open()

        def decide(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                found = right(iter([batch]))
                yield from (
                    part.set_column(1, part.schema.field(1), pa.nulls(len(part), pa.binary(16))) for part in found
                )

        return decide


def test_a_wrong_hub_rule_ends_the_run(inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "ChooseSurvivors", ForgetsTheFirst)
    message = (
        r"^canary_report: copies of Jaccard similarity 0.\d to \d.\d: expected \d.\d+ of \d+ canaries to be removed, "
        r"within 0.\d+; found 0.000; an operator between signatures and decisions does not do"
    )
    with pytest.raises(OperatorError, match=message):
        run_build(recipe("canaries: 250"), inputs, tmp_path / "out")


@pytest.mark.parametrize("verify", ["jaccard", "'off'"])
def test_every_verification_is_checked_by_what_it_promises(inputs: Path, tmp_path: Path, verify: str) -> None:
    built = run_build(recipe(f"canaries: 250, verify: {verify}"), inputs, tmp_path / "out")
    assert built.manifest("near.canaries.report").shards
