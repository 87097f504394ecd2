"""Bad rows and damaged files cost themselves, are written down, and stop a build only beyond its budget."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import BudgetError
from pipeline.plan.logical import ErrorBudget
from pipeline.report.damaged import damaged_files
from tests.builds import Built, MakeRunner, modification_times, run_build, staged_files
from tests.corpus import BAD_LINES, BAD_REASONS, Record, jsonl, write_files, zstd
from tests.sample_operators import LongEnough
from tests.small import lines, read, small, small_files, text_of


def quarantined(built: Built, step: str = "documents") -> list[tuple[str, int, str, str]]:
    """(file, offset, operator, reason) of every quarantined row, found through ledger and identity."""
    manifest = built.manifest(step)
    found = []
    for shard in manifest.shards:
        path = manifest.path(shard.index, "ledger")
        if path is None:
            continue
        identity = pq.read_table(manifest.path(shard.index, "identity")).to_pylist()
        for entry in pq.read_table(path).to_pylist():
            if entry["action"] == "quarantine":
                record = identity[entry["row"]]
                where = shard.inputs[record["split"]]["path"]
                found.append((where, record["offset"], entry["operator"], entry["rule"]))
    return found


def test_bad_rows_are_quarantined_with_file_offset_and_reason(tmp_path: Path, make_runner: MakeRunner) -> None:
    good = [Record(f"n{number}", text_of(number)).line() for number in range(12)]
    mixed = [*good[:2], *BAD_LINES[:3], *good[2:9], *BAD_LINES[3:], *good[9:]]
    inputs = write_files(tmp_path / "in", {"docs/good.jsonl": lines(range(100, 130)), "docs/mixed.jsonl": jsonl(mixed)})

    built = run_build(read(), inputs, tmp_path / "out", make_runner())

    content = jsonl(mixed)
    offsets = [content.index(bad) for bad in BAD_LINES]
    expected = [("mixed.jsonl", at, "read", reason) for at, reason in zip(offsets, BAD_REASONS, strict=True)]
    assert quarantined(built) == expected
    assert built.manifest("documents").total("rows_kept") == 30 + 12
    assert built.manifest("documents").total("rows_quarantined") == len(BAD_LINES)


def test_the_ledger_holds_no_text(tmp_path: Path) -> None:
    inputs = write_files(tmp_path / "in", {"docs/bad.jsonl": jsonl(BAD_LINES)})
    built = run_build(read(), inputs, tmp_path / "out")
    (path,) = (built.output / "steps").glob("*/ledger/*.parquet")
    details = " ".join(row["detail"] for row in pq.read_table(path).to_pylist())
    assert "expected" in details
    for content in ("broken bytes", "cut off", "without its text", "where an object", "17"):
        assert content not in details


@pytest.mark.parametrize(("suffix", "compress"), [("gz", lambda data: gzip.compress(data, mtime=0)), ("zst", zstd)])
def test_a_truncated_file_gives_its_readable_rows_and_is_noted_as_damaged(
    suffix: str, compress: Any, tmp_path: Path, make_runner: MakeRunner
) -> None:
    whole = lines(range(400))
    stored = compress(whole)
    name = f"cut.jsonl.{suffix}"
    inputs = write_files(
        tmp_path / "in", {"docs/a.jsonl": lines(range(500, 520)), f"docs/{name}": stored[: len(stored) * 3 // 4]}
    )

    built = run_build(read(), inputs, tmp_path / "out", make_runner())

    records = [entry for shard in built.manifest("documents").shards for entry in shard.inputs]
    (cut,) = [entry for entry in records if entry["path"] == name]
    (sound,) = [entry for entry in records if entry["path"] == "a.jsonl"]
    assert "damaged" not in sound
    assert cut["damaged"]["reason"] == "truncated"
    assert 0 < cut["num_records"] < 400
    # What was read is whole lines from the start, and the damage begins right behind them.
    read_bytes = b"".join(line + b"\n" for line in whole.split(b"\n")[: cut["num_records"]])
    assert cut["damaged"]["offset"] == cut["num_bytes"] == len(read_bytes)
    assert built.manifest("documents").total("rows_kept") == 20 + cut["num_records"]
    assert built.manifest("documents").total("rows_quarantined") == 0


@pytest.mark.parametrize("shard_bytes", [1 << 10, 1 << 30])
def test_a_broken_row_group_costs_its_own_rows(shard_bytes: int, tmp_path: Path, make_runner: MakeRunner) -> None:
    """More rows than the budget has for bad ones: they are judged by their file."""
    texts = [text_of(number) for number in range(100)]
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.table({"text": texts, "year": [1] * 100}),
        sink,
        row_group_size=20,
        compression="none",
        write_page_checksum=True,
    )
    content = bytearray(sink.getvalue().to_pybytes())
    for number in (25, 70):
        content[content.index(texts[number].encode()) + 1] ^= 1
    inputs = write_files(tmp_path / "in", {"docs/a.parquet": bytes(content)})

    built = run_build(read(shard_bytes=shard_bytes), inputs, tmp_path / "out", make_runner())

    manifest = built.manifest("documents")
    lost = [*range(20, 40), *range(60, 80)]
    assert quarantined(built) == [("a.parquet", row, "read", "damaged") for row in lost]
    assert len(manifest.shards) == (1 if shard_bytes > 1 << 20 else 5)
    paths = [manifest.path(shard.index, "data") for shard in manifest.shards]
    kept = [row["text"] for path in paths if path is not None for row in pq.read_table(path).to_pylist()]
    assert kept == [text for number, text in enumerate(texts) if number not in lost]
    assert manifest.total("rows_read") == 100
    (file,) = damaged_files(manifest.shards)
    assert (file.reason, file.offset, file.lost_rows) == ("corrupt", 20, 40)


def test_too_many_bad_rows_stop_the_build_and_raising_the_budget_resumes(
    tmp_path: Path, make_runner: MakeRunner
) -> None:
    inputs = write_files(tmp_path / "in", small_files() | {"docs/bad.jsonl": jsonl(BAD_LINES * 2)})
    output = tmp_path / "out"
    with pytest.raises(BudgetError) as raised:
        run_build(small(), inputs, output, make_runner())
    message = str(raised.value)
    assert "step documents: expected at most 10 bad rows of 252; found 12" in message
    assert "error_budget.max_bad_fraction" in message
    assert "\n" not in message
    committed = modification_times(output)
    assert sum(name.endswith(".json") for name in committed) > 2, "commit records"
    assert not any(name.endswith("manifest.json") for name in committed)

    built = run_build(small(error_budget=ErrorBudget(max_bad_fraction=0.1)), inputs, output, make_runner())

    assert "documents" not in built.steps_of("unit_finished"), "no unit of the step was done again"
    data = {name: time for name, time in committed.items() if name.endswith(".parquet")}
    assert data
    assert data.items() <= modification_times(output).items()
    assert built.manifest("documents").total("rows_quarantined") == 12
    assert staged_files(output) == []


def test_too_many_damaged_files_stop_the_build(tmp_path: Path) -> None:
    cut = gzip.compress(lines(range(400)), mtime=0)[:-2000]
    inputs = write_files(tmp_path / "in", {"docs/a.jsonl.gz": cut, "docs/b.jsonl.gz": cut, "docs/c.jsonl": lines([1])})
    with pytest.raises(BudgetError, match="step documents: expected at most 1 damaged files of 3; found 2"):
        run_build(read(), inputs, tmp_path / "out")
    raised = ErrorBudget(max_damaged_fraction=0.7)
    built = run_build(read(error_budget=raised), inputs, tmp_path / "out")
    assert built.num_units == 0


def test_rows_that_an_operator_fails_on_count_against_the_budget(tmp_path: Path) -> None:
    inputs = write_files(tmp_path / "in", small_files())
    with pytest.raises(BudgetError, match="step documents: expected at most 10 bad rows of 240"):
        run_build(read(LongEnough(poison="Page")), inputs, tmp_path / "out")
