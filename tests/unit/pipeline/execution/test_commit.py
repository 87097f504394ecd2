"""Who may say that work is done, and when it is refused."""

import os
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.artifact import DATA, IDENTITY, LEDGER, Fallback, FileRecord, Manifest, ShardRecord
from pipeline.errors import CommitError, StorageError
from pipeline.execution.commit import StepFolder, check_conservation, file_digest
from pipeline.execution.poison.rows import Harm, PoisonRow
from pipeline.plan.logical import ArtifactKind

DOCUMENTS, COLUMNS, REMOVALS = ArtifactKind.DOCUMENTS, ArtifactKind.COLUMNS, ArtifactKind.REMOVALS
COUNTS = {
    "rows_read": 10,
    "rows_kept": 6,
    "rows_dropped": 3,
    "rows_quarantined": 1,
    "rows_edited": 2,
    "rows_written": 6,
}
ROWS = {DATA: 6, LEDGER: 6, IDENTITY: 10}


def record(counts=COUNTS, files=None, index=0):
    return ShardRecord(index, "f", files or {}, dict(counts))


def test_counts_that_add_up_pass():
    check_conservation("s", record(), ROWS, DOCUMENTS)
    check_conservation(
        "s", record(COUNTS | {"conserved_in": 9, "conserved_out": 7, "conserved_cut": 2}), ROWS, DOCUMENTS
    )
    check_conservation("s", record(COUNTS | {"rows_written": 2, "rows_reshaped": -4}), ROWS | {DATA: 2}, DOCUMENTS)
    check_conservation("s", record(COUNTS | {"rows_base": 12}), ROWS | {DATA: 12}, COLUMNS)
    check_conservation("s", record(COUNTS | {"rows_written": 0}), {LEDGER: 6}, REMOVALS)
    check_conservation("s", record(), {DATA: 6}, None)


LEDGER_EQUATION = r"ledger = dropped \+ quarantined \+ edited"
READ_EQUATION = r"read = kept \+ dropped \+ quarantined"
TOKENS = {"conserved_in": 9, "conserved_out": 7}
MISCOUNTS = {
    "a ledger row is lost": (COUNTS, ROWS | {LEDGER: 5}, DOCUMENTS, f"{LEDGER_EQUATION}; found 5 and 6"),
    "a drop was not counted": (COUNTS | {"rows_dropped": 2}, ROWS, DOCUMENTS, f"{LEDGER_EQUATION}; found 6 and 5"),
    "a record is not accounted for": (COUNTS, ROWS | {IDENTITY: 9}, DOCUMENTS, "identity = read; found 9 and 10"),
    "a row vanished": (COUNTS | {"rows_kept": 5}, ROWS, DOCUMENTS, f"{READ_EQUATION}; found 10 and 9"),
    "a row appeared": (COUNTS | {"rows_read": 9}, ROWS | {IDENTITY: 9}, DOCUMENTS, f"{READ_EQUATION}; found 9 and 10"),
    "a written row is lost": (COUNTS, ROWS | {DATA: 5}, DOCUMENTS, "file = written; found 5 and 6"),
    "a kept row is not written": (
        COUNTS | {"rows_written": 5},
        ROWS | {DATA: 5},
        DOCUMENTS,
        r"file = kept \+ reshaped; found 5 and 6",
    ),
    "a table's row is lost": (COUNTS, ROWS | {DATA: 5}, ArtifactKind.TABLE, "file = written; found 5 and 6"),
    "a travelling row is lost": (COUNTS, {DATA: 5}, None, "file = written; found 5 and 6"),
    "columns are too short": (COUNTS | {"rows_base": 12}, ROWS, COLUMNS, "columns = rows of the base; found 6 and 12"),
    "tokens vanished": (COUNTS | TOKENS | {"conserved_cut": 1}, ROWS, DOCUMENTS, r"in = out \+ cut; found 9 and 8"),
    "tokens appeared": (COUNTS | TOKENS | {"conserved_cut": 3}, ROWS, DOCUMENTS, r"in = out \+ cut; found 9 and 10"),
}


