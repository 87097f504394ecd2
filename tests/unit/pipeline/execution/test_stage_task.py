"""What a worker does with a unit: counts, files, stages that hand over, and errors with their place."""

import pickle
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.artifact import DATA, LEDGER
from pipeline.errors import FallBackNeeded, OperatorError
from pipeline.execution.exchange import PartitionInput
from pipeline.execution.stage_task import StageWorker
from pipeline.execution.work import Execution, Passage
from pipeline.operator import Resources
from pipeline.plan.logical import Exchange
from pipeline.plan.stages import Partitioning, Stage
from tests.sample_operators import GuardedLength
from tests.unit.pipeline.execution.stages import data_of, listing, spec, unit, view_shard
from tests.unit.pipeline.sample_operators import AddKey, CountKeys, FirstRows, MinChars, NumChars, Shout, documents

TEXTS = ["alpha", "b", "beta!", "", "gamma", "g", "delta"]
SCHEMA = pa.schema([*documents([]).schema, pa.field("num_chars", pa.int64())])
OPERATORS = (NumChars(fails_on="!"), MinChars(), Shout())


@pytest.mark.parametrize("batch_rows", [1, 3, 1024])
def test_rows_through_fused_operators(tmp_path, batch_rows):
    stage = spec(tmp_path, OPERATORS, schema=SCHEMA, execution=Execution(batch_rows=batch_rows))
    (record,) = StageWorker(stage).run(unit(view_shard(tmp_path / "view", TEXTS)))
    assert [row["text"] for row in data_of(stage, record)] == ["ALPHA", "GAMMA", "DELTA"]
    assert record.counts == {
        "rows_read": 7, "rows_kept": 3, "rows_dropped": 3, "rows_quarantined": 1, "rows_edited": 3, "rows_written": 3,
    }  # fmt: skip
    assert record.rules == {"min_chars/drop/too_short": 3, "num_chars/quarantine/ValueError": 1, "shout/edit/raised": 3}
    ledger = pq.read_table(stage.folder.path / record.files[LEDGER].name)
    assert ledger["row"].to_pylist() == list(range(7))
    assert [example["text"] for example in record.examples] == ["b", "", "g"]


class AlsoShort(MinChars):
    """A filter whose name sorts before that of an operator which runs before it."""

    name = "also_short"


CASCADE = (MinChars(min_chars=1), NumChars(), AlsoShort(min_chars=2), MinChars(min_chars=6, without="mm"))


@pytest.mark.parametrize("operators", [OPERATORS, CASCADE])
def test_stages_that_hand_over_give_what_one_stage_gives(tmp_path, operators):
    source = unit(view_shard(tmp_path / "view", TEXTS))
    fused = spec(tmp_path, operators, schema=SCHEMA)
    (expected,) = StageWorker(fused).run(source)
    passage = None
    for place, (operator, label) in enumerate(zip(operators, fused.stage.labels, strict=True)):
        is_last = place == len(operators) - 1
        stage = Stage((operator,), (label,), Resources())
        worker = StageWorker(spec(tmp_path, [], stage=stage, schema=SCHEMA, is_last=is_last))
        result = worker.run(source, passage)
        if not is_last:
            assert isinstance(result, Passage)
            passage = pickle.loads(pickle.dumps(result))  # as it travels between actors
    assert result == (expected,)


def test_a_worker_keeps_nothing_between_units(tmp_path):
    stage = spec(tmp_path, OPERATORS, schema=SCHEMA)
    worker = StageWorker(stage)
    source = unit(view_shard(tmp_path / "view", TEXTS))
    first = worker.run(source)
    worker.run(unit(view_shard(tmp_path / "other", ["x!", "yy", "z"])))
    assert worker.run(source) == first == StageWorker(stage).run(source)


def test_columns_have_nulls_where_rows_failed(tmp_path):
    schema = pa.schema([pa.field("num_chars", pa.int64())])
    stage = spec(tmp_path, [NumChars(fails_on="!")], kind="columns", schema=schema)
    (record,) = StageWorker(stage).run(unit(view_shard(tmp_path / "view", TEXTS)))
    assert [row["num_chars"] for row in data_of(stage, record)] == [5, 1, None, 0, 5, 1, 5]
    assert (record.counts["rows_base"], record.counts["rows_kept"], record.counts["rows_quarantined"]) == (7, 6, 1)


def test_a_shard_without_events_has_no_ledger(tmp_path):
    stage = spec(tmp_path, [], schema=documents([]).schema)
    (record,) = StageWorker(stage).run(unit(view_shard(tmp_path / "view", TEXTS)))
    assert list(record.files) == [DATA]


def test_a_partition_travels_and_is_counted(tmp_path):
    target = Partitioning("key", Exchange(key="key"), 1, pa.schema([pa.field("key", pa.uint64())]))
    out = CountKeys().output_schema(pa.schema([]))
    mapped = spec(tmp_path, [AddKey()], kind="table", schema=out, partitioning=target)
    paths = []
    for index in range(2):
        (record,) = StageWorker(mapped).run(unit(view_shard(tmp_path / f"view{index}", TEXTS), index))
        assert (record.counts["rows_kept"], record.counts["rows_written"]) == (7, 6), "no key, no journey"
        assert list(record.files) == [DATA]
        paths.append(record.files[DATA].name)
    reduced = spec(tmp_path, [CountKeys()], kind="table", schema=out, segment=1)
    (record,) = StageWorker(reduced).run(unit(PartitionInput(0, listing(mapped.folder.path, paths), target)))
    found = {chr(row["key"]): row["rows"] for row in data_of(reduced, record)}
    assert found == {"a": 2, "b": 4, "d": 2, "g": 4}
    assert (record.counts["rows_read"], record.counts["rows_written"]) == (12, 4)


