"""Tasks: rows cut into the shards that there must be, models as files, and what breaks the contract."""

from dataclasses import replace

import pyarrow as pa
import pytest

from pipeline.errors import OperatorError
from pipeline.execution.task_run import run_task
from pipeline.execution.work import TaskSource
from pipeline.operator import Task
from tests.unit.pipeline.execution.stages import data_of, spec, unit, view_shard
from tests.unit.pipeline.sample_operators import TEXT_SCHEMA, TotalChars, documents

COLUMN = pa.schema([pa.field("n", pa.int64())])


class Numbers(Task):
    """Yields what a test says."""

    name = "numbers"
    produces = "columns"
    answer: tuple[tuple[int, tuple[int, ...]], ...] = ()

    def requires(self):
        return pa.schema([])

    def output_schema(self, given):
        del given
        return COLUMN

    def open(self):
        def run(inputs):
            del inputs
            for shard, numbers in self.answer:
                yield shard, pa.record_batch([pa.array(numbers, pa.int64())], schema=COLUMN)

        return run


def source(tmp_path, *shards):
    rows = tuple(view_shard(tmp_path / f"view{index}", texts, index) for index, texts in enumerate(shards))
    return TaskSource(rows, documents([]).schema, {}, {}, tuple(map(len, shards)))


def run(tmp_path, task, *, shards=(["a"], ["bb", "c"]), kind="columns"):
    stage = spec(tmp_path, [task], kind=kind, schema=COLUMN)
    fingerprints = [f"f{index}" for index in range(len(shards) if kind == "columns" else 1)]
    with stage.folder.attempt() as folder:
        return stage, run_task(replace(stage, folder=folder), unit(source(tmp_path, *shards), 0, fingerprints), task)


def test_columns_are_cut_into_the_bases_shards(tmp_path):
    stage, records = run(tmp_path, Numbers(answer=((0, (1,)), (1, (2,)), (1, (3,)))))
    assert [[row["n"] for row in data_of(stage, record)] for record in records] == [[1], [2, 3]]
    assert [(record.index, record.fingerprint) for record in records] == [(0, "f0"), (1, "f1")]
    assert [(record.counts["rows_written"], record.counts["rows_base"]) for record in records] == [(1, 1), (2, 2)]


def test_a_shard_that_is_not_yielded_is_empty(tmp_path):
    stage, records = run(tmp_path, Numbers(answer=((1, (2, 3)),)))
    assert [len(data_of(stage, record)) for record in records] == [0, 2]
    assert records[0].counts["rows_base"] == 1, "so the commit refuses it"


@pytest.mark.parametrize("answer", [((1, (1,)), (0, (1,))), ((2, (1,)),), ((0, (1,)), (1, (1,)), (5, (1,)))])
def test_shards_come_in_order_and_exist(tmp_path, answer):
    with pytest.raises(OperatorError, match=r"operator numbers: expected shards 0 to 1 in order; it yielded shard \d"):
        run(tmp_path, Numbers(answer=answer))


def test_a_model_is_its_files(tmp_path):
    stage, (record,) = run(tmp_path, TotalChars(), kind="model")
    assert list(record.files) == ["total.txt"]
    assert (stage.folder.path / record.files["total.txt"].name).read_text() == "4\n"
    assert record.files["total.txt"].name.startswith("model/00000-")
    assert list((stage.folder.root / "tmp").iterdir()) == []


class NoModel(TotalChars):
    yields: bool = False

    def open(self):
        rows = [(0, pa.record_batch([pa.array(["x"], pa.large_string())], schema=TEXT_SCHEMA))]
        return lambda _: iter(rows if self.yields else [])


class Broken(TotalChars):
    def open(self):
        def run(inputs):
            (inputs.directory / "half").write_text("x")
            raise KeyError("column")

        return run


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (NoModel(), "produces a model, but left no file"),
        (NoModel(yields=True), "total_chars: produces a model, so it must yield no rows"),
        (Broken(), "total_chars: failed: KeyError: 'column'"),
    ],
)
def test_a_model_task_that_breaks_its_contract(tmp_path, task, message):
    with pytest.raises(OperatorError, match=message):
        run(tmp_path, task, kind="model")
    assert list((tmp_path / "tmp").iterdir()) == [], "nothing is left behind"
