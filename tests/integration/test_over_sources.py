"""Columns and removals of the sources themselves: nothing is copied before the last step, and the same rows stay."""

import signal
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from operators.catalogue import catalogue
from pipeline.artifact import DATA, IDENTITY, LEDGER, Manifest
from pipeline.errors import BudgetError, CommitError, StorageError
from pipeline.execution.work import Execution
from pipeline.plan.logical import ArtifactKind, ErrorBudget, Exchange, Recipe, SortKey, Step, View
from pipeline.recipe import parse_recipe
from pipeline.recorded_run import load_run
from pipeline.report.fate import find_fates
from pipeline.run import run_recipe
from tests.builds import Built, MakeRunner, run_build, staged_files, tree_digest
from tests.corpus import BAD_LINES, Record, jsonl, write_files, zstd
from tests.faults.crashing import crash_locally
from tests.sample_operators import TEXT_KEY, KeepFirst
from tests.small import lines, over_sources, small_files, text_of

NUM_DOCUMENTS = 240
STEPS_THAT_READ = {"keys", "short", "kept"}


def jsonl_files() -> dict[str, bytes]:
    """Plain and compressed files, several of them in a shard, and bad records in between."""
    bad = jsonl([*BAD_LINES[:3], Record("good", text_of(1_000)).line(), *BAD_LINES[3:]])
    files = small_files(NUM_DOCUMENTS, 12) | {"docs/3.bad.jsonl": bad}
    return files | {"docs/zst.jsonl.zst": zstd(lines(range(300, 320)))}


def parquet_files() -> dict[str, bytes]:
    """The documents in three files of several row groups; texts that are null or no UTF-8, and a column of its own."""
    files = {}
    for number in range(3):
        texts: list[bytes | None] = [text_of(80 * number + row).encode() for row in range(80)]
        texts[7], texts[60] = None, b"\xff broken"
        titles = pa.array([f"title {row}".encode() for row in range(80)], pa.binary())
        table = pa.table(
            {
                "id": pa.array([f"p{number}-{row}" for row in range(80)]),
                "text": pa.array(texts, pa.binary()),
                "title": titles,
                "year": pa.array([2000 + row for row in range(80)], pa.int64()),
            }
        )
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, row_group_size=17)
        files[f"docs/{number}.parquet"] = sink.getvalue().to_pybytes()
    return files


FILES = {"jsonl": jsonl_files, "parquet": parquet_files}


@pytest.fixture(scope="module", params=FILES)
def inputs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs of one format; nobody writes into them."""
    return write_files(tmp_path_factory.mktemp("inputs") / "in", FILES[request.param]())


@pytest.fixture(scope="module")
def built(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The local build that every other must equal; nobody writes into it."""
    return run_build(over_sources(), inputs, tmp_path_factory.mktemp("built") / "out")


def rows(manifest: Manifest, role: str) -> list[tuple[int, dict[str, object]]]:
    """(shard, values) of every row of the files of one role."""
    found = []
    for shard in range(len(manifest.shards)):
        path = manifest.path(shard, role)
        found += [(shard, row) for row in (pq.read_table(path).to_pylist() if path else [])]
    return found


def test_every_record_is_kept_or_left_once(built: Built) -> None:
    records = [(shard, row["doc_id"]) for shard, row in rows(built.manifest("keys"), IDENTITY)]
    assert len(records) > NUM_DOCUMENTS - 10
    numbers = {}
    for shard, doc_id in records:
        numbers.setdefault(shard, []).append(doc_id)
    left = Counter(
        numbers[shard][row["row"]]
        for step in ("keys", "copies", "short", "kept")
        for shard, row in rows(built.manifest(step), LEDGER)
    )
    kept = Counter(row["doc_id"] for _, row in rows(built.manifest("kept"), DATA))
    assert left + kept == Counter(doc_id for _, doc_id in records)
    assert len(kept) > 100
    assert built.manifest("keys").total("rows_quarantined") == 6
    for step in ("copies", "short"):
        assert built.manifest(step).total("rows_dropped") > 10, step
    assert built.manifest("kept").total("rows_quarantined") == 0


