"""Where rows go: a file of rows, columns aligned to a base, an exchange, or nowhere."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.artifact import DATA, IDENTITY, LEDGER
from pipeline.execution.commit import StepFolder
from pipeline.execution.sinks import open_sink, write_table
from pipeline.execution.work import Execution, StageSpec
from pipeline.ledger import IDENTITY_SCHEMA, LEDGER_SCHEMA, LedgerBuilder
from pipeline.operator import Resources
from pipeline.plan.logical import ArtifactKind, Exchange, Layout
from pipeline.plan.stages import Partitioning, Stage

SCHEMA = pa.schema(
    [
        pa.field("score", pa.int64()),
        pa.field("tokens", pa.large_list(pa.uint32())),
        pa.field("minhash", pa.list_(pa.int8(), 2)),
    ]
)


def spec(root, kind, schema=SCHEMA, partitioning=None):
    return StageSpec(
        folder=StepFolder(root, "s", "0" * 32),
        segment=1,
        stage=Stage((), (), Resources()),
        is_last=True,
        partitioning=partitioning,
        kind=kind,
        output_schema=schema,
        layout=Layout(row_group_rows=3),
        execution=Execution(),
    )


def values(rows):
    return [{"score": row, "tokens": [row] * (row % 3), "minhash": [row % 100, 1]} for row in rows]


def write(sink, rows, cuts=(), base_rows=0):
    """Rows by their numbers in the base, in batches that end at `cuts`, with a column that is not stored."""
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    for start, end in pairwise(bounds):
        part = rows[start:end]
        batch = pa.RecordBatch.from_pylist(values(part), SCHEMA)
        batch = batch.add_column(0, "other", pa.array(["x"] * len(part)))
        sink.write(batch, np.array(part, np.uint32))
    return sink.close(base_rows)


def read(root, file):
    path = spec(root, ArtifactKind.COLUMNS).folder.path / file.name
    assert pq.read_metadata(path).num_rows == file.num_rows
    return pq.read_table(path).to_pylist()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    present=st.lists(st.booleans(), max_size=20),
    cuts=st.lists(st.integers(0, 20), max_size=4),
    trailing=st.integers(0, 4),
)
def test_columns_have_exactly_the_bases_rows(tmp_path_factory, present, cuts, trailing):
    root = tmp_path_factory.mktemp("sink")
    base_rows = len(present) + trailing
    rows = [row for row, there in enumerate(present) if there]
    nothing = dict.fromkeys(SCHEMA.names)
    files = []
    for some_cuts in ((), cuts):
        sink = open_sink(spec(root, ArtifactKind.COLUMNS), 4)
        files.append(write(sink, rows, some_cuts, base_rows)[DATA])
        assert sink.num_rows == base_rows
    assert files[0] == files[1], "how rows arrive does not show"
    there = dict(zip(rows, values(rows), strict=True))
    assert read(root, files[0]) == [there.get(row, nothing) for row in range(base_rows)]


@pytest.mark.parametrize("base_rows", [0, 1, 7])
def test_columns_of_a_view_that_lost_all_its_rows_are_null(tmp_path, base_rows):
    files = write(open_sink(spec(tmp_path, ArtifactKind.COLUMNS), 0), [], base_rows=base_rows)
    assert read(tmp_path, files[DATA]) == [dict.fromkeys(SCHEMA.names)] * base_rows


@pytest.mark.parametrize("kind", [ArtifactKind.DOCUMENTS, ArtifactKind.TABLE])
def test_rows_are_written_as_they_come_with_the_artifacts_columns(tmp_path, kind):
    sink = open_sink(spec(tmp_path, kind), 2)
    files = write(sink, [5, 6, 9], [1])
    assert list(files) == [DATA]
    assert files[DATA].name.startswith("data/00002-")
    assert sink.num_rows == files[DATA].num_rows == 3
    assert read(tmp_path, files[DATA]) == values([5, 6, 9])


def test_an_empty_shard_is_a_file_too(tmp_path):
    files = open_sink(spec(tmp_path, ArtifactKind.DOCUMENTS), 0).close(0)
    assert read(tmp_path, files[DATA]) == []


def test_removals_leave_no_rows(tmp_path):
    sink = open_sink(spec(tmp_path, ArtifactKind.REMOVALS), 0)
    assert write(sink, [1, 2], base_rows=9) == {}
    assert sink.num_rows == 0


def test_rows_that_travel_lie_in_the_segments_folder(tmp_path):
    schema = pa.schema([pa.field("key", pa.uint64())])
    target = Partitioning("key", Exchange(key="key"), 3, schema)
    stage = spec(tmp_path, ArtifactKind.TABLE, SCHEMA, target)
    sink = open_sink(stage, 7)
    sink.write(pa.record_batch({"key": pa.array([1, None, 2], pa.uint64())}), None)
    files = sink.close(0)
    assert files[DATA].name.startswith("segment-1/00007-")
    assert sink.num_rows == files[DATA].num_rows == 2
    with pa.memory_map(str(stage.folder.path / files[DATA].name)) as source:
        assert pa.ipc.open_file(source).read_all().num_rows == 2


@pytest.mark.parametrize(
    ("role", "table"),
    [(LEDGER, LedgerBuilder().table()), (IDENTITY, IDENTITY_SCHEMA.empty_table())],
)
def test_accounts_without_rows_are_written(tmp_path, role, table):
    stage = spec(tmp_path, ArtifactKind.DOCUMENTS)
    file = write_table(stage, 0, table, role)
    assert pq.read_schema(stage.folder.path / file.name).equals(table.schema)


def test_accounts_keep_their_rows(tmp_path):
    builder = LedgerBuilder()
    for row in (4, 1, 9, 2):
        builder.add_quarantine("o", row, "ValueError", "")
    stage = spec(tmp_path, ArtifactKind.DOCUMENTS)
    file = write_table(stage, 3, builder.table(), LEDGER)
    assert file.name.startswith("ledger/00003-")
    found = pq.read_table(stage.folder.path / file.name)
    assert found.schema == LEDGER_SCHEMA
    assert found["row"].to_pylist() == [1, 2, 4, 9]
