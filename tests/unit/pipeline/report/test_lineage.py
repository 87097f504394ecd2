"""Where documents' tokens lie, and whose a token is: both ways, against rows that are looked at one by one."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.artifact import DATA, LEDGER, DatasetFile, FileRecord, Manifest, ShardRecord
from pipeline.errors import PlanError
from pipeline.ledger import LedgerBuilder
from pipeline.plan.logical import ArtifactKind
from pipeline.recorded_run import RecordedStep
from pipeline.report.lineage import Lineage, TokenRange

WINDOW = 8
EXTRA = WINDOW + 1
"""A row of packed tables here: its last id is the next row's first, or padding."""


def doc_id(number: int) -> bytes:
    return number.to_bytes(16, "big")


def manifest(folder: Path, kind: ArtifactKind, shards: list[pa.Table]) -> Manifest:
    """An artifact of these shards, in row groups of three rows."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data").mkdir(exist_ok=True)
    records = []
    for index, table in enumerate(shards):
        name = f"data/{index}.parquet"
        pq.write_table(table, folder / name, row_group_size=3)
        files = {DATA: FileRecord(name, table.num_rows, 0, "")}
        records.append(ShardRecord(index, "f", files, {}))
    columns = {field.name: str(field.type) for field in shards[0].schema}
    return Manifest(folder.name, kind, "f", None, None, (), columns, tuple(records), folder)


def store(folder: Path, shards: list[list[tuple[int, int]]]) -> Manifest:
    """A token store of shards of (document, tokens)."""
    tables = [
        pa.table(
            {
                "doc_id": pa.array([doc_id(document) for document, _ in rows], pa.binary(16)),
                "num_tokens": pa.array([length for _, length in rows], pa.int64()),
            }
        )
        for rows in shards
    ]
    return manifest(folder, ArtifactKind.DOCUMENTS, tables)


def chunked(documents: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Windows of pieces (document, tokens): documents end to end, cut where a window is full."""
    windows: list[list[tuple[int, int]]] = []
    room = 0
    for document, length in documents:
        left = length
        while left:
            if not room:
                windows.append([])
                room = WINDOW
            taken = min(left, room)
            windows[-1].append((document, taken))
            left, room = left - taken, room - taken
    return windows


def packed(folder: Path, shards: list[list[list[tuple[int, int]]]], *, boundaries: str) -> Manifest:
    """A packed table of shards of windows of pieces; rows are one id longer, as for readers of overlapping rows."""
    tables = []
    for windows in shards:
        segments, ends = [], []
        for place, window in enumerate(windows):
            ids = [number for number, (_, length) in enumerate(window, 1) for _ in range(length)]
            has_next = place + 1 < len(windows) and len(ids) == WINDOW
            continues = has_next and windows[place + 1][0][0] == window[-1][0]
            ahead = [len(window) + (not continues)] if has_next else []
            segments.append([*ids, *ahead, *[0] * (EXTRA - len(ids) - len(ahead))])
            bounds = [0, *np.cumsum([length for _, length in window]).tolist()]
            ends.append(bounds if not ahead else [*bounds[:-1], EXTRA] if continues else [*bounds, EXTRA])
        columns = {
            "doc_ids": pa.array([[doc_id(d) for d, _ in window] for window in windows], pa.list_(pa.binary(16))),
            "num_tokens": pa.array([sum(length for _, length in window) for window in windows], pa.int64()),
        }
        told = {
            "segment_ids": pa.array(segments, pa.list_(pa.int32(), EXTRA)),
            "cu_seqlens": pa.array(ends, pa.list_(pa.int32())),
        }
        tables.append(pa.table(columns | {boundaries: told[boundaries]}))
    return manifest(folder, ArtifactKind.TABLE, tables)


DOCUMENTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20)), max_size=8)


@settings(max_examples=15)
@given(DOCUMENTS, DOCUMENTS)
def test_every_token_of_a_store_has_its_document_and_back(tmp_path_factory, first, second):
    shards = [first, second]
    lineage = Lineage((), {"tokens": store(tmp_path_factory.mktemp("run") / "tokens", shards)})
    for document in range(4):
        expected = []
        for shard, rows in enumerate(shards):
            starts = np.cumsum([0, *(length for _, length in rows)]).tolist()
            expected += [
                TokenRange(shard, row, starts[row], starts[row + 1])
                for row, (number, _) in enumerate(rows)
                if number == document
            ]
        assert list(lineage.ranges("tokens", doc_id(document))) == expected
        assert list(lineage.ranges("tokens", doc_id(document), {1})) == [one for one in expected if one.shard == 1]
    for shard, rows in enumerate(shards):
        owners = [number for number, length in rows for _ in range(length)]
        found = [lineage.owner("tokens", shard, token) for token in range(len(owners))]
        assert [one.doc_id for one in found] == [doc_id(number).hex() for number in owners]
        assert all(one.tokens.start <= one.token < one.tokens.end for one in found)


@pytest.mark.parametrize("boundaries", ["segment_ids", "cu_seqlens"])
@settings(max_examples=15)
@given(documents=DOCUMENTS)
def test_every_token_of_windows_has_its_document_and_back(tmp_path_factory, boundaries, documents):
    windows = chunked(documents)
    folder = tmp_path_factory.mktemp("run") / "packed"
    lineage = Lineage((), {"packed": packed(folder, [windows], boundaries=boundaries)})
    owners = [number for window in windows for number, length in window for _ in range(length)]
    assert len(owners) == sum(length for _, length in documents)
    for token, number in enumerate(owners):
        found = lineage.owner("packed", 0, token)
        assert found.doc_id == doc_id(number).hex()
        assert found.tokens.place is not None
        assert (found.tokens.row, found.tokens.place + token - found.tokens.start) == divmod(token, WINDOW)
    for document in range(4):
        ranges = lineage.ranges("packed", doc_id(document))
        tokens = [token for one in ranges for token in range(one.start, one.end)]
        assert tokens == [token for token, number in enumerate(owners) if number == document]
        assert [one.row for one in ranges] == sorted(one.row for one in ranges)


