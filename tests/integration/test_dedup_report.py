"""The report on near-duplicate removal of real documents: what it says is what plain Python finds."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
import zstandard

from operators.catalogue import catalogue
from operators.dedup.sample_pairs import PAIRS_FILE, Pairs, read_pairs
from operators.dedup.shingles import shingle_hashes
from pipeline.artifact import DATA
from pipeline.execution.work import Execution
from pipeline.recipe import parse_recipe
from tests.builds import Built, run_build
from tests.corpus import write_files

ROOT = Path(__file__).parents[2]
MANUAL = ROOT.parent / "shared" / "data" / "text" / "php_docs" / "part-00000.jsonl.zst"
NUM_DOCUMENTS = 1500
RECIPE = """
name: manual
sources:
  docs: {{paths: docs.jsonl}}
layout: {{shard_bytes: {shard_bytes}, row_group_rows: 100, partition_bytes: 150000}}
steps:
  - {{name: documents, read: docs, write: documents}}
  - {{name: near, {origin}, minhash_deduplication: {{ngram: 2, {fields}}}}}
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not MANUAL.exists():
        pytest.skip(f"needs {MANUAL.relative_to(ROOT.parent)} beside the project")
    return write_files(tmp_path_factory.mktemp("manual"), {"docs.jsonl": "".join(_lines()).encode()})


def _lines() -> Iterator[str]:
    with zstandard.open(MANUAL, "rt", encoding="utf-8") as lines:
        for line in islice(lines, NUM_DOCUMENTS):
            record = json.loads(line)
            yield json.dumps({"id": record["id"], "text": record["text"]}) + "\n"
    yield json.dumps({"id": "blank", "text": "..."}) + "\n"


def built(inputs: Path, output: Path, *, shard_bytes: int = 200_000, batch_rows: int = 512, **fields: Any) -> Built:
    """A build of the recipe; `fields` are settings of the deduplication."""
    origin = fields.pop("origin", "base: documents")
    spelled = ", ".join(f"{name}: {value}" for name, value in fields.items())
    text = RECIPE.format(shard_bytes=shard_bytes, origin=origin, fields=spelled)
    return run_build(parse_recipe(text, catalogue()), inputs, output, execution=Execution(batch_rows=batch_rows))


@pytest.fixture(scope="module")
def reference(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built(inputs, tmp_path_factory.mktemp("reference") / "out")


def file_of(build: Built, step: str, name: str) -> Path:
    manifest = build.manifest(step)
    path = manifest.path(0, name)
    assert path is not None
    return Path(path)


def report_of(build: Built) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file_of(build, "near.report", "report.json").read_text())
    return found


def rows_of(build: Built, step: str) -> pa.Table:
    return ds.dataset(build.manifest(step).folder / DATA).to_table()


def texts_at(build: Built) -> dict[int, str]:
    """{position: text} of the base."""
    manifest = build.manifest("documents")
    texts = {}
    for shard in range(len(manifest.shards)):
        path = manifest.path(shard, DATA)
        assert path is not None
        for row, text in enumerate(ds.dataset(path).to_table(columns=["text"])["text"].to_pylist()):
            texts[shard << 32 | row] = text
    return texts


def exact_similarities(pairs: Pairs, texts: dict[int, str]) -> list[float]:
    similarities = []
    for document, candidate in zip(pairs.documents.tolist(), pairs.candidates.tolist(), strict=True):
        one, other = (set(shingle_hashes(texts[place], 2).tolist()) for place in (document, candidate))
        similarities.append(len(one & other) / len(one | other))
    return similarities


def test_the_report_says_what_the_columns_hold(reference: Built) -> None:
    report = report_of(reference)
    clusters, decisions = rows_of(reference, "near.clusters"), rows_of(reference, "near.decisions")
    members = [cluster for cluster in clusters["cluster"].to_pylist() if cluster is not None]
    assert report["documents"] == NUM_DOCUMENTS + 1
    assert report["without_signature"] == rows_of(reference, "near.signatures")["minhash"].null_count >= 1
    assert report["in_clusters"] == len(members) > 20
    assert report["clusters"] == len(set(members))
    assert report["removed"] == reference.manifest("near").total("rows_dropped") > 0
    assert report["kept_by_verification"] == len(members) - len(set(members)) - report["removed"]
    assert report["largest_buckets"][0]["documents"] == max(filter(None, decisions["bucket_size"].to_pylist()))


def test_similarities_are_exact_and_behave_as_expected(reference: Built) -> None:
    pairs = read_pairs(file_of(reference, "near.pairs", PAIRS_FILE))
    exact = exact_similarities(pairs, texts_at(reference))
    found = report_of(reference)["calibration"]
    assert found["pairs"] == found["sampled"] == found["candidates"] == len(exact) > 60
    assert found["exact"] == pytest.approx(sum(exact) / len(exact), abs=1e-6)
    counts = [
        sum(tenth["from"] <= one < tenth["to"] or one == tenth["to"] == 1 for one in exact) for tenth in found["tenths"]
    ]
    assert [tenth["pairs"] for tenth in found["tenths"]] == counts
    many = [tenth for tenth in found["tenths"] if tenth["pairs"] >= 10]
    assert many
    for tenth in many:
        assert abs(tenth["bias"] - tenth["expected_bias"]) < 4 * 0.048 / tenth["pairs"] ** 0.5, tenth


@pytest.mark.parametrize("verify", ["jaccard", "off"])
def test_however_similarity_is_verified_the_sample_is_the_same(
    reference: Built, inputs: Path, tmp_path: Path, verify: str
) -> None:
    other = built(inputs, tmp_path / "out", verify=verify)
    names = ("pairs", "exact", "estimated", "bias", "shared_bands", "tenths")
    ours, theirs = (report_of(build)["calibration"] for build in (reference, other))
    assert {name: theirs[name] for name in names} == {name: ours[name] for name in names}
    assert ("verify_at" in theirs) == (verify != "off")


def test_shards_and_batches_do_not_change_the_sample(inputs: Path, tmp_path: Path) -> None:
    settings = {"calibration_pairs": 40}
    few, many, over_sources = (
        built(inputs, tmp_path / "few", shard_bytes=10_000_000, batch_rows=7, **settings),
        built(inputs, tmp_path / "many", shard_bytes=60_000, **settings),
        built(inputs, tmp_path / "sources", origin="read: docs", **settings),
    )
    reports = [report_of(build) for build in (few, many, over_sources)]
    assert reports[0] == reports[1] == reports[2]
    assert reports[0]["calibration"]["pairs"] == 40 < reports[0]["calibration"]["candidates"]


def test_without_pairs_there_is_no_sample(inputs: Path, tmp_path: Path) -> None:
    build = built(inputs, tmp_path / "out", calibration_pairs=0)
    assert "calibration" not in report_of(build)
    assert not {"near.pairs", "near.sampled"} & set(build.steps)
