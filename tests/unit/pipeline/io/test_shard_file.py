"""The one writer: its bytes follow from the rows alone. And the reader that walks files side by side."""

from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import StorageError
from pipeline.io.shard_file import (
    BatchSize,
    FileColumns,
    RowGroups,
    ShardWriter,
    check_content,
    group_ends,
    read_aligned,
    row_bytes,
)

SCHEMA = pa.schema(
    [
        pa.field("doc_id", pa.binary(16), nullable=False),
        pa.field("text", pa.large_string()),
        pa.field("language", pa.string()),
        pa.field("tokens", pa.large_list(pa.uint32())),
        pa.field("minhash", pa.list_(pa.uint32(), 3)),
        pa.field("ids", pa.list_(pa.binary(16))),
        pa.field("score", pa.float32()),
        pa.field("kept", pa.bool_()),
    ]
)
GROUPS = RowGroups(max_rows=5, max_bytes=300, zstd_level=3)


def rows(lengths):
    """Rows whose texts have these lengths; nulls here and there."""
    return [
        {
            "doc_id": index.to_bytes(16, "big"),
            "text": None if length == 3 else "é" * length,
            "language": None if index % 4 == 3 else ("en", "de")[index % 2],
            "tokens": None if length == 5 else list(range(length % 7)),
            "minhash": None if index % 3 == 1 else [index, length, 7],
            "ids": [bytes(16)] * (index % 3),
            "score": None if index % 5 == 4 else index / 8,
            "kept": index % 2 == 0,
        }
        for index, length in enumerate(lengths)
    ]


def written(path, parts, groups=GROUPS, schema=SCHEMA):
    with ShardWriter(path, schema, groups) as writer:
        for part in parts:
            writer.write(part)
    assert writer.num_rows == sum(part.num_rows for part in parts)
    return path.read_bytes()


def group_sizes(path):
    metadata = pq.read_metadata(path)
    return [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]


CUTS = st.lists(st.integers(0, 40), max_size=8).map(sorted)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    lengths=st.lists(st.integers(0, 40) | st.just(400), max_size=40),
    cuts=CUTS,
    max_rows=st.sampled_from([1, 4, 1000]),
    max_bytes=st.sampled_from([1, 300, 1 << 30]),
    run_bytes=st.sampled_from([1, 200, 1 << 19]),
)
def test_how_rows_arrive_does_not_show(tmp_path_factory, lengths, cuts, max_rows, max_bytes, run_bytes):
    with patch("pipeline.io.shard_file._RUN_BYTES", run_bytes):
        check_how_rows_arrive(tmp_path_factory, lengths, cuts, RowGroups(max_rows, max_bytes, 3))


def check_how_rows_arrive(tmp_path_factory, lengths, cuts, groups):
    folder = tmp_path_factory.mktemp("writer")
    data = rows(lengths)
    whole = pa.RecordBatch.from_pylist(data, SCHEMA)
    bounds = [0, *(min(cut, len(data)) for cut in cuts), len(data)]
    slices = [whole.slice(start, end - start) for start, end in pairwise(bounds)]
    copies = [pa.RecordBatch.from_pylist(data[start:end], SCHEMA) for start, end in pairwise(bounds)]
    expected = written(folder / "whole", [whole], groups)
    assert written(folder / "slices", slices, groups) == expected
    assert written(folder / "copies", copies, groups) == expected
    assert pq.read_table(folder / "whole").to_pylist() == data
    if data:
        ends = group_ends(row_bytes(pa.Table.from_batches([whole])), groups.max_rows, groups.max_bytes)
        assert np.cumsum(group_sizes(folder / "whole")).tolist() == ends


def test_filtered_and_taken_rows_do_not_show(tmp_path):
    data = rows([4, 9, 2, 7, 30, 3, 5])
    whole = pa.RecordBatch.from_pylist(data, SCHEMA)
    keep = [True, False, True, True, False, True, True]
    plain = pa.RecordBatch.from_pylist([row for row, kept in zip(data, keep, strict=True) if kept], SCHEMA)
    expected = written(tmp_path / "plain", [plain])
    assert written(tmp_path / "filtered", [whole.filter(pa.array(keep))]) == expected
    assert written(tmp_path / "taken", [whole.take(pa.array(np.flatnonzero(keep)))]) == expected


def test_what_lies_under_a_null_does_not_show(tmp_path):
    schema = pa.schema([pa.field("minhash", pa.list_(pa.uint32(), 2)), pa.field("score", pa.float32())])
    files = []
    for filler in (0, 9):
        values = pa.array([1, 2, filler, filler], pa.uint32())
        lists = pa.FixedSizeListArray.from_arrays(values, type=schema.field(0).type, mask=pa.array([False, True]))
        mask = pa.py_buffer(b"\x01")
        scores = pa.Array.from_buffers(pa.float32(), 2, [mask, pa.py_buffer(np.array([1, filler], np.float32))])
        files.append(written(tmp_path / str(filler), [pa.record_batch([lists, scores], schema=schema)], schema=schema))
    assert files[0] == files[1]


