"""Removals and columns that came home become the ledger, or the columns, of their shard."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.artifact import DATA, LEDGER
from pipeline.document import position
from pipeline.errors import CommitError
from pipeline.execution.exchange import ExchangeWriter, PartitionInput
from pipeline.execution.home import bring_home
from pipeline.operator import REMOVAL_SCHEMA
from pipeline.plan.stages import Partitioning
from tests.unit.pipeline.execution.stages import data_of, listing, spec, unit

HOME = Partitioning("position", None, 2, REMOVAL_SCHEMA)


def removals(tmp_path, *files):
    """Map files of removals, each a list of (shard, row)."""
    paths = []
    for number, places in enumerate(files):
        writer = ExchangeWriter(HOME, tmp_path / f"{number}.arrow", 1 << 20)
        rows = [{"position": position(*place), "rule": "later", "survivor": bytes(16)} for place in places]
        writer.write(pa.RecordBatch.from_pylist(rows, REMOVAL_SCHEMA))
        writer.close()
        paths.append(f"{number}.arrow")
    return listing(tmp_path, paths)


def collect(tmp_path, paths, shard):
    stage = spec(tmp_path, [], kind="removals", segment=2, decided_by="keep_first")
    (record,) = bring_home(stage, unit(PartitionInput(shard, paths, HOME, base_rows=10), shard))
    return stage, record


def test_rows_are_in_order_and_counted(tmp_path):
    paths = removals(tmp_path, [(1, 9), (0, 4)], [(1, 2)])
    stage, record = collect(tmp_path, paths, 1)
    assert record.counts == {
        "rows_read": 2, "rows_kept": 0, "rows_dropped": 2, "rows_quarantined": 0, "rows_edited": 0,
    }  # fmt: skip
    assert record.rules == {"keep_first/drop/later": 2}
    ledger = pq.read_table(stage.folder.path / record.files[LEDGER].name)
    assert ledger["row"].to_pylist() == [2, 9]
    assert set(ledger["operator"].to_pylist()) == {"keep_first"}


def test_a_shard_that_loses_nothing_has_no_file(tmp_path):
    _, record = collect(tmp_path, removals(tmp_path, [(1, 9)]), 0)
    assert record.files == {}
    assert record.counts["rows_dropped"] == 0


@pytest.mark.parametrize("files", [([(0, 4), (0, 4)],), ([(0, 4)], [(0, 4)]), ([(0, 0)], [(0, 0)])])
def test_a_row_is_removed_once(tmp_path, files):
    with pytest.raises(CommitError, match="unit 0: expected each row of the base to come home once; found one twice"):
        collect(tmp_path, removals(tmp_path, *files), 0)


RANKS = pa.schema([pa.field("rank", pa.int64())])
RANKS_HOME = Partitioning("position", None, 2, pa.schema([HOME.schema.field("position"), *RANKS]))


def columns_of(tmp_path, base_rows, *files, shard=1):
    """The record and the `rank` column of a shard; map files are lists of (shard, row), ranked as they come."""
    paths = []
    for number, places in enumerate(files):
        writer = ExchangeWriter(RANKS_HOME, tmp_path / f"{number}.arrow", 1 << 20)
        rows = [{"position": position(*place), "rank": rank} for rank, place in enumerate(places)]
        writer.write(pa.RecordBatch.from_pylist(rows, RANKS_HOME.schema))
        writer.close()
        paths.append(f"{number}.arrow")
    stage = spec(tmp_path, [], kind="columns", schema=RANKS, segment=2, decided_by="rank_in_key")
    (record,) = bring_home(stage, unit(PartitionInput(shard, listing(tmp_path, paths), RANKS_HOME, base_rows), shard))
    return record, [row["rank"] for row in data_of(stage, record)]


def test_columns_are_null_where_no_row_came(tmp_path):
    record, ranks = columns_of(tmp_path, 6, [(1, 4), (0, 0)], [(1, 1), (1, 2)])
    assert ranks == [None, 0, 1, None, 0, None]
    assert list(record.files) == [DATA]
    assert record.counts == {
        "rows_read": 3, "rows_kept": 3, "rows_dropped": 0, "rows_quarantined": 0, "rows_edited": 0,
        "rows_written": 6, "rows_base": 6,
    }  # fmt: skip


@pytest.mark.parametrize("base_rows", [0, 3])
def test_a_shard_to_which_nothing_comes_has_nulls(tmp_path, base_rows):
    record, ranks = columns_of(tmp_path, base_rows, [(1, 4)], shard=0)
    assert ranks == [None] * base_rows
    assert record.files[DATA].num_rows == base_rows


def test_a_position_that_comes_twice_is_refused(tmp_path):
    with pytest.raises(CommitError, match="to come home once; found one twice; rank_in_key must yield a position once"):
        columns_of(tmp_path, 6, [(1, 4)], [(1, 2), (1, 4)])


def test_a_position_that_the_base_does_not_have_is_refused(tmp_path):
    with pytest.raises(CommitError, match=r"unit 1: expected rows below 4, as the base's shard has them; found row 4;"):
        columns_of(tmp_path, 4, [(1, 4)])