class Counted(FirstRows):
    """First rows, declared to conserve characters; the characters of dropped rows are not told."""

    def conserves(self):
        return ("num_chars", "num_chars", "num_chars")


def test_what_a_shard_operator_conserves_is_summed(tmp_path):
    stage = spec(tmp_path, [NumChars(), Counted(count=2)], schema=SCHEMA)
    (record,) = StageWorker(stage).run(unit(view_shard(tmp_path / "view", TEXTS)))
    assert record.counts["conserved_in"] == sum(map(len, TEXTS))
    assert record.counts["conserved_out"] == record.counts["conserved_cut"] == len("alpha") + len("b")
    assert [row["text"] for row in data_of(stage, record)] == ["alpha", "b"]


class BadPartition(CountKeys):
    def open(self):
        def fail(batches):
            for batch in batches:
                raise ValueError(f"cannot bear {batch}")
            yield

        return fail


class BadShard(FirstRows):
    def open(self):
        def fail(batches):
            for batch in batches:
                raise ValueError(f"cannot bear {batch}")
            yield

        return fail


@pytest.mark.parametrize("kind", [CountKeys, FirstRows])
def test_operators_over_many_rows_that_do_not_open_are_named(tmp_path, kind):
    class Closed(kind):
        def open(self):
            raise RuntimeError("no model")

    with pytest.raises(OperatorError, match=rf"^operator {kind.name}: could not be opened: RuntimeError: no model$"):
        StageWorker(spec(tmp_path, [Closed()], schema=documents([]).schema))


def test_operators_over_many_rows_fail_with_their_place(tmp_path):
    source = view_shard(tmp_path / "view", TEXTS)
    with pytest.raises(OperatorError, match=r"operator first_rows: failed on a shard") as caught:
        StageWorker(spec(tmp_path, [BadShard()], schema=documents([]).schema)).run(unit(source, 3))
    assert any("step s, stage first_rows, unit 3" in note for note in caught.value.__notes__)
    assert isinstance(caught.value.__cause__, ValueError)

    target = Partitioning("key", Exchange(key="key"), 1, pa.schema([pa.field("key", pa.uint64())]))
    mapped = spec(tmp_path, [AddKey()], kind="table", partitioning=target)
    (record,) = StageWorker(mapped).run(unit(source))
    paths = listing(mapped.folder.path, [record.files[DATA].name])
    bad = spec(tmp_path, [BadPartition()], kind="table", schema=CountKeys().output_schema(pa.schema([])))
    with pytest.raises(
        OperatorError, match=r"operator count_keys: failed within the first 6 rows of a partition"
    ) as caught:
        StageWorker(bad).run(unit(PartitionInput(0, paths, target)))
    assert "cannot bear" not in str(caught.value)


def test_execution_settings_do_not_reach_a_byte(tmp_path):
    source = unit(view_shard(tmp_path / "view", TEXTS * 10))
    stage = spec(tmp_path, OPERATORS, schema=SCHEMA)
    records = {
        StageWorker(replace(stage, execution=Execution(batch_rows=rows))).run(source)[0].files[DATA].digest
        for rows in (1, 7, 64, 10_000)
    }
    assert len(records) == 1


class Versioned(NumChars):
    """Says what it was made with, once it is open."""

    def made_with(self):
        return f"{self.column} 1.0"


def test_records_say_what_operators_of_all_stages_were_made_with(tmp_path):
    source = unit(view_shard(tmp_path / "view", TEXTS))
    operators = (Versioned(), NumChars(column="b"), Versioned(column="c"))
    schema = pa.schema([*documents([]).schema, *(pa.field(name, pa.int64()) for name in ("num_chars", "b", "c"))])
    fused = spec(tmp_path, operators, schema=schema, fallbacks=("num_chars",))
    (record,) = StageWorker(fused).run(source)
    assert record.made_with == {"num_chars": "num_chars 1.0", "num_chars#3": "c 1.0"}
    assert record.fallbacks == ("num_chars",)
    first, *rest = (
        Stage((one,), (label,), Resources()) for one, label in zip(operators, fused.stage.labels, strict=True)
    )
    passage = StageWorker(spec(tmp_path, [], stage=first, is_last=False)).run(source)
    for place, stage in enumerate(rest):
        last = spec(tmp_path, [], stage=stage, schema=schema, is_last=place == 1, fallbacks=("num_chars",))
        passage = StageWorker(last).run(source, passage)
    assert passage == (record,)


def test_a_call_for_a_fallback_names_the_operator_as_the_step_does(tmp_path):
    operators = (GuardedLength(), GuardedLength(column="again", distrust="amm"))
    stage = spec(tmp_path, operators, schema=documents([]).schema)
    with pytest.raises(FallBackNeeded) as raised:
        StageWorker(stage).run(unit(view_shard(tmp_path / "view", TEXTS)))
    assert raised.value.operator == "guarded_length#2"
    assert raised.value.detail == "row 4 of a batch"
    assert raised.value.__notes__ == ["step s, stage guarded_length + guarded_length#2, unit 0"]
