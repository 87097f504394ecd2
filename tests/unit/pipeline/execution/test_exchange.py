"""The exchange against its meaning: one sort of all rows. Budgets, chunks and map files must not show."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.document import position, split_position
from pipeline.errors import StorageError
from pipeline.execution import exchange
from pipeline.execution.exchange import ExchangeWriter, PartitionInput, read_partition
from pipeline.operator import REMOVAL_SCHEMA
from pipeline.plan.logical import Exchange, SortKey
from pipeline.plan.stages import Partitioning
from tests.unit.pipeline.execution.stages import listing

LARGE = 1 << 30
SCHEMA = pa.schema(
    [
        pa.field("key", pa.uint64()),
        pa.field("score", pa.float64()),
        pa.field("name", pa.large_string()),
        pa.field("position", pa.uint64(), nullable=False),
    ]
)
SORT = (SortKey(column="score", descending=True), SortKey(column="name"))


def partitioning(count=3, sort=(), schema=SCHEMA):
    return Partitioning("key", Exchange(key="key", sort=sort), count, schema)


def write(tmp_path, target, units, batch_rows=4, piece_bytes=LARGE):
    """Files of map units, each a list of rows as dictionaries."""
    paths = []
    for number, rows in enumerate(units):
        path = tmp_path / f"{number}.arrow"
        writer = ExchangeWriter(target, path, piece_bytes)
        for start in range(0, len(rows), batch_rows):
            writer.write(pa.RecordBatch.from_pylist(rows[start : start + batch_rows], target.schema))
        writer.close()
        assert writer.num_rows == sum(row[target.key] is not None for row in rows)
        paths.append(path.name)
    return listing(tmp_path, paths)


def read(paths, target, memory=LARGE, chunk_rows=1 << 18):
    """Chunks of every partition."""
    return [
        [batch.to_pylist() for batch in read_partition(PartitionInput(index, paths, target), memory, chunk_rows)]
        for index in range(target.num_partitions)
    ]


def rows_of(partition):
    return [row for chunk in partition for row in chunk]


def expected_order(units, sort):
    """All rows that have a key, as the exchange must order them within a partition."""
    rows = [row for unit in units for row in unit if row["key"] is not None]
    rows.sort(key=lambda row: row["position"])
    for key in reversed(sort):
        present = [row for row in rows if row[key.column] is not None]
        absent = [row for row in rows if row[key.column] is None]
        rows = sorted(present, key=lambda row: row[key.column], reverse=key.descending) + absent
    return sorted(rows, key=lambda row: row["key"])


def make_units(keys, scores, names, num_units):
    """Units of rows at increasing positions; shard = unit."""
    units = [[] for _ in range(num_units)]
    for index, (key, score, name) in enumerate(zip(keys, scores, names, strict=True)):
        unit = units[index % num_units]
        unit.append({"key": key, "score": score, "name": name, "position": position(index % num_units, len(unit))})
    return units


KEYS = st.none() | st.integers(0, 5) | st.integers(0, (1 << 64) - 1)
ROWS = st.lists(
    st.tuples(KEYS, st.none() | st.sampled_from([0.0, 0.5, 1.0, -1.0]), st.none() | st.sampled_from(["", "a", "é"])),
    max_size=40,
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    rows=ROWS,
    num_units=st.integers(1, 4),
    count=st.integers(1, 5),
    sort=st.sampled_from([(), SORT, SORT[1:]]),
    memory=st.sampled_from([1, 100, 500, LARGE]),
    chunk_rows=st.sampled_from([1, 3, 1 << 18]),
)
def test_every_budget_and_chunk_gives_the_meaning(tmp_path_factory, rows, num_units, count, sort, memory, chunk_rows):
    folder = tmp_path_factory.mktemp("exchange")
    units = make_units(*([row[i] for row in rows] for i in range(3)), num_units)
    target = partitioning(count, sort)
    partitions = read(write(folder, target, units), target, memory, chunk_rows)
    found = [rows_of(partition) for partition in partitions]
    expected = expected_order(units, sort)
    place = {row["key"]: index for index, partition in enumerate(found) for row in partition}
    assert found == [[row for row in expected if place[row["key"]] == index] for index in range(count)]
    assert sum(map(len, found)) == len(expected)
    assert all(0 < len(chunk) <= chunk_rows for partition in partitions for chunk in partition)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(rows=ROWS, piece=st.sampled_from([1, 200]), order=st.sampled_from(["sorted", "arrival"]))
def test_files_in_pieces_hold_the_same_rows_in_the_same_order(tmp_path_factory, rows, piece, order):
    units = make_units(*([row[i] for row in rows] for i in range(3)), 2)
    target = Partitioning("key", Exchange(key="key", order=order), 3, SCHEMA)
    found = []
    for num_bytes in (piece, LARGE):
        paths = write(tmp_path_factory.mktemp("exchange"), target, units, piece_bytes=num_bytes)
        found.append([[rows_of(part) for part in read(paths, target, memory)] for memory in (1, LARGE)])
    assert found[0] == found[1]


def test_a_map_unit_writes_pieces_of_bounded_size(tmp_path):
    target = partitioning(2)
    write(tmp_path, target, [make_units(list(range(400)), [None] * 400, ["x" * 20] * 400, 1)[0]], piece_bytes=1000)
    with pa.memory_map(str(tmp_path / "0.arrow")) as source:
        file = pa.ipc.open_file(source)
        sizes = [file.get_batch(place).nbytes for place in range(file.num_record_batches)]
    assert len(sizes) > 20
    assert max(map(sum, zip(sizes[::2], sizes[1::2], strict=True))) < 1400  # 1,000 and one batch of four rows


def test_chunks_of_large_rows_are_few_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(exchange, "CHUNK_BYTES", 10_000)
    units = make_units(list(range(100)), [None] * 100, ["x" * 1000] * 100, 1)
    for order in ("sorted", "arrival"):
        target = Partitioning("key", Exchange(key="key", order=order), 1, SCHEMA)
        (partition,) = read(write(tmp_path, target, units), target)
        assert {len(chunk) for chunk in partition[:-1]} == {9}
        assert len(rows_of(partition)) == 100


@given(st.lists(st.integers(0, (1 << 64) - 1), max_size=30), st.integers(1, 1 << 20))
def test_ranges_are_equal_and_in_order(keys, count):
    target = Partitioning("key", Exchange(key="key", placement="range"), count, SCHEMA)
    found = exchange._partition_of(pa.array(keys, pa.uint64()), target).tolist()
    assert found == [(key * count) >> 64 for key in keys]


def test_partitions_of_ranges_give_one_order(tmp_path):
    keys = [(number * 0x9E3779B97F4A7C15) % (1 << 64) for number in range(200)]
    target = Partitioning("key", Exchange(key="key", placement="range"), 4, SCHEMA)
    found = read(write(tmp_path, target, make_units(keys, [None] * 200, [None] * 200, 3)), target)
    assert [row["key"] for partition in found for row in rows_of(partition)] == sorted(keys)
    assert all(35 < len(rows_of(partition)) < 65 for partition in found)


def test_a_key_may_go_on_in_the_next_chunk(tmp_path):
    target = partitioning(1)
    units = make_units([1, 1, 1, 2], [None] * 4, [None] * 4, 1)
    (partition,) = read(write(tmp_path, target, units), target, chunk_rows=2)
    assert [[row["key"] for row in chunk] for chunk in partition] == [[1, 1], [1, 2]]


@settings(max_examples=20, deadline=None, derandomize=True)
@given(rows=ROWS, num_units=st.integers(1, 4), count=st.integers(1, 3), chunk_rows=st.sampled_from([1, 3, 1 << 18]))
def test_in_order_of_arrival_rows_stand_as_units_sent_them(tmp_path_factory, rows, num_units, count, chunk_rows):
    folder = tmp_path_factory.mktemp("exchange")
    units = make_units(*([row[i] for row in rows] for i in range(3)), num_units)
    target = Partitioning("key", Exchange(key="key", order="arrival"), count, SCHEMA)
    found = read(write(folder, target, units), target, chunk_rows=chunk_rows)
    sent = [row for unit in units for row in unit if row["key"] is not None]
    place = {row["key"]: index for index, partition in enumerate(found) for row in rows_of(partition)}
    assert [rows_of(part) for part in found] == [
        [row for row in sent if place[row["key"]] == index] for index in range(count)
    ]
    assert all(0 < len(chunk) <= chunk_rows for partition in found for chunk in partition)


def test_a_small_budget_is_read_in_key_ranges(tmp_path):
    target = partitioning(1)
    keys = [7] * 50 + list(range(100, 150))
    units = make_units(keys, [None] * 100, ["x"] * 100, 2)
    paths = write(tmp_path, target, units)
    (whole,) = read(paths, target)
    (ranged,) = read(paths, target, memory=600)
    assert len(whole) == 1
    assert len(ranged) > 3, "the budget must be felt"
    assert rows_of(ranged) == rows_of(whole)


def test_ties_keep_the_order_of_units_and_rows(tmp_path):
    schema = pa.schema([pa.field("key", pa.uint64()), pa.field("name", pa.large_string())])
    target = partitioning(2, schema=schema)
    units = [[{"key": 1, "name": f"{unit}-{row}"} for row in range(30)] for unit in range(3)]
    paths = write(tmp_path, target, units)
    expected = [f"{unit}-{row}" for unit in range(3) for row in range(30)]
    for memory in (1, LARGE):
        assert [row["name"] for part in read(paths, target, memory) for row in rows_of(part)] == expected


def test_wide_keys_meet_by_all_their_bytes(tmp_path):
    schema = pa.schema([pa.field("key", pa.binary(16)), pa.field("position", pa.uint64(), nullable=False)])
    target = partitioning(3, schema=schema)
    # Equal first halves, high bits set, zeros: what a key cut to eight or signed bytes would confuse.
    heads = [bytes(8), b"\xff" * 8, b"\x7f" + bytes(7), b"\x80" + bytes(7)]
    keys = [head + tail for head in heads for tail in (bytes(8), b"\0" * 7 + b"\1", b"\xff" * 8)]
    rows = [{"key": key, "position": position(0, index)} for index, key in enumerate(keys * 3)]
    paths = write(tmp_path, target, [rows[::2], rows[1::2]])
    for memory in (1, LARGE):
        found = [rows_of(partition) for partition in read(paths, target, memory)]
        every = sorted((row for part in found for row in part), key=lambda row: (row["key"], row["position"]))
        assert every == sorted(rows, key=lambda row: (row["key"], row["position"]))
        for partition in found:
            assert partition == [row for row in every if row in partition]


def test_rows_without_a_key_stay_out(tmp_path):
    target = partitioning(2)
    units = make_units([None, 3, None], [1.0] * 3, ["a"] * 3, 1)
    assert [row["key"] for part in read(write(tmp_path, target, units), target) for row in rows_of(part)] == [3]


@pytest.mark.parametrize("memory", [1, LARGE])
@pytest.mark.parametrize("units", [[], [[]], [[], []]])
def test_empty_partitions_give_no_rows(tmp_path, units, memory):
    target = partitioning(4)
    assert read(write(tmp_path, target, units), target, memory) == [[], [], [], []]


def test_one_record_batch_a_partition(tmp_path):
    target = partitioning(5)
    write(tmp_path, target, [make_units([1, 2, 3], [None] * 3, [None] * 3, 1)[0]])
    with pa.memory_map(str(tmp_path / "0.arrow")) as source:
        assert pa.ipc.open_file(source).num_record_batches == 5


def test_where_keys_go_is_frozen(tmp_path):
    """The partition of a key decides the shard of a table, so it is part of the bytes."""
    target = partitioning(4)
    keys = [0, 1, 2, 3, 4, 5, 1 << 32, (1 << 64) - 1]
    units = make_units(keys, [None] * 8, [None] * 8, 1)
    found = [[row["key"] for row in rows_of(part)] for part in read(write(tmp_path, target, units), target)]
    assert found == FROZEN


FROZEN = [[0, 3, 1 << 32, (1 << 64) - 1], [2], [1, 5], [4]]


def test_keys_spread_evenly(tmp_path):
    target = partitioning(8)
    keys = list(range(4000))
    units = make_units(keys, [None] * 4000, [None] * 4000, 1)
    sizes = [len(rows_of(part)) for part in read(write(tmp_path, target, units, 4000), target)]
    assert max(sizes) < 1.3 * 4000 / 8


def test_removals_go_home_in_order(tmp_path):
    target = Partitioning("position", None, 3, REMOVAL_SCHEMA)
    places = [(2, 5), (0, 7), (2, 0), (0, 1), (2, (1 << 32) - 1)]
    rows = [{"position": position(*place), "rule": "r"} for place in places]
    for memory in (1, LARGE):
        found = read(write(tmp_path, target, [rows[:3], rows[3:]]), target, memory)
        homes = [[split_position(row["position"]) for row in rows_of(part)] for part in found]
        assert homes == [[(0, 1), (0, 7)], [], [(2, 0), (2, 5), (2, (1 << 32) - 1)]]


def test_slices_with_offsets_are_written_as_they_are(tmp_path):
    target = partitioning(1)
    units = make_units(list(range(10)), [float(n) for n in range(10)], [str(n) for n in range(10)], 1)
    writer = ExchangeWriter(target, tmp_path / "a", LARGE)
    whole = pa.RecordBatch.from_pylist(units[0], SCHEMA)
    writer.write(whole.slice(3, 4))
    writer.write(whole.slice(9))
    writer.close()
    (partition,) = read(listing(tmp_path, ["a"]), target)
    assert [row["name"] for row in rows_of(partition)] == ["3", "4", "5", "6", "9"]


def test_only_travelling_columns_are_written(tmp_path):
    target = partitioning(1, schema=pa.schema([SCHEMA.field("key")]))
    writer = ExchangeWriter(target, tmp_path / "a", LARGE)
    writer.write(pa.record_batch({"text": ["long"], "key": pa.array([1], pa.uint64())}))
    writer.close()
    assert read(listing(tmp_path, ["a"]), target) == [[[{"key": 1}]]]


def test_a_lost_file_is_named(tmp_path):
    with pytest.raises(
        StorageError, match=r"exchange file '.*gone': expected by a commit; not found; run the recipe again"
    ):
        list(read_partition(PartitionInput(0, listing(tmp_path, ["gone"]), partitioning()), LARGE))


def test_rows_of_a_partition_are_one_array_each(tmp_path):
    """Chunks that kernels get are contiguous, whatever the map files held."""
    target = partitioning(1)
    units = make_units(list(range(20)), [None] * 20, ["n"] * 20, 4)
    (batch,) = read_partition(PartitionInput(0, write(tmp_path, target, units), target), LARGE)
    assert isinstance(batch, pa.RecordBatch)
    assert np.array_equal(batch["key"].to_numpy(), np.arange(20))


def test_position_orders_rows_before_the_units_do(tmp_path):
    target = partitioning(1)
    rows = [{"key": 1, "score": None, "name": None, "position": place} for place in range(40, 0, -1)]
    paths = write(tmp_path, target, [rows[:10], rows[10:]])
    for memory in (1, LARGE):
        (partition,) = read(paths, target, memory)
        assert [row["position"] for row in rows_of(partition)] == list(range(1, 41))


def test_the_first_mention_of_a_column_decides_its_direction(tmp_path):
    """`-position` keeps the last of equals first; the key itself always ascends, or key ranges would show."""
    target = partitioning(1, sort=(SortKey(column="position", descending=True), SortKey(column="position")))
    keys = [5, 1, 5, 9, 1, 9]
    units = make_units(keys, [None] * 6, [None] * 6, 1)
    found = rows_of(read(write(tmp_path, target, units), target)[0])
    assert [(row["key"], row["position"]) for row in found] == [(1, 4), (1, 1), (5, 2), (5, 0), (9, 5), (9, 3)]

    target = partitioning(1, sort=(SortKey(column="key", descending=True),))
    paths = write(tmp_path, target, units)
    for memory in (1, LARGE):
        (partition,) = read(paths, target, memory)
        assert [row["key"] for row in rows_of(partition)] == sorted(keys)
