"""Records that are read again: gone ones stay out, bound columns stand beside, and what is new is accounted for."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.artifact import ViewShard
from pipeline.execution.bound_records import BoundRecords
from pipeline.io.read_batch import ReadBatch, Rejected, RejectReason, SplitSummary
from pipeline.io.shard_file import FileColumns
from pipeline.io.splits import Split
from pipeline.io.storage import InputFile
from pipeline.ledger import Action, LedgerBuilder

SUMMARY = SplitSummary(num_records=0, num_bytes=0, content_digest="c", num_duplicate_keys=0, damaged=None)
NUM_RECORDS = (5, 0, 3)
GONE, REJECTED = 2, 6
"""Record 2 was dropped by a bound step; record 6, the second of the last split, was no document."""


def split(number):
    file = InputFile("web", f"/data/{number}", str(number), 100, "digest")
    return Split(file, "jsonl", 0, None, whole=True, estimated_bytes=100)


@pytest.fixture
def view(tmp_path):
    """Eight records: doc_ids, a score that is bound, and two ledgers."""
    rows = sum(NUM_RECORDS)
    ids = pa.table({"doc_id": pa.array([bytes([row]) * 16 for row in range(rows)], pa.binary(16))})
    pq.write_table(ids, tmp_path / "ids", row_group_size=3)
    pq.write_table(pa.table({"score": pa.array(range(rows), pa.int64())}), tmp_path / "scores", row_group_size=2)
    bound, reading = LedgerBuilder(), LedgerBuilder()
    one = {"rule": np.zeros(1, np.int16), "value": np.zeros(1), "threshold": None}
    bound.add_verdicts("judge", Action.DROP, ("bad",), np.array([GONE], np.uint32), **one)
    reading.add_quarantine("read", REJECTED, "no_text", "")
    reading.add_quarantine("scorer", 3, "ValueError", "")  # its step is not bound: the record stays
    for name, ledger in (("bound", bound), ("reading", reading)):
        pq.write_table(ledger.table(), tmp_path / name)
    files = (FileColumns(str(tmp_path / "ids"), ("doc_id",)), FileColumns(str(tmp_path / "scores"), ("score",)))
    columns = ("doc_id", "text", "score")
    return ViewShard(4, rows, files, (str(tmp_path / "bound"),), columns, True, str(tmp_path / "reading"))


def batch(first, kinds):
    """Records of a split from ordinal `first` on: `d` a document, `x` one that is rejected now."""
    ordinals = [first + place for place, kind in enumerate(kinds) if kind == "d"]
    bad = [first + place for place, kind in enumerate(kinds) if kind == "x"]
    return ReadBatch(
        documents=pa.record_batch({"text": pa.array([f"t{ordinal}" for ordinal in ordinals], pa.large_string())}),
        ordinals=np.array(ordinals, np.int64),
        num_records=len(kinds),
        positions=np.arange(first, first + len(kinds), dtype=np.uint64),
        input_ids=pa.nulls(len(kinds), pa.large_string()),
        rejected=tuple(Rejected(ordinal, ordinal, RejectReason.INVALID_UTF8, "column 'title'") for ordinal in bad),
    )


def read(view, splits):
    """(rows that come out, ledger rows, the reader) of splits that are lists of kinds, a string for each batch."""
    ledger = LedgerBuilder()
    records = BoundRecords(view, NUM_RECORDS, ledger)
    found = []
    for number, kinds in enumerate(splits):
        first = 0
        for part in kinds:
            documents, rows = records.take(batch(first, part), split(number))
            assert documents.num_rows == len(rows)
            found += [(int(row), *values.values()) for row, values in zip(rows, documents.to_pylist(), strict=True)]
            first += len(part)
        records.end_split(split(number), SUMMARY)
    return found, [(row["row"], row["operator"], row["rule"]) for row in ledger.table().to_pylist()], records


def row_of(record, ordinal):
    return (record, bytes([record]) * 16, f"t{ordinal}", record, (4 << 32) | record)


WHOLE = [row_of(0, 0), row_of(1, 1), row_of(3, 3), row_of(4, 4), row_of(5, 0), row_of(7, 2)]


@pytest.mark.parametrize("splits", [[["ddddd"], [], ["dxd"]], [["d", "dd", "", "dd"], [], ["d", "x", "d"]]])
def test_what_is_gone_stays_out_whatever_the_batches(view, splits):
    found, ledger, records = read(view, splits)
    assert found == WHOLE
    assert ledger == [], "an earlier step has accounted for them"
    assert records.rows_read == 6
    assert records.identity() is None
    assert [entry["path"] for entry in records.inputs] == ["0", "1", "2"]


def test_a_record_that_other_columns_accepted_stays_rejected(view):
    assert read(view, [["ddddd"], [], ["ddd"]])[0] == WHOLE


def test_a_record_that_is_bad_only_now_is_quarantined_once(view):
    found, ledger, records = read(view, [["dxxdd"], [], ["dxd"]])
    assert found == [row for row in WHOLE if row[0] != 1]
    assert ledger == [(1, "read", "invalid_utf8")], "record 2 is gone already"
    assert records.rows_read == 6


def test_records_that_a_file_no_longer_gives_are_quarantined(view):
    found, ledger, records = read(view, [["d"], [], ["d"]])
    assert [row[0] for row in found] == [0, 5]
    assert ledger == [(1, "read", "unread"), (3, "read", "unread"), (4, "read", "unread"), (7, "read", "unread")]
    assert records.rows_read == 6


def test_records_beyond_those_that_were_numbered_stay_out(view):
    """A file that changed unseen may give more now."""
    found, ledger, _ = read(view, [["ddddddd", "dx"], ["d", "x"], ["dxd"]])
    assert found == WHOLE
    assert ledger == []