def test_ranges_in_a_line(tmp_path):
    lineage = Lineage(
        (),
        {
            "tokens": store(tmp_path / "tokens", [[(0, 3), (1, 10)]]),
            "packed": packed(tmp_path / "packed", [chunked([(0, 3), (1, 10)])], boundaries="segment_ids"),
        },
    )
    assert [str(one) for one in lineage.ranges("tokens", doc_id(1))] == ["shard 0, row 1, tokens 3:13"]
    assert [str(one) for one in lineage.ranges("packed", doc_id(1))] == [
        "shard 0, window 0, ids 3:8, tokens 3:8",
        "shard 0, window 1, ids 0:5, tokens 8:13",
    ]
    assert str(lineage.owner("tokens", 0, 5)) == "token 2 of a document of 10, shard 0, row 1, tokens 3:13"
    assert str(lineage.owner("packed", 0, 9)) == "token 1 of a piece of 5, shard 0, window 1, ids 0:5, tokens 8:13"


@pytest.mark.parametrize(
    ("step", "shard", "token", "message"),
    [
        ("chars", 0, 0, r"step 'chars': expected a finished step .* found none of that name; .*: \['tokens'\]"),
        ("lost", 0, 0, r"step 'lost': expected a finished step"),
        ("tokens", 2, 0, "step 'tokens': expected a shard from 0 to 1; found 2"),
        ("tokens", 0, 13, "step 'tokens', shard 0: expected a token from 0 to 12; found 13"),
        ("tokens", 1, 0, "step 'tokens', shard 1: expected no token, as it holds none; found 0"),
    ],
)
def test_what_does_not_exist_is_named(tmp_path, step, shard, token, message):
    chars = manifest(tmp_path / "chars", ArtifactKind.TABLE, [pa.table({"num_chars": [1]})])
    lineage = Lineage((), {"tokens": store(tmp_path / "tokens", [[(0, 3), (1, 10)], []]), "chars": chars})
    with pytest.raises(PlanError, match=message):
        lineage.owner(step, shard, token)


def written(folder: Path, base: Manifest, gone: dict[int, list[int]], *, num_tokens: list[int]) -> Manifest:
    """Files in a trainer's format of what is left of a base: `gone` are the rows that the step dropped, by shard."""
    folder.mkdir()
    records = []
    for index, tokens in enumerate(num_tokens):
        files = {}
        if gone.get(index):
            ledger = LedgerBuilder()
            for row in gone[index]:
                ledger.add_quarantine("some", row, "ValueError", "")
            pq.write_table(ledger.table(), folder / f"ledger-{index}.parquet")
            files = {LEDGER: FileRecord(f"ledger-{index}.parquet", len(gone[index]), 0, "")}
        records.append(ShardRecord(index, "f", files, {"conserved_out": tokens}))
    dataset = tuple(DatasetFile(f"dataset/{index}.bin", 0, "", index) for index in range(len(records)))
    return Manifest(
        folder.name, ArtifactKind.FILES, "f", base.step, "f", (), {}, tuple(records), folder, dataset=dataset
    )


def step_over(base: str, name: str, kind: ArtifactKind = ArtifactKind.FILES) -> RecordedStep:
    return RecordedStep(name, kind.value, name, (base,), base, (), (), (), None)


def test_files_of_a_trainer_hold_the_rows_that_got_there(tmp_path):
    tokens = store(tmp_path / "tokens", [[(0, 3), (1, 10), (2, 4)], [(3, 2)]])
    files = written(tmp_path / "bins", tokens, {0: [1]}, num_tokens=[7, 2])
    lineage = Lineage([step_over("tokens", "bins")], {"tokens": tokens, "bins": files})
    assert lineage.ranges("bins", doc_id(2)) == (TokenRange(0, 2, 3, 7, None, ("0.bin",)),)
    assert lineage.ranges("bins", doc_id(1)) == ()
    assert str(lineage.owner("bins", 0, 4)) == "token 1 of a document of 4, shard 0, row 2, tokens 3:7 of 0.bin"
    assert lineage.owner("bins", 1, 1).doc_id == doc_id(3).hex()


def test_files_of_flattened_windows_hold_their_tokens(tmp_path):
    table = packed(tmp_path / "packed", [chunked([(0, 3), (1, 10)])], boundaries="segment_ids")
    files = written(tmp_path / "bins", table, {}, num_tokens=[13])
    lineage = Lineage([step_over("packed", "bins")], {"packed": table, "bins": files})
    assert [str(one) for one in lineage.ranges("bins", doc_id(1))] == [
        "shard 0, window 0, ids 3:8, tokens 3:8 of 0.bin",
        "shard 0, window 1, ids 0:5, tokens 8:13 of 0.bin",
    ]


def test_files_with_other_tokens_than_their_base_are_not_guessed_at(tmp_path):
    tokens = store(tmp_path / "tokens", [[(0, 3), (1, 10)]])
    files = written(tmp_path / "bins", tokens, {}, num_tokens=[12])
    lineage = Lineage([step_over("tokens", "bins")], {"tokens": tokens, "bins": files})
    assert lineage.ranges("bins", doc_id(1)) == ()
    with pytest.raises(
        PlanError, match="expected as many tokens in its files as in the rows of its base; found others"
    ):
        lineage.owner("bins", 0, 0)
