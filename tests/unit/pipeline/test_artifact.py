"""Manifests as files, and views: columns side by side, removals applied, positions made."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.artifact import (
    DATA,
    IDENTITY,
    LEDGER,
    MANIFEST_NAME,
    Fallback,
    FileRecord,
    Manifest,
    ShardRecord,
    ShardRows,
    load_manifest,
    record_shards,
    removed_rows,
    view_shards,
)
from pipeline.document import position
from pipeline.errors import StorageError
from pipeline.io.shard_file import BatchSize
from pipeline.ledger import Action, LedgerBuilder
from pipeline.plan.logical import ArtifactKind

COUNTS = {"rows_read": 6, "rows_kept": 4, "rows_dropped": 2, "rows_quarantined": 0, "rows_edited": 0, "rows_written": 4}


def record(index=0, files=None, rules=None):
    return ShardRecord(
        index=index,
        fingerprint=f"f{index}",
        files=files if files is not None else {DATA: FileRecord(f"data/0000{index}-x.parquet", 4, 100, "x")},
        counts=dict(COUNTS),
        rules=rules or {},
        inputs=({"source": "web", "path": "a", "damaged": {"offset": 3, "unread_compressed_bytes": None}},),
        examples=({"operator": "o", "rule": "r", "doc_id": "00", "text": "é\n"},),
    )


def manifest(folder, kind=ArtifactKind.DOCUMENTS, shards=(), columns=None, fingerprint="f" * 32, base="b" * 32):
    return Manifest(
        step="documents",
        kind=kind,
        fingerprint=fingerprint,
        base_step="base",
        base_fingerprint=base,
        operators=({"operator": "o", "version": 1, "fields": {"list": [1, "a"]}},),
        columns=columns or {"text": "large_string"},
        shards=tuple(shards),
        folder=folder,
    )


def test_a_manifest_is_loaded_as_it_was(tmp_path):
    before = manifest(tmp_path, shards=[record(0, rules={"o/drop/r": 2}), record(1, files={})])
    (tmp_path / MANIFEST_NAME).write_bytes(before.to_bytes())
    assert load_manifest(tmp_path) == before
    assert load_manifest(tmp_path).to_bytes() == before.to_bytes()


def test_a_manifest_says_what_made_it_and_an_older_one_says_nothing_of_that(tmp_path):
    shard = replace(record(), made_with={"tokenize": "quick 1.0"}, fallbacks=("rank",))
    fallback = Fallback("rank", {"engine": "quick"}, {"engine": "sound"}, "a key that it cannot rank")
    before = replace(manifest(tmp_path, shards=[shard]), made_with=shard.made_with, fallbacks=(fallback,))
    (tmp_path / MANIFEST_NAME).write_bytes(before.to_bytes())
    assert load_manifest(tmp_path) == before
    assert str(fallback) == "rank fell back (engine 'quick' -> 'sound'): a key that it cannot rank"
    data = json.loads(before.to_bytes())
    for part in (data, *data["shards"]):
        del part["made_with"], part["fallbacks"]
    (tmp_path / MANIFEST_NAME).write_text(json.dumps(data))
    assert load_manifest(tmp_path) == manifest(tmp_path, shards=[record()])


def test_a_manifest_says_nothing_of_where_it_lies(tmp_path):
    assert manifest(tmp_path / "here").to_bytes() == manifest(tmp_path / "there").to_bytes()
    assert str(tmp_path).encode() not in manifest(tmp_path, shards=[record()]).to_bytes()


def test_no_manifest_is_no_artifact_and_half_a_one_an_error(tmp_path):
    assert load_manifest(tmp_path / "absent") is None
    (tmp_path / MANIFEST_NAME).write_bytes(manifest(tmp_path).to_bytes()[:40])
    with pytest.raises(
        StorageError,
        match=r"manifest '.*manifest.json': expected what this version writes; .*; remove the folder and run again",
    ):
        load_manifest(tmp_path)


def test_totals_are_sums_over_shards(tmp_path):
    shards = [record(0, rules={"b": 1, "a": 1}), record(1, rules={"b": 4, "c": 1}), record(2, files={})]
    found = manifest(tmp_path, shards=shards)
    assert found.total("rows_dropped") == 6
    assert found.total("rows_base") == 0
    assert list(found.rule_totals().items()) == [("b", 5), ("a", 1), ("c", 1)]
    assert found.shard_rows == (4, 4, 0)
    assert found.path(0, DATA) == str(tmp_path / "data/00000-x.parquet")
    assert found.path(0, LEDGER) is None


# Views

BASE_ROWS = (5, 0, 3)


def ledger_table(drops, edits=(), quarantines=()):
    builder = LedgerBuilder()
    for rows, action in ((drops, Action.DROP), (edits, Action.EDIT)):
        size = len(rows)
        builder.add_verdicts(
            "o", action, ("r",), np.array(rows, np.uint32),
            rule=np.zeros(size, np.int16), value=np.zeros(size), threshold=None,
        )  # fmt: skip
    for row in quarantines:
        builder.add_quarantine("o", row, "ValueError", "")
    return builder.table()


def artifact(folder, tables, ledgers=None, kind=ArtifactKind.DOCUMENTS, fingerprint="f" * 32, base="f" * 32):
    """An artifact with these data tables (or None) and ledgers, one a shard."""
    folder.mkdir()
    shards = []
    for index, table in enumerate(tables):
        files = {}
        for role, content in ((DATA, table), (LEDGER, (ledgers or {}).get(index))):
            if content is not None:
                name = f"{role}-{index}.parquet"
                pq.write_table(content, folder / name, row_group_size=2 + index)
                files[role] = FileRecord(name, content.num_rows, 0, "")
        shards.append(record(index, files))
    first = next((table for table in tables if table is not None), pa.table({}))
    columns = {field.name: str(field.type) for field in first.schema}
    return manifest(folder, kind, shards, columns, fingerprint, base)


@pytest.fixture
def base(tmp_path):
    tables = [
        pa.table({"text": pa.array([f"{shard}-{row}" for row in range(rows)], pa.large_string()),
                  "other": pa.array(range(rows), pa.int64())})
        for shard, rows in enumerate(BASE_ROWS)
    ]  # fmt: skip
    return artifact(tmp_path / "base", tables)


@pytest.fixture
def scores(tmp_path):
    tables = [pa.table({"score": pa.array([row / 2 for row in range(rows)])}) for rows in BASE_ROWS]
    return artifact(tmp_path / "scores", tables, {0: ledger_table([], quarantines=[4])}, ArtifactKind.COLUMNS, "s" * 32)


@pytest.fixture
def removals(tmp_path):
    ledgers = {0: ledger_table([1, 4], edits=[0, 2]), 2: ledger_table([0, 1, 2])}
    return artifact(tmp_path / "removals", [None] * 3, ledgers, ArtifactKind.REMOVALS, "r" * 32)


def read(shards, batch_rows):
    """[(shard, text..., row number)] of all that is left."""
    found = []
    for shard in shards:
        for batch, rows in shard.batches(BatchSize(batch_rows, 1 << 20)):
            assert batch.num_rows == len(rows)
            assert batch.schema.names == [*shard.columns, *(["position"] if shard.with_position else [])]
            found += [
                (shard.index, int(row), *values.values()) for row, values in zip(rows, batch.to_pylist(), strict=True)
            ]
    return found


@pytest.mark.parametrize("batch_rows", [1, 2, 3, 100])
def test_a_view_is_columns_side_by_side_without_removed_rows(base, scores, removals, batch_rows):
    shards = view_shards(base, [scores, removals], ["score", "text"], with_position=True)
    assert [shard.num_rows for shard in shards] == list(BASE_ROWS)
    assert read(shards, batch_rows) == [(0, row, row / 2, f"0-{row}", position(0, row)) for row in (0, 2, 3)]


def test_edits_remove_nothing_and_two_removals_of_a_row_are_one(base, scores, removals):
    (shard, _, last) = view_shards(base, [scores, removals], ["text"], with_position=False)
    assert shard.removed_rows().tolist() == [1, 4]
    assert last.removed_rows().tolist() == [0, 1, 2]
    assert removed_rows(removals.path(0, LEDGER)).tolist() == [1, 4]


@pytest.mark.parametrize("columns", [["score"], []])
def test_a_view_without_columns_of_the_base_still_has_its_rows(base, scores, columns):
    shards = view_shards(base, [scores], columns, with_position=True)
    found = read(shards, 2)
    assert [row[:2] for row in found] == [(0, 0), (0, 1), (0, 2), (0, 3), (2, 0), (2, 1), (2, 2)]
    assert found[1][2:] == ((0.5, position(0, 1)) if columns else (position(0, 1),))


def test_positions_are_of_the_base_not_of_what_is_left(base, removals):
    shards = view_shards(base, [removals], ["other"], with_position=True)
    assert [row[2:] for row in read(shards, 100)] == [(row, position(0, row)) for row in (0, 2, 3)]


def test_artifacts_of_another_base_are_refused(tmp_path, base):
    other = artifact(tmp_path / "x", [None] * 3, {}, ArtifactKind.REMOVALS, "x" * 32, base="0" * 32)
    with pytest.raises(
        StorageError,
        match=rf"step documents: expected to belong to base documents {'f' * 12}; found base base {'0' * 32}",
    ):
        view_shards(base, [other], ["text"], with_position=False)


def test_a_task_reads_what_is_left_shard_by_shard(base, scores, removals):
    shards = view_shards(base, [scores, removals], ["text", "score"], with_position=False)
    rows = ShardRows(
        shards, pa.schema([("text", pa.large_string()), ("score", pa.float64())]), batch_size=BatchSize(2, 1 << 20)
    )
    for _ in range(2):  # a task may pass over its rows again
        found = [(shard, row) for shard, batch in rows.batches(("score",)) for row in batch.to_pylist()]
        assert found == [(0, {"score": 0.0}), (0, {"score": 1.0}), (0, {"score": 1.5})]
    assert all(batch.num_rows for _, batch in rows.batches())


@pytest.mark.parametrize("is_bound", [True, False])
def test_records_of_sources_without_those_that_are_no_documents(tmp_path, is_bound):
    """A row that an operator failed on is gone where its step is bound; a record that is no document, always."""
    ids = pa.table({"doc_id": [b"%016d" % row for row in range(4)]}, pa.schema([pa.field("doc_id", pa.binary(16))]))
    builder = LedgerBuilder()
    builder.add_quarantine("read", 1, "no_text", "")
    builder.add_quarantine("o", 2, "ValueError", "")
    (tmp_path / "keys").mkdir()
    files = {}
    keys_ = pa.table({"key": [0, None, None, 3]})
    for role, table in ((DATA, keys_), (IDENTITY, ids), (LEDGER, builder.table())):
        pq.write_table(table, tmp_path / "keys" / role)
        files[role] = FileRecord(role, table.num_rows, 0, "")
    kept = replace(record(0, files), rules=builder.rules)
    reader = manifest(tmp_path / "keys", ArtifactKind.COLUMNS, [kept], {"key": "int64"}, "k" * 32, "s" * 32)
    assert (reader.shard_rows, reader.shard_records) == ((4,), (4,))
    bound, columns = ([reader], ["doc_id", "key"]) if is_bound else ([], ["doc_id"])
    shards = record_shards(reader, bound, columns, with_position=True)
    left = [0, 3] if is_bound else [0, 2, 3]
    assert [row[1] for row in read(shards, 2)] == left
    stranger = manifest(tmp_path / "keys", ArtifactKind.COLUMNS, [kept], {"key": "int64"}, "k" * 32, "t" * 32)
    with pytest.raises(StorageError, match=r"step documents: expected to belong to the records .* read \(ssss"):
        record_shards(reader, [stranger], columns, with_position=True)


def test_every_listed_removal_must_meet_its_row(tmp_path, base):
    stray = {2: ledger_table([1, BASE_ROWS[2]])}
    removals = artifact(tmp_path / "stray", [None] * 3, stray, ArtifactKind.REMOVALS, "x" * 32)
    shards = view_shards(base, [removals], ["text"], with_position=False)
    with pytest.raises(StorageError, match=r"expected 3 rows and 2 of them removed, .*; found 3 and 1; remove"):
        read(shards, 100)


def test_a_file_with_other_rows_than_the_manifest_says_is_refused(base):
    shards = view_shards(base, [], ["text"], with_position=False)
    pq.write_table(pq.read_table(base.path(0, DATA)).slice(1), base.path(0, DATA))
    with pytest.raises(StorageError, match=rf"expected {BASE_ROWS[0]} rows and 0 .*; found {BASE_ROWS[0] - 1} and 0; "):
        read(shards, 100)
