"""Builds against the index of an earlier one: the same documents stay as in one build over everything."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from operators.catalogue import catalogue
from pipeline.artifact import DATA
from pipeline.errors import PipelineError, PlanError, SchemaError, StorageError
from pipeline.plan.logical import Recipe
from pipeline.recipe import parse_recipe
from pipeline.recorded_run import load_run
from pipeline.report.fate import find_fates
from pipeline.run import run_recipe
from tests.builds import Built, MakeRunner, run_build, tree_digest
from tests.corpus import write_files
from tests.near_copies import near_copies, ranked_lines

_BANKS = [near_copies(1, seed=seed)[0] for seed in (11, 12)]
_A = [*near_copies(60, seed=1), *_BANKS]
_B = [*near_copies(50, seed=2, of=_A), " ".join(_BANKS)]
"""Its last text is half of each of the last two of A: it joins their clusters, where bands are short."""
_C = near_copies(30, seed=3, of=[*_A, *_B])
_PARTS = {"a": _A, "b": _B, "c": _C}
_RECIPE = """
name: built
sources:
  {source}: {{paths: {paths}, id_from: column, columns: {{rank: int64}}}}
imports: {imports}
layout: {{shard_bytes: 4096, partition_bytes: 16384}}
steps:
  - name: documents
    read: {source}
    write: documents
  - name: near
    base: documents
    against: {against}
    minhash_deduplication: {fields}
  - name: kept
    base: documents
    bound: [near]
    write: documents
    columns: [doc_id, input_id]
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {f"{name}.jsonl": ranked_lines(name, texts, rank=rank) for rank, (name, texts) in enumerate(_PARTS.items())}
    return write_files(tmp_path_factory.mktemp("inputs"), files)


@pytest.fixture(scope="module")
def first(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Part A with an index, by default settings. Tests only read it."""
    return run_build(recipe("a"), inputs, tmp_path_factory.mktemp("first") / "a")


@pytest.fixture(scope="module")
def second(inputs: Path, first: Built, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Part B against the index of A."""
    return run_build(recipe("b", {"old": first.output}), inputs, tmp_path_factory.mktemp("second") / "b")


def recipe(parts: str, against: Mapping[str, Path] | None = None, **fields: Any) -> Recipe:  # Any: a recipe's fields
    """Near-duplicate removal of the files of `parts`, against the indexes of earlier builds."""
    runs = against or {}
    text = _RECIPE.format(
        source="docs",
        paths=[f"{part}.jsonl" for part in parts],
        imports={name: {"run": str(run), "step": "near.index"} for name, run in runs.items()},
        against=list(runs),
        fields={"order_by": ["rank"], "index": True, **fields},
    )
    return parse_recipe(text, catalogue())


def kept(built: Built) -> set[str]:
    """Ids of the documents that stay."""
    return {str(row["input_id"]) for row in rows(built, "kept")}


def rows(built: Built, step: str) -> list[dict[str, Any]]:  # Any: of an artifact
    """All rows of an artifact."""
    manifest = built.manifest(step)
    paths = [manifest.path(shard.index, DATA) for shard in manifest.shards]
    return [row for path in paths if path is not None for row in pq.read_table(path).to_pylist()]


@pytest.mark.parametrize("fields", [{}, {"verify": "jaccard", "verify_at": 0.85, "hubs": 1}])
def test_one_part_after_the_other_keeps_what_one_build_keeps(
    inputs: Path, tmp_path: Path, fields: dict[str, Any]
) -> None:
    full = run_build(recipe("ab", **fields), inputs, tmp_path / "full")
    first = run_build(recipe("a", **fields), inputs, tmp_path / "a")
    second = run_build(recipe("b", {"old": first.output}, **fields), inputs, tmp_path / "b")
    assert kept(first) | kept(second) == kept(full)
    assert 10 < len(kept(second)) < len(_B) - 5
    alone = run_build(recipe("b", **fields), inputs, tmp_path / "alone")
    assert len(kept(second)) < len(kept(alone))
    assert not any(row["retro_removed"] for row in rows(second, "near.changes"))


def test_unverified_a_full_build_keeps_what_parts_keep_but_what_they_removed_in_retrospect(
    inputs: Path, tmp_path: Path
) -> None:
    fields = {"verify": "off", "num_bands": 30, "rows_per_band": 3}
    full = run_build(recipe("ab", **fields), inputs, tmp_path / "full")
    first = run_build(recipe("a", **fields), inputs, tmp_path / "a")
    second = run_build(recipe("b", {"old": first.output}, **fields), inputs, tmp_path / "b")
    names = {row["doc_id"]: row["input_id"] for row in rows(first, "documents")}
    retro = {names[row["doc_id"]] for row in rows(second, "near.changes") if row["retro_removed"]}
    assert retro
    assert (kept(first) | kept(second)) - retro == kept(full)


def test_chains_keep_what_one_build_keeps(
    inputs: Path, first: Built, second: Built, tmp_path: Path, make_runner: MakeRunner
) -> None:
    full = run_build(recipe("abc"), inputs, tmp_path / "full")
    both = {"a": first.output, "b": second.output}
    with pytest.raises(PlanError, match=r"table 'b': expected generations below 1.*; found 1; set generation to 2"):
        run_build(recipe("c", both), inputs, tmp_path / "c")
    c = run_build(recipe("c", both, generation=2), inputs, tmp_path / "c", make_runner())
    assert kept(first) | kept(second) | kept(c) == kept(full)
    again = run_build(recipe("c", both, generation=2), inputs, tmp_path / "again")
    assert tree_digest(c.output) == tree_digest(again.output)


def test_what_became_of_old_documents_is_told(first: Built, second: Built) -> None:
    known = {row["doc_id"]: row for row in rows(first, "near.index")}
    clusters = {row["doc_id"]: row for row in rows(second, "near.index")}
    changes = rows(second, "near.changes")
    assert changes
    for row in changes:
        before = known[row["doc_id"]]
        assert (before["known_cluster_id"], before["known_cluster_size"]) == (
            row["known_cluster_id"],
            row["known_cluster_size"],
        )
        assert row["cluster_size"] > (row["known_cluster_size"] or 0)
    joined = {row["known_cluster_id"] for row in clusters.values()} & known.keys()
    assert joined == {row["cluster_id"] for row in changes}
    assert {row["generation"] for row in clusters.values()} == {1}


def test_an_explained_document_names_its_survivor_in_the_index(
    inputs: Path, first: Built, second: Built, tmp_path: Path
) -> None:
    old = {row["doc_id"] for row in rows(first, "near.index")}
    gone = next(row for row in rows(second, "near.index") if row["known_survivor"] in old)
    run = run_recipe(recipe("b", {"old": first.output}), tmp_path / "b", directory=inputs)
    (fate,) = find_fates(load_run(run.output), gone["doc_id"].hex())
    (drop,) = [event for event in fate.events if event.action == "drop"]
    assert (fate.verdict, drop.survivor) == ("dropped", gone["known_survivor"].hex())
    assert drop.detail == "the survivor is in old"


def test_where_the_other_run_lies_is_no_part_of_the_result(inputs: Path, tmp_path: Path) -> None:
    first = run_build(recipe("a"), inputs, tmp_path / "a")
    run_build(recipe("b", {"old": first.output}), inputs, tmp_path / "b")
    moved = first.output.rename(tmp_path / "moved")
    again = run_build(recipe("b", {"old": moved}), inputs, tmp_path / "b")
    assert again.num_units == 0


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"num_bands": 10}, SchemaError, r"column 'minhash_buckets' of 'old' as .*\[80\].*; found .*\[112\]"),
        ({"seed": 7}, PlanError, r"table 'old': expected signatures with seed 7, as this build .*; found seed 1;"),
        (
            {"unit": "character", "ngram": 20},
            PlanError,
            r"expected signatures with ngram 20, unit character, .*; found ngram 5, unit word; deduplicate with",
        ),
        ({"verify": "jaccard"}, SchemaError, r"against: needs columns \['shingles'\] of 'old' too"),
        ({"order_by": ["source"]}, SchemaError, r"against: needs columns \['source'\] of 'old' too"),
        ({"generation": 0}, PlanError, r"expected generations below 0.*; found 0; set generation to 1 or more"),
    ],
)
def test_an_index_that_does_not_fit_is_refused(
    inputs: Path, first: Built, tmp_path: Path, fields: dict[str, Any], error: type[PipelineError], message: str
) -> None:
    with pytest.raises(error, match=message):
        run_build(recipe("b", {"old": first.output}, **fields), inputs, tmp_path / "b")