def test_large_and_empty_batches_are_one_file(tmp_path):
    data = rows([1] * 12)
    empty = pa.RecordBatch.from_pylist([], SCHEMA)
    whole = pa.RecordBatch.from_pylist(data, SCHEMA)
    expected = written(tmp_path / "a", [whole])
    assert written(tmp_path / "b", [empty, whole, empty]) == expected
    assert group_sizes(tmp_path / "a") == [5, 5, 2]


def test_a_shard_without_rows_is_a_file_with_its_schema(tmp_path):
    written(tmp_path / "empty", [])
    assert pq.read_schema(tmp_path / "empty").equals(SCHEMA)
    assert pq.read_table(tmp_path / "empty").num_rows == 0


def test_only_short_strings_are_put_into_dictionaries(tmp_path):
    written(tmp_path / "a", [pa.RecordBatch.from_pylist(rows([9] * 5), SCHEMA)])
    group = pq.read_metadata(tmp_path / "a").row_group(0)
    columns = [group.column(index) for index in range(group.num_columns)]
    assert [column.path_in_schema for column in columns if column.has_dictionary_page] == ["language"]


def test_hashes_are_not_compressed_and_neither_they_nor_lists_bounded(tmp_path):
    fields = {
        "doc_id": (pa.binary(16), bytes(16)),
        "minhash": (pa.binary(4), bytes(4)),
        "minhash_buckets": (pa.binary(32), bytes(32)),
        "input_ids": (pa.list_(pa.uint32(), 2), [1, 2]),
        "tokens": (pa.large_list(pa.uint32()), [1, 2]),
        "doc_ids": (pa.list_(pa.binary(16)), [bytes(16)]),
        "cluster": (pa.uint64(), 7),
        "text": (pa.large_string(), "a"),
    }
    schema = pa.schema([pa.field(name, kind) for name, (kind, _) in fields.items()])
    batch = pa.RecordBatch.from_pylist([{name: value for name, (_, value) in fields.items()}] * 9, schema)
    with ShardWriter(tmp_path / "a", schema, GROUPS) as writer:
        writer.write(batch)
    group = pq.read_metadata(tmp_path / "a").row_group(0)
    columns = [group.column(index) for index in range(group.num_columns)]
    raw = [column.path_in_schema for column in columns if column.compression == "UNCOMPRESSED"]
    assert raw == ["doc_id", "minhash", "minhash_buckets"]
    assert {column.compression for column in columns if column.path_in_schema not in raw} == {"ZSTD"}
    assert [column.path_in_schema for column in columns if column.is_stats_set] == ["cluster", "text"]
    assert pq.read_table(tmp_path / "a").to_pylist() == batch.to_pylist()


def test_the_level_of_compression_reaches_the_file(tmp_path):
    batch = pa.record_batch({"text": pa.array([" ".join(map(str, range(row, 99 * row))) for row in range(60)])})
    sizes = []
    for level in (1, 19):
        with ShardWriter(tmp_path / str(level), batch.schema, RowGroups(1000, 1 << 24, level)) as writer:
            writer.write(batch)
        sizes.append((tmp_path / str(level)).stat().st_size)
    assert sizes[0] > sizes[1]


def test_an_error_between_leaves_the_writer_closed(tmp_path):
    with pytest.raises(KeyError), ShardWriter(tmp_path / "a", SCHEMA, GROUPS) as writer:  # noqa: PT012
        writer.write(pa.RecordBatch.from_pylist(rows([1] * 12), SCHEMA))
        raise KeyError
    assert not writer._writer.is_open


@pytest.mark.parametrize(
    ("sizes", "max_rows", "max_bytes", "ends"),
    [
        ([], 3, 10, []),
        ([1] * 7, 3, 10, [3, 6, 7]),
        ([1] * 6, 3, 10, [3, 6]),
        ([5, 5, 5, 5], 9, 10, [2, 4]),
        ([5, 6, 5, 5], 9, 10, [1, 2, 4]),
        ([50, 1, 50], 9, 10, [1, 2, 3]),
        ([0, 0, 50, 0], 9, 10, [2, 3, 4]),
    ],
)
def test_where_groups_end(sizes, max_rows, max_bytes, ends):
    assert group_ends(np.array(sizes, np.int64), max_rows, max_bytes) == ends


@given(
    st.lists(st.integers(0, 20), max_size=30),
    st.integers(1, 6),
    st.integers(1, 40),
)
def test_groups_are_as_large_as_they_may_be(sizes, max_rows, max_bytes):
    ends = group_ends(np.array(sizes, np.int64), max_rows, max_bytes)
    start = 0
    for end in ends:
        group = sizes[start:end]
        assert 1 <= len(group) <= max_rows
        assert len(group) == 1 or sum(group) <= max_bytes
        assert end == len(sizes) or len(group) == max_rows or sum(sizes[start : end + 1]) > max_bytes
        start = end
    assert start == len(sizes)


