"""Removals that came home become the ledger of their shard."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.artifact import LEDGER
from pipeline.document import position
from pipeline.errors import CommitError
from pipeline.execution.exchange import ExchangeWriter, PartitionInput
from pipeline.execution.removals import collect_removals
from pipeline.operator import REMOVAL_SCHEMA
from pipeline.plan.stages import Partitioning
from tests.unit.pipeline.execution.stages import spec, unit

HOME = Partitioning("position", None, 2, REMOVAL_SCHEMA)


def removals(tmp_path, *files):
    """Map files of removals, each a list of (shard, row)."""
    paths = []
    for number, places in enumerate(files):
        writer = ExchangeWriter(HOME)
        rows = [{"position": position(*place), "rule": "later", "survivor": bytes(16)} for place in places]
        writer.write(pa.RecordBatch.from_pylist(rows, REMOVAL_SCHEMA))
        writer.close(tmp_path / f"{number}.arrow")
        paths.append(str(tmp_path / f"{number}.arrow"))
    return tuple(paths)


def collect(tmp_path, paths, shard):
    stage = spec(tmp_path, [], kind="removals", segment=2, decided_by="keep_first")
    (record,) = collect_removals(stage, unit(PartitionInput(shard, paths, HOME), shard))
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
    with pytest.raises(CommitError, match="unit 0: expected each row to be removed once; found it twice"):
        collect(tmp_path, removals(tmp_path, *files), 0)