@pytest.mark.parametrize("case", MISCOUNTS)
def test_each_miscount_is_refused(case):
    counts, rows, kind, message = MISCOUNTS[case]
    with pytest.raises(CommitError, match=rf"^step s, shard 0: expected {message}; nothing was committed$"):
        check_conservation("s", record(counts), rows, kind)


@pytest.fixture
def folder(tmp_path):
    return StepFolder(tmp_path, "documents", "0123456789abcdef" * 2)


def data_file(folder, num_rows=6, shard=0):
    staged = folder.stage_file()
    pq.write_table(pa.table({"n": pa.array(range(num_rows), pa.int64())}), staged)
    return folder.publish(staged, DATA, shard, ".parquet", num_rows)


WRITTEN = {
    "rows_read": 6,
    "rows_kept": 6,
    "rows_dropped": 0,
    "rows_quarantined": 0,
    "rows_edited": 0,
    "rows_written": 6,
}


def test_where_things_lie(folder, tmp_path):
    assert folder.path == tmp_path / "steps" / "documents-0123456789ab"
    assert folder.segment(2) == folder.path / "segment-2"
    assert folder.manifest() is None
    assert folder.committed(0) == {}
    assert folder.stage_file() != folder.stage_file()


def test_a_file_is_named_by_its_content(folder):
    one, same, other = data_file(folder), data_file(folder), data_file(folder, 5)
    assert one == same
    assert one.name == f"data/00000-{one.digest}.parquet"
    assert one.digest == file_digest(folder.path / one.name) != other.digest
    assert one.num_bytes == (folder.path / one.name).stat().st_size
    assert list((folder.root / "tmp").iterdir()) == []


def test_what_a_commit_names_is_on_the_disk(folder, monkeypatch):
    synced = set()
    sync = os.fsync

    def spy(descriptor):
        synced.add(os.fstat(descriptor).st_ino)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", spy)
    staged = folder.stage_file()
    staged.write_bytes(b"rows")
    file = folder.publish(staged, "data", 0, ".bin", 1)
    assert (folder.path / file.name).stat().st_ino in synced


def test_what_is_committed_is_found_again(folder):
    first = record(WRITTEN, {DATA: data_file(folder, shard=3)}, 3)
    second = ShardRecord(1, "g", {}, dict.fromkeys(WRITTEN, 0), {"o/drop/r": 0}, ({"damaged": None},), ({"text": "é"},))
    folder.commit(0, first, DOCUMENTS)
    folder.commit(0, second, REMOVALS)
    assert folder.committed(0) == {1: second, 3: first}
    assert folder.committed(1) == {}
    assert list((folder.root / "tmp").iterdir()) == []


def test_a_listing_lies_beside_its_files_and_is_no_record(folder):
    path = folder.list_exchange(1, ["00000-a.arrow", "00001-b.arrow"])
    assert path == folder.list_exchange(1, ["00000-a.arrow", "00001-b.arrow"])
    assert path.read_text().splitlines() == ["00000-a.arrow", "00001-b.arrow"]
    assert path.parent == folder.segment(1)
    assert folder.committed(1) == {}
    assert list((folder.root / "tmp").iterdir()) == []


def test_an_equal_record_is_success_and_another_an_error(folder):
    files = {DATA: data_file(folder)}
    folder.commit(0, record(WRITTEN, files), DOCUMENTS)
    folder.commit(0, record(WRITTEN, files), DOCUMENTS)
    other = ShardRecord(0, "another", files, dict(WRITTEN))
    with pytest.raises(
        CommitError,
        match=r"^step documents, commit 00000.json: expected the result that is already recorded; found another",
    ):
        folder.commit(0, other, DOCUMENTS)
    assert folder.committed(0)[0].fingerprint == "f"
    assert list((folder.root / "tmp").iterdir()) == []


