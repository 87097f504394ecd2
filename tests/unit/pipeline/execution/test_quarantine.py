"""Every record that is read is accounted for, and a step accepts so many bad ones."""

import numpy as np
import pyarrow as pa
import pytest

from pipeline.document import IdHasher
from pipeline.errors import BudgetError
from pipeline.execution.quarantine import SourceRecords, check_budget
from pipeline.io.damage import Damage, DamageReason
from pipeline.io.read_batch import ReadBatch, Rejected, RejectReason, SplitSummary
from pipeline.io.splits import Split
from pipeline.io.storage import InputFile
from pipeline.ledger import IDENTITY_SCHEMA, LedgerBuilder
from pipeline.plan.logical import ErrorBudget
from tests.unit.pipeline.sample_operators import documents


def split(name):
    file = InputFile("web", f"/data/{name}", name, 100, "digest")
    return Split(file, "jsonl", 0, None, whole=True, estimated_bytes=100)


SUMMARY = SplitSummary(num_records=3, num_bytes=30, content_digest="c", num_duplicate_keys=1, damaged=None)


def batch(name, first, kinds):
    """Records of a split from ordinal `first` on: `d` a document, `x` a rejected one; positions are ordinals * 10."""
    ordinals = [first + place for place, kind in enumerate(kinds) if kind == "d"]
    rejected = tuple(
        Rejected(first + place, 10 * (first + place), RejectReason.NO_TEXT, "column 'text'")
        for place, kind in enumerate(kinds)
        if kind == "x"
    )
    hasher = IdHasher("web", name)
    return ReadBatch(
        documents=documents(["t"] * len(ordinals), [hasher.at(10 * ordinal) for ordinal in ordinals]),
        ordinals=np.array(ordinals, np.int64),
        num_records=len(kinds),
        positions=np.arange(first, first + len(kinds), dtype=np.uint64) * np.uint64(10),
        input_ids=pa.array(
            [f"{name}-{first + n}" if kind == "d" else None for n, kind in enumerate(kinds)], pa.large_string()
        ),
        rejected=rejected,
    )


def test_every_record_has_an_identity_and_every_bad_one_a_ledger_row():
    ledger = LedgerBuilder()
    records = SourceRecords(ledger)
    found = []
    for name, batches in (("a", ["dxd", "xd"]), ("b", ["x", "dd"])):
        first = 0
        for kinds in batches:
            documents_, ordinals = records.take(batch(name, first, kinds), split(name))
            assert documents_.num_rows == len(ordinals)
            found.append(ordinals.tolist())
            first += len(kinds)
        records.end_split(split(name), SUMMARY)
    assert records.rows_read == 8
    assert found == [[0, 2], [4], [], [6, 7]], "ordinals among all records of the unit"
    assert [row["row"] for row in ledger.table().to_pylist()] == [1, 3, 5]
    assert ledger.rules == {"read/quarantine/no_text": 3}
    assert {row["detail"] for row in ledger.table().to_pylist()} == {"column 'text'"}
    identity = records.identity()
    assert identity.schema == IDENTITY_SCHEMA
    places = [(0, n) for n in range(5)] + [(1, n) for n in range(3)]
    kinds = "dxdxdxdd"
    assert identity.to_pylist() == [
        {
            "doc_id": IdHasher("web", "ab"[number]).at(10 * ordinal),
            "input_id": f"{'ab'[number]}-{ordinal}" if kind == "d" else None,
            "split": number,
            "offset": 10 * ordinal,
        }
        for (number, ordinal), kind in zip(places, kinds, strict=True)
    ]


def test_a_batch_without_documents_is_all_rejected():
    records = SourceRecords(LedgerBuilder())
    assert records.take(batch("a", 0, "xx"), split("a"))[1].tolist() == []
    records.end_split(split("a"), SUMMARY)
    assert records.identity()["doc_id"].to_pylist() == [IdHasher("web", "a").at(position) for position in (0, 10)]


def test_documents_that_are_a_slice_keep_their_ids():
    whole = batch("a", 0, "dddd")
    part = ReadBatch(
        documents=whole.documents.slice(2),
        ordinals=whole.ordinals[2:] - 2,
        num_records=2,
        positions=whole.positions[2:],
        input_ids=whole.input_ids.slice(2),
        rejected=(),
    )
    records = SourceRecords(LedgerBuilder())
    records.take(part, split("a"))
    assert records.identity()["doc_id"].to_pylist() == [IdHasher("web", "a").at(position) for position in (20, 30)]


def test_nothing_read_has_no_identity_and_an_empty_split_an_empty_one():
    records = SourceRecords(LedgerBuilder())
    assert records.identity() is None
    records.end_split(split("a"), SUMMARY)
    assert records.identity().num_rows == 0


def test_what_is_said_of_a_split():
    records = SourceRecords(LedgerBuilder())
    records.end_split(split("a"), SUMMARY)
    damaged = Damage(offset=7, reason=next(iter(DamageReason)), unread_compressed_bytes=9, lost_rows=4)
    records.end_split(split("b"), SplitSummary(1, 2, "d", 0, damaged))
    whole, broken = records.inputs
    assert whole == {
        "source": "web",
        "path": "a",
        "digest": "digest",
        "start": 0,
        "end": None,
        "num_records": 3,
        "num_bytes": 30,
        "content_digest": "c",
        "num_duplicate_keys": 1,
    }
    assert broken["damaged"] == {
        "offset": 7,
        "reason": next(iter(DamageReason)).value,
        "unread_compressed_bytes": 9,
        "lost_rows": 4,
    }


BUDGET = ErrorBudget(max_bad_fraction=0.1, min_bad_rows=2, max_damaged_fraction=0.25, min_damaged_files=1)


def judge(rows=100, bad=0, files=8, damaged=0, budget=BUDGET):
    check_budget(
        "s",
        budget,
        rows=rows,
        bad_rows={"no_text": bad // 3, "null_text": bad - bad // 3} if bad else {},
        files=files,
        damaged_files=damaged,
    )


@pytest.mark.parametrize(("rows", "bad"), [(100, 10), (100, 0), (5, 2), (0, 0), (19, 2)])
def test_within_the_rows_budget(rows, bad):
    judge(rows, bad)
    with pytest.raises(BudgetError):
        judge(rows, max(2, rows // 10) + 1)


@pytest.mark.parametrize(("files", "damaged"), [(8, 2), (1, 1), (0, 0)])
def test_within_the_files_budget(files, damaged):
    judge(files=files, damaged=damaged)
    with pytest.raises(BudgetError):
        judge(files=files, damaged=max(1, files // 4) + 1)


def test_what_a_spent_budget_says():
    with pytest.raises(
        BudgetError,
        match=r"^step s: expected at most 10 bad rows of 100; found 11, most often null_text \(8\); .*max_bad_fraction",
    ):
        judge(bad=11)
    with pytest.raises(
        BudgetError, match=r"^step s: expected at most 2 damaged files of 8; found 3; .*max_damaged_fraction"
    ):
        judge(damaged=3)


def test_the_published_defaults():
    judge(rows=1_000_000, bad=1000, files=200, damaged=2, budget=ErrorBudget())
    judge(rows=1, bad=1, budget=ErrorBudget())
    for wrong in ({"rows": 1_000_000, "bad": 1001}, {"rows": 100, "bad": 11}, {"files": 200, "damaged": 3}):
        with pytest.raises(BudgetError):
            judge(**wrong, budget=ErrorBudget())