def test_bytes_of_a_row_are_those_of_its_values():
    table = pa.table(
        {
            "text": pa.array(["é", None, ""], pa.large_string()),
            "tokens": pa.array([[1, 2], [], None], pa.large_list(pa.uint32())),
            "minhash": pa.array([[1, 2]] * 3, pa.list_(pa.uint32(), 2)),
            "id": pa.array([bytes(16)] * 3, pa.binary(16)),
            "flag": pa.array([True] * 3),
        }
    )
    assert row_bytes(table).tolist() == [2 + 8 + 8 + 16 + 1, 8 + 16 + 1, 8 + 16 + 1]
    assert row_bytes(table.slice(1)).tolist() == row_bytes(table).tolist()[1:]


# Reading several files row by row together


def aligned(paths_and_columns, batch_rows, batch_bytes=1 << 20):
    files = [FileColumns(str(path), names) for path, names in paths_and_columns]
    return list(read_aligned(files, BatchSize(batch_rows, batch_bytes)))


@pytest.mark.parametrize("batch_rows", [1, 4, 7, 1000])
def test_files_with_other_row_groups_are_read_side_by_side(tmp_path, batch_rows):
    data = rows([n % 11 for n in range(23)])
    whole = pa.RecordBatch.from_pylist(data, SCHEMA)
    for name, columns, max_rows in (("a", ["text", "language"], 4), ("b", ["tokens", "minhash"], 7)):
        part = whole.select(columns)
        written(tmp_path / name, [part], RowGroups(max_rows, 1 << 20, 3), part.schema)
    batches = aligned([(tmp_path / "a", ("language", "text")), (tmp_path / "b", ("minhash",))], batch_rows)
    assert pa.Table.from_batches(batches).to_pylist() == [
        {name: row[name] for name in ("language", "text", "minhash")} for row in data
    ]
    assert all(0 < batch.num_rows <= batch_rows for batch in batches)


def test_batches_hold_about_their_bytes_or_one_longer_row(tmp_path):
    lengths = [10] * 100 + [5000] + [10] * 100
    schema = pa.schema([pa.field("text", pa.large_string()), pa.field("language", pa.string())])
    data = [{"text": "x" * length, "language": "y" * 1000} for length in lengths]
    written(tmp_path / "a", [pa.RecordBatch.from_pylist(data, schema)], RowGroups(50, 1 << 20, 1), schema)
    batches = aligned([(tmp_path / "a", ("text",))], 1000, 300)
    assert [len(row["text"]) for batch in batches for row in batch.to_pylist()] == lengths
    assert max(batch.num_rows for batch in batches) > 10  # the other column's bytes do not count
    assert max(batch.nbytes for batch in batches if batch.nbytes < 5000) < 900
    assert max(batch.num_rows for batch in batches if batch.nbytes >= 5000) < 4
    assert max(batch.num_rows for batch in aligned([(tmp_path / "a", ("text",))], 1000, 1)) == 1


@pytest.mark.parametrize("longer", [0, 1])
@pytest.mark.parametrize("short", [0, 4, 5])
def test_files_of_different_length_are_refused(tmp_path, longer, short):
    lengths = [short, 6] if longer else [6, short]
    schema = pa.schema([SCHEMA.field("text")])
    for name, length in zip("ab", lengths, strict=True):
        written(
            tmp_path / name, [pa.RecordBatch.from_pylist(rows([1] * length), SCHEMA).select(["text"])], schema=schema
        )
    with pytest.raises(StorageError, match="expected equal numbers of rows; found different ones"):
        aligned([(tmp_path / "a", ("text",)), (tmp_path / "b", ("text",))], 5)


def test_a_lost_file_is_named(tmp_path):
    with pytest.raises(
        StorageError, match=r"shard file '.*gone': expected by a manifest; not found; remove the folder"
    ):
        aligned([(tmp_path / "gone", ("text",))], 5)


def test_chunks_of_large_columns_do_not_show(tmp_path):
    """Parquet ends a page where an array ends: a run of rows must be one array."""
    schema = pa.schema([pa.field("text", pa.large_string()), pa.field("tokens", pa.large_list(pa.uint32()))])
    texts = [f"{row} " * 200 for row in range(3000)]
    whole = pa.record_batch(
        [pa.array(texts, pa.large_string()), pa.array([[row] * 300 for row in range(3000)], schema.field(1).type)],
        schema=schema,
    )
    groups = RowGroups(max_rows=2000, max_bytes=1 << 30, zstd_level=1)
    pieces = [whole.slice(start, 37) for start in range(0, 3000, 37)]
    assert written(tmp_path / "a", pieces, groups, schema) == written(tmp_path / "b", [whole], groups, schema)


@pytest.mark.parametrize("place", [0, 100, -1])
def test_any_flipped_bit_of_a_file_that_is_named_by_its_content_is_found(tmp_path, place):
    content = bytes(range(256))
    path = tmp_path / f"00003-{xxhash.xxh3_64_hexdigest(content)}.parquet"
    path.write_bytes(content)
    check_content(str(path))
    damaged = bytearray(content)
    damaged[place] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(StorageError, match=r"expected content .*, as its name says; found"):
        check_content(str(path))