def test_columns_have_a_row_for_every_record_and_null_where_it_is_no_document(built: Built) -> None:
    keys = built.manifest("keys")
    assert keys.shard_rows == keys.shard_records
    assert len(keys.shards) > 2
    bad = {(shard, row["row"]) for shard, row in rows(keys, LEDGER)}
    for shard in range(len(keys.shards)):
        values = pq.read_table(keys.path(shard, DATA))[TEXT_KEY].to_pylist()
        assert {(shard, row) for row, value in enumerate(values) if value is None} == {
            place for place in bad if place[0] == shard
        }


def test_only_steps_that_need_the_files_read_them_and_only_the_first_leaves_ids(built: Built) -> None:
    for name, done in built.steps.items():
        if done.manifest.kind is ArtifactKind.MODEL:
            continue
        reads = any(shard.inputs for shard in done.manifest.shards)
        assert reads == (name in STEPS_THAT_READ), name
        assert any(IDENTITY in shard.files for shard in done.manifest.shards) == (name == "keys"), name


@pytest.mark.parametrize(
    "execution", [Execution(batch_rows=1, read_bytes=300), Execution(batch_rows=7, exchange_memory_bytes=500)]
)
def test_execution_settings_reach_no_byte(execution: Execution, inputs: Path, built: Built, tmp_path: Path) -> None:
    again = run_build(over_sources(), inputs, tmp_path / "out", execution=execution)
    assert tree_digest(again.output) == tree_digest(built.output)


@pytest.mark.ray
def test_ray_equals_local(inputs: Path, built: Built, tmp_path: Path, make_ray_runner: MakeRunner) -> None:
    on_ray = run_build(over_sources(), inputs, tmp_path / "out", make_ray_runner(workers=2))
    assert tree_digest(on_ray.output) == tree_digest(built.output)


def test_a_base_of_copied_documents_keeps_the_same(inputs: Path, built: Built, tmp_path: Path) -> None:
    recipe = over_sources()
    copied = Step(name="documents", view=View(sources=("docs",)), write=ArtifactKind.DOCUMENTS)
    over = [step.model_copy(update={"view": View(base="documents", bound=step.view.bound)}) for step in recipe.steps]
    other = run_build(recipe.model_copy(update={"steps": (copied, *over)}), inputs, tmp_path / "out")
    found = [row for _, row in rows(other.manifest("kept"), DATA)]
    assert found == [row for _, row in rows(built.manifest("kept"), DATA)]


def composed(origin: str) -> Recipe:
    """Both deduplications, over the source (`read: docs`) or over a copy of it (`base: documents`)."""
    text = f"""
name: composed
sources: {{docs: {{paths: [docs/*], columns: {{year: int64}}}}}}
layout: {{shard_bytes: 8192, partition_bytes: 16384}}
error_budget: {{max_bad_fraction: 0.2}}
steps:
  - {{name: documents, read: docs}}
  - {{name: exact, {origin}, exact_deduplication: {{order_by: [-year]}}}}
  - {{name: near, {origin}, bound: [exact], minhash_deduplication: {{ngram: 2}}}}
  - {{name: kept, {origin}, bound: [exact, near], columns: [doc_id, text], write: documents}}
"""
    return parse_recipe(text, catalogue())


def test_the_deduplications_keep_the_same_over_sources_as_over_a_base(inputs: Path, tmp_path: Path) -> None:
    over = {
        origin: run_build(composed(origin), inputs, tmp_path / origin[:4])
        for origin in ("read: docs", "base: documents")
    }
    kept = [[row for _, row in rows(built.manifest("kept"), DATA)] for built in over.values()]
    assert kept[0] == kept[1]
    of_sources = over["read: docs"]
    assert of_sources.manifest("exact").total("rows_dropped") > 5
    assert len(kept[0]) < of_sources.manifest("documents").total("rows_kept") - 5


