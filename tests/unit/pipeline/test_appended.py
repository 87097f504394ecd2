"""Tables behind a view: their shards, what they lack, and what belongs to other tables."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.appended import with_tables
from pipeline.artifact import DATA, LEDGER, FileRecord, Manifest, ShardRecord, view_shards
from pipeline.document import position
from pipeline.errors import StorageError
from pipeline.io.shard_file import BatchSize
from pipeline.ledger import Action, LedgerBuilder
from pipeline.plan.logical import ArtifactKind

AGE = pa.field("age", pa.int64())


def artifact(folder, fingerprint, tables, *, ledgers=(), kind=ArtifactKind.TABLE, against=()):
    """An artifact with these tables, one a shard, and for some of them the rows that it removes."""
    folder.mkdir()
    shards = []
    for index, table in enumerate(tables):
        pq.write_table(table, folder / f"{index}.parquet")
        files = {DATA: FileRecord(f"{index}.parquet", table.num_rows, 0, "")}
        if dict(ledgers).get(index):
            builder = LedgerBuilder()
            for row in dict(ledgers)[index]:
                builder.add_quarantine("o", row, "ValueError", "")
            assert builder.counts[Action.QUARANTINE]
            pq.write_table(builder.table(), folder / f"{index}.ledger")
            files[LEDGER] = FileRecord(f"{index}.ledger", 1, 0, "")
        shards.append(ShardRecord(index, f"f{index}", files, {}))
    columns = {field.name: str(field.type) for field in tables[0].schema}
    return Manifest(
        folder.name, kind, fingerprint, "base", "b" * 8, (), columns, tuple(shards), folder,
        against_fingerprints=against,
    )  # fmt: skip


@pytest.fixture
def base(tmp_path):
    return artifact(tmp_path / "base", "b" * 8, [pa.table({"text": ["a", "b"]}), pa.table({"text": ["c"]})])


@pytest.fixture
def old(tmp_path):
    tables = [
        pa.table({"age": [7], "text": ["x"], "more": [0]}),
        pa.table({"age": [8, 9], "text": ["y", "z"], "more": [0, 0]}),
    ]
    return artifact(tmp_path / "old", "o" * 8, tables)


def bound(tmp_path, against, *, ledgers=()):
    """Marks of all rows, those of the tables included."""
    tables = [pa.table({"mark": list(range(n))}) for n in (2, 1, 1, 2)][: 4 if against else 2]
    return artifact(
        tmp_path / "marks", "m" * 8, tables, ledgers=ledgers, kind=ArtifactKind.COLUMNS, against=against
    )  # fmt: skip


def rows(shards):
    return [
        tuple(row.values())
        for shard in shards
        for batch, _ in shard.batches(BatchSize(2, 1 << 20))
        for row in batch.to_pylist()
    ]


def test_rows_of_tables_come_after_those_of_the_base(base, old):
    own = view_shards(base, (), ("age", "text"), with_position=True)
    assert rows(with_tables(own, [old], (), [AGE])) == [
        (None, "a", position(0, 0)),
        (None, "b", position(0, 1)),
        (None, "c", position(1, 0)),
        (7, "x", position(2, 0)),
        (8, "y", position(3, 0)),
        (9, "z", position(3, 1)),
    ]


def test_columns_and_removals_over_the_same_tables_are_theirs_too(tmp_path, base, old):
    marks = bound(tmp_path, ("o" * 8,), ledgers={3: [0]})
    own = view_shards(base, [marks], ("mark", "text"), with_position=False)
    found = rows(with_tables(own, [old], [marks], ()))
    assert found == [(0, "a"), (1, "b"), (0, "c"), (0, "x"), (1, "z")]
    assert rows(own) == found[:3]


def test_a_view_without_columns_still_counts_the_rows_of_tables(base, old):
    shards = with_tables(view_shards(base, (), (), with_position=True), [old], (), ())
    assert [row[-1] for row in rows(shards)][-2:] == [position(3, 0), position(3, 1)]


def test_what_was_made_over_other_tables_is_refused(tmp_path, base, old):
    marks = bound(tmp_path, ("x" * 8,))
    own = view_shards(base, [marks], ("mark",), with_position=False)
    message = r"^step marks: expected to belong to tables \['oooooooo'\] behind its base; found \['xxxxxxxx'\]; run"
    with pytest.raises(StorageError, match=message):
        with_tables(own, [old], [marks], ())