def test_a_damaged_index_is_refused_before_anything_is_compared(inputs: Path, tmp_path: Path) -> None:
    first = run_build(recipe("a"), inputs, tmp_path / "a")
    path = Path(str(first.manifest("near.index").path(1, DATA)))
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 3] ^= 1
    path.write_bytes(whole)
    with pytest.raises(
        StorageError, match=r"^imports.old: file '.*': expected digest \w+, as step 'near.index' left it"
    ):
        run_build(recipe("b", {"old": first.output}), inputs, tmp_path / "b")
    path.write_bytes(whole[:-1])
    with pytest.raises(
        StorageError, match=r"^imports.old: file '.*': expected \d+ bytes, .*; found \d+ bytes; restore"
    ):
        run_build(recipe("b", {"old": first.output}), inputs, tmp_path / "b")
    path.unlink()
    with pytest.raises(StorageError, match=r"^imports.old: .*; found no file; restore the run"):
        run_build(recipe("b", {"old": first.output}), inputs, tmp_path / "b")


def test_over_sources_indexes_stand_behind_records(inputs: Path, first: Built, second: Built, tmp_path: Path) -> None:
    def over_sources(part: str, against: Sequence[Path]) -> Recipe:
        names = [f"old{number}" for number in range(len(against))]
        imports = {name: {"run": str(run), "step": "near.index"} for name, run in zip(names, against, strict=True)}
        text = (
            f"{{name: built, sources: {{docs: {{paths: {part}.jsonl, id_from: column, columns: {{rank: int64}}}}}}, "
            f"imports: {imports}, layout: {{shard_bytes: 4096}}, steps: [{{name: near, read: docs, "
            f"against: {list(imports)}, minhash_deduplication: {{order_by: [rank], index: true}}}}, "
            "{name: kept, read: docs, bound: [near], write: documents, columns: [doc_id, input_id]}]}"
        )
        return parse_recipe(text, catalogue())

    a = run_build(over_sources("a", []), inputs, tmp_path / "a")
    b = run_build(over_sources("b", [a.output]), inputs, tmp_path / "b")
    assert (kept(a), kept(b)) == (kept(first), kept(second))