@pytest.mark.parametrize(
    "point",
    ["write.renamed:2", "commit.staged:4", "commit.recorded:7", "manifest.recorded:2", "exchange.reduce.begin:2"],
)
def test_a_killed_build_is_finished_by_the_next_run(point: str, inputs: Path, built: Built, tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert crash_locally(point, inputs, output, over_sources) == -signal.SIGKILL, "the point was not reached"
    run_build(over_sources(), inputs, output)
    assert staged_files(output) == []
    assert tree_digest(output) == tree_digest(built.output)


def test_a_column_of_the_files_may_order_an_exchange(inputs: Path, tmp_path: Path) -> None:
    recipe = over_sources()
    latest = Exchange(key=TEXT_KEY, sort=(SortKey(column="year", descending=True),))
    copies = recipe.step("copies").model_copy(update={"nodes": (latest, KeepFirst())})
    steps = tuple(copies if step.name == "copies" else step for step in recipe.steps)
    built = run_build(recipe.model_copy(update={"steps": steps}), inputs, tmp_path / "out")
    assert built.manifest("copies").total("rows_dropped") > 10
    assert built.manifest("kept").total("rows_written") > 100


def test_the_summary_counts_each_record_once(inputs: Path, tmp_path: Path) -> None:
    run = run_recipe(over_sources(), tmp_path / "out", directory=inputs)
    manifests = run.manifests
    found = run.funnel
    assert found.rows_in == manifests["keys"].total("rows_read")
    assert found.rows_quarantined == 6
    assert found.rows_in == found.rows_kept + found.rows_dropped + found.rows_quarantined
    assert found.rows_kept == manifests["kept"].total("rows_written")
    removals = over_sources()
    removals = removals.model_copy(update={"steps": removals.steps[:-1]})
    assert run_recipe(removals, tmp_path / "out", directory=inputs).funnel.rows_kept == found.rows_kept


def test_explain_follows_a_record_through_all_steps_over_its_sources(inputs: Path, tmp_path: Path) -> None:
    run_recipe(over_sources(), tmp_path / "out", directory=inputs)
    run = load_run(tmp_path / "out")
    manifests = run.manifests()
    ids = [row for _, row in rows(manifests["keys"], IDENTITY)]
    verdicts = Counter()
    for row in ids[:10]:
        (fate,) = find_fates(run, row["doc_id"].hex())
        verdicts[fate.verdict] += 1
        steps = [event.step for event in fate.events]
        if fate.verdict == "kept":
            assert list(dict.fromkeys(steps)) == ["keys", "copies", "short", "kept"]
            assert fate.text
        elif fate.verdict == "quarantined":
            assert set(steps) == {"keys"}
        else:
            assert "kept" not in steps
    assert verdicts["kept"] > 3
    assert verdicts["dropped"] > 0


def test_a_file_that_changes_between_two_readings_is_noticed(tmp_path: Path) -> None:
    text = "a line of words that is long enough to stay here, whatever the others do " * 20_000
    inputs = write_files(tmp_path / "in", {"docs/a.jsonl": jsonl([Record(f"n{n}", text).line() for n in range(3)])})
    recipe = over_sources(shard_bytes=1 << 23)
    first = recipe.model_copy(update={"steps": recipe.steps[:1]})
    run_build(first, inputs, tmp_path / "out")
    path = inputs / "docs/a.jsonl"
    data = bytearray(path.read_bytes())
    place = len(data) // 4
    data[place] = ord("x") if data[place] != ord("x") else ord("y")
    path.write_bytes(data)
    with pytest.raises(StorageError, match=r"expected content \w+ as an earlier step read it; found \w+; the file"):
        run_build(recipe, inputs, tmp_path / "out")


def test_ids_that_repeat_are_refused_by_the_first_step(tmp_path: Path) -> None:
    records = [Record(f"n{number % 5}", text_of(number)).line() for number in range(8)]
    inputs = write_files(tmp_path / "in", {"docs/a.jsonl": jsonl(records)})
    with pytest.raises(CommitError, match=r"step keys: expected each id to appear once"):
        run_build(over_sources(id_from="column"), inputs, tmp_path / "out")


def test_a_record_that_only_the_last_step_finds_broken_is_quarantined_there(tmp_path: Path) -> None:
    """The title is no UTF-8 in one row; the steps that decide do not ask for it."""
    titles = [f"title {row}".encode() for row in range(40)]
    titles[4] = b"\xff"
    table = pa.table(
        {"id": [str(row) for row in range(40)], "text": [text_of(row) for row in range(40)], "year": [1] * 40}
    )
    broken = pa.Array.from_buffers(pa.string(), 40, pa.array(titles, pa.binary()).buffers())
    (tmp_path / "in/docs").mkdir(parents=True)
    pq.write_table(table.append_column("title", broken), tmp_path / "in/docs/a.parquet", row_group_size=9)
    built = run_build(over_sources(), tmp_path / "in", tmp_path / "out")
    assert built.manifest("keys").total("rows_quarantined") == 0
    assert built.manifest("kept").rule_totals() == {"read/quarantine/invalid_utf8": 1}
    assert [row["row"] for _, row in rows(built.manifest("kept"), LEDGER)] == [4]


def test_a_row_group_that_only_the_last_step_finds_broken_is_quarantined_there(tmp_path: Path) -> None:
    """A letter of a title is another; rows of the other groups stay with what was found out about them."""
    table = pa.table(
        {"id": [str(row) for row in range(40)], "text": [text_of(row) for row in range(40)], "year": [1] * 40}
    )
    table = table.append_column("title", pa.array([f"title of document {row}" for row in range(40)]))
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=14, compression="none", write_page_checksum=True)
    sound = sink.getvalue().to_pybytes()
    content = bytearray(sound)
    content[content.index(b"title of document 20")] ^= 1
    expected = run_build(over_sources(), write_files(tmp_path / "in", {"docs/a.parquet": sound}), tmp_path / "sound")
    inputs = write_files(tmp_path / "broken", {"docs/a.parquet": bytes(content)})
    with pytest.raises(BudgetError, match="most often damaged"):
        run_build(over_sources(), inputs, tmp_path / "out")
    recipe = over_sources().model_copy(update={"error_budget": ErrorBudget(max_bad_fraction=1)})
    built = run_build(recipe, inputs, tmp_path / "out")

    assert built.manifest("keys").total("rows_quarantined") == 0
    gone = {row["doc_id"] for _, row in rows(expected.manifest("kept"), DATA)} - {
        row["doc_id"] for _, row in rows(built.manifest("kept"), DATA)
    }
    lost = [row["row"] for _, row in rows(built.manifest("kept"), LEDGER) if row["rule"] == "damaged"]
    assert len(lost) == len(gone) > 0
    assert set(lost) <= set(range(14, 28)), "the second group"
    assert [row for _, row in rows(built.manifest("kept"), DATA)] == [
        row for _, row in rows(expected.manifest("kept"), DATA) if row["doc_id"] not in gone
    ]


def test_an_added_file_costs_its_own_shards(tmp_path: Path) -> None:
    inputs = write_files(tmp_path / "in", jsonl_files())
    first = run_build(over_sources(shard_bytes=1 << 11), inputs, tmp_path / "out")
    write_files(inputs, {"docs/4.more.jsonl": lines(range(400, 405))})
    grown = run_build(over_sources(shard_bytes=1 << 11), inputs, tmp_path / "out")
    fresh = run_build(over_sources(shard_bytes=1 << 11), inputs, tmp_path / "fresh")
    units = Counter(grown.steps_of("unit_finished"))
    assert len(first.manifest("keys").shards) > 8
    assert 0 < units["keys"] <= 3
    assert staged_files(grown.output) == []
    assert tree_digest(fresh.output).items() <= tree_digest(grown.output).items()