def test_the_files_are_asked_not_the_worker(folder):
    true = data_file(folder)
    claimed = FileRecord(true.name, 7, true.num_bytes, true.digest)
    with pytest.raises(CommitError, match=r"shard 0, data: expected 7 rows as the worker counted; found 6 in the file"):
        folder.commit(0, record(WRITTEN | {"rows_written": 7}, {DATA: claimed}), DOCUMENTS)
    assert folder.committed(0) == {}


def test_exchange_files_are_counted_too(folder):
    staged = folder.stage_file()
    batch = pa.record_batch({"n": pa.array([1, 2, 3])})
    with pa.OSFile(str(staged), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
        writer.write_batch(batch.slice(1))
    counts = WRITTEN | {"rows_read": 5, "rows_kept": 5, "rows_written": 5}
    file = folder.publish(staged, "segment-0", 0, ".arrow", 5)
    folder.commit(0, record(counts, {DATA: file}), None)
    with pytest.raises(CommitError, match="expected 4 rows as the worker counted; found 5"):
        folder.commit(0, record(counts, {DATA: FileRecord(file.name, 4, 0, "")}, 1), None)


def test_a_file_that_is_gone_is_refused(folder):
    file = data_file(folder)
    (folder.path / file.name).unlink()
    with pytest.raises(CommitError, match=r"^step documents, shard 0, data: expected file 'data/00000-.*'; not found"):
        folder.commit(0, record(WRITTEN, {DATA: file}), DOCUMENTS)


def finished(folder, files):
    return Manifest(
        step="documents", kind=DOCUMENTS, fingerprint=folder.fingerprint, base_step=None, base_fingerprint=None,
        operators=(), columns={"n": "int64"}, shards=(record(WRITTEN, files),), folder=folder.path,
    )  # fmt: skip


def test_a_manifest_ends_the_step_once(folder):
    manifest = finished(folder, {DATA: data_file(folder)})
    folder.finish(manifest)
    folder.finish(manifest)
    assert folder.manifest() == manifest
    with pytest.raises(CommitError, match=r"manifest manifest.json: expected the result that is already recorded"):
        folder.finish(finished(folder, {}))


def test_a_sweep_leaves_the_artifact_and_nothing_else(folder):
    kept = data_file(folder)
    lost = data_file(folder, 3)
    folder.commit(0, record(WRITTEN, {DATA: kept}), DOCUMENTS)
    folder.commit(1, record(WRITTEN, {DATA: kept}), DOCUMENTS)
    manifest = finished(folder, {DATA: kept})
    folder.finish(manifest)
    assert not folder.is_swept
    folder.sweep(manifest)
    folder.sweep(manifest)
    assert folder.is_swept
    files = sorted(path.relative_to(folder.path).as_posix() for path in folder.path.rglob("*") if path.is_file())
    assert files == [kept.name, "manifest.json"]
    assert lost.name not in files


def test_what_comes_after_the_manifest_is_taken_back(folder):
    """An attempt that was given up may still be writing; what it was to read and write is swept already."""
    kept = data_file(folder)
    folder.commit(0, record(WRITTEN, {DATA: kept}), DOCUMENTS)
    late_rows, late_exchange = folder.stage_file(), folder.stage_file()
    late_rows.write_bytes(b"other bytes")
    late_exchange.write_bytes(b"rows that travel")
    manifest = finished(folder, {DATA: kept})
    folder.finish(manifest)
    folder.sweep(manifest)
    left = sorted(folder.path.rglob("*"))
    assert data_file(folder) == kept, "an equal file is the one that is named"
    for staged, where in ((late_rows, DATA), (late_exchange, "segment-0")):
        with pytest.raises(CommitError, match="expected an unfinished step; found its manifest"):
            folder.publish(staged, where, 0, ".arrow", 1)
    assert sorted(folder.path.rglob("*")) == left
    assert folder.is_swept


@pytest.mark.parametrize(("before", "after"), [(7, 123_456), (123_456, 7), (3, 3)])
def test_an_equal_shard_is_taken_over_under_its_new_number(tmp_path, before, after):
    earlier = StepFolder(tmp_path, "s", "1" * 32)
    folder = StepFolder(tmp_path, "s", "2" * 32)
    staged = earlier.stage_file()
    staged.write_bytes(b"rows")
    kept = earlier.publish(staged, "data", before, ".parquet", 1)
    adopted = folder.adopt(earlier.path, record(files={DATA: kept}, index=before), after)
    assert (adopted.index, adopted.files[DATA].name) == (after, f"data/{after:05d}-{kept.digest}.parquet")
    assert (folder.path / adopted.files[DATA].name).read_bytes() == b"rows"


def test_what_was_made_without_a_fallback_is_forgotten_and_its_files_are_swept(folder):
    assert folder.fallbacks() == ()
    without, with_it = data_file(folder), data_file(folder, 3)
    folder.commit(0, record(WRITTEN, {DATA: without}), DOCUMENTS)
    fallback = Fallback("tokenize", {"engine": "quick"}, {"engine": "sound"}, "other ids")
    folder.add_fallback(fallback)
    assert folder.fallbacks() == (fallback,)
    made = record(WRITTEN | {"rows_written": 3, "rows_kept": 3, "rows_read": 3}, {DATA: with_it}, index=1)
    folder.commit(0, replace(made, fallbacks=("tokenize",)), DOCUMENTS)
    folder.drop_others(("tokenize",))
    folder.drop_others(("tokenize",))
    assert list(folder.committed(0)) == [1]
    names = sorted(Path(file.name).name for file in (without, with_it))
    assert sorted(path.name for path in (folder.path / "data").iterdir()) == names, "an equal shard has equal names"
    manifest = finished(folder, {DATA: with_it})
    folder.finish(manifest)
    folder.sweep(manifest)
    assert [path.name for path in (folder.path / "data").iterdir()] == [Path(with_it.name).name]


def test_what_an_attempt_staged_and_did_not_publish_is_gone_when_it_ends(folder):
    def fail() -> None:
        with folder.attempt() as attempt:
            kept, left, inside = (attempt.stage_file() for _ in range(3))
            kept.write_bytes(b"rows")
            left.write_bytes(b"ro")
            inside.mkdir()
            (inside / "part").write_bytes(b"r")
            attempt.stage_file()
            named.append(attempt.publish(kept, "data", 0, ".parquet", 1).name)
            raise OSError(28, "No space left on device")

    named: list[str] = []
    with pytest.raises(OSError, match="No space"):
        fail()
    assert list((folder.root / "tmp").iterdir()) == []
    assert (folder.path / named[0]).read_bytes() == b"rows"


@pytest.mark.parametrize("damaged", [b"", b"{", b"[]", b'{"fallbacks": []}', b'{"fallbacks": 3}'])
def test_a_damaged_record_of_poison_or_of_a_fallback_is_named_with_what_to_do(tmp_path: Path, damaged: bytes) -> None:
    folder = StepFolder(tmp_path, "s", "1" * 32)
    folder.path.mkdir(parents=True)
    folder.add_poison(2, (), 5, PoisonRow(14, "bad", Harm.CRASHED, "SIGSEGV"))
    folder.add_fallback(Fallback("tokenize", {"engine": "quick"}, {"engine": "sound"}, "other ids"))
    (poison,), (fallback,) = folder.path.glob("poison-*.json"), folder.path.glob("fallback-*.json")
    poison.write_bytes(damaged)
    fallback.write_bytes(damaged)
    with pytest.raises(StorageError, match=rf"poison row '.*{poison.name}': expected .*; remove it, and run again"):
        folder.poison(2, ())
    with pytest.raises(StorageError, match=rf"fallback '.*{fallback.name}': expected .*; remove the step's folder"):
        folder.fallbacks()
