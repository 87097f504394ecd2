import subprocess
import sys
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import StorageError
from pipeline.io.damage import Damage, DamageReason
from pipeline.io.parquet import read_record
from pipeline.io.parquet_footer import read_footer
from pipeline.io.read_batch import RejectReason
from pipeline.io.splits import plan_input_shards, split_file
from pipeline.plan.logical import Layout, Source

ROWS = 1000
TABLE = pa.table(
    {"id": list(range(ROWS)), "text": [None if n % 97 == 5 else f"text {n} " * (n % 50) for n in range(ROWS)]}
)


def stored(table=TABLE, **options):
    sink = pa.BufferOutputStream()
    pq.write_table(
        table, sink, **{"row_group_size": 100, "compression": "zstd", "write_page_checksum": True, **options}
    )
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("shard_bytes", [1024, 10_000, 50_000, 1 << 30])
@pytest.mark.parametrize("batch_bytes", [100, 5000, 8 << 20])
def test_divided_by_row_groups_the_rows_are_the_same(write_input, read, shard_bytes, batch_bytes):
    file = write_input("a.parquet", stored())
    whole = read(file)
    assert whole.texts == [text for text in TABLE["text"].to_pylist() if text is not None]
    assert whole.positions == list(range(ROWS))
    shards = plan_input_shards([file], {"web": Source(paths=("*",))}, Layout(shard_bytes=shard_bytes))
    splits = [split for shard in shards for split in shard.splits]
    divided = read(splits, batch_bytes=batch_bytes)
    assert divided.documents == whole.documents
    assert divided.positions == whole.positions
    assert divided.reasons == whole.reasons == ["null_text"] * len(whole.reasons)
    assert sum(summary.num_records for summary in divided.summaries) == ROWS
    assert sum(summary.num_bytes for summary in divided.summaries) == whole.summaries[0].num_bytes
    assert max(len(batch.documents) for batch in divided.batches) <= max(1, batch_bytes)
    if batch_bytes == 100:
        assert len(divided.batches) > 100


READ_WHOLE = """
import sys
import pyarrow as pa
from pipeline.io.reading import SplitReader, source_schema
from pipeline.io.splits import split_file
from pipeline.io.storage import InputFile, file_digest
from pipeline.plan.logical import Source

path, size = sys.argv[1], int(sys.argv[2])
file = InputFile("web", path, "a.parquet", size, file_digest(path, size))
source = Source(paths=("*",))
(split,) = split_file(file, "parquet", 1 << 40)
reader = SplitReader(split, source, source_schema(source, [file]))
print(sum(len(batch.documents) for batch in reader.batches()), pa.default_memory_pool().max_memory())
"""


def test_a_large_row_group_is_read_piece_by_piece(write_input):
    """In a process of its own, since Arrow keeps the highest number of bytes that it ever had."""
    texts = [f"{n}" * 1_000 for n in range(10_000, 20_000)]  # a writer puts 1,024 values into a page at least
    table = pa.table({"id": range(10_000), "text": texts})
    content = stored(table, row_group_size=10_000, compression="none", use_dictionary=False)
    file = write_input("a.parquet", content)
    assert len(content) > 50_000_000
    done = subprocess.run(
        [sys.executable, "-c", READ_WHOLE, file.path, str(len(content))], capture_output=True, text=True, check=True
    )
    rows, peak = map(int, done.stdout.split())
    assert rows == 10_000
    assert peak < 40_000_000


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary(), pa.dictionary(pa.int32(), pa.string())])
@pytest.mark.parametrize("batch_bytes", [100, 8 << 20])
def test_texts_that_are_too_large_are_rejected(write_input, read, kind, batch_bytes):
    texts = pa.array(["a" * 1024, "é" * 513, None, "b", "c" * 5000]).cast(kind)
    file = write_input("a.parquet", stored(pa.table({"id": range(5), "text": texts})))
    found = read(file, Source(paths=("*",), max_document_bytes=1024), batch_bytes=batch_bytes)
    assert found.texts == ["a" * 1024, "b"]
    assert found.reasons == ["too_large", "null_text", "too_large"]


def test_digest_does_not_depend_on_batches_but_on_content(write_input, read):
    file = write_input("a.parquet", stored())
    digests = {read(file, batch_bytes=size).summaries[0].content_digest for size in (100, 1 << 20)}
    other = write_input("b.parquet", stored(TABLE.set_column(0, "id", pa.array(range(1, ROWS + 1)))))
    digests.add(read(other).summaries[0].content_digest)
    assert len(digests) == 2


def broken(content, groups):
    """The file with a byte changed among the values of a column of these row groups."""
    bad = bytearray(content)
    metadata = pq.read_metadata(pa.BufferReader(content))
    for group in groups:
        chunk = metadata.row_group(group).column(1)
        bad[chunk.dictionary_page_offset + 3 * chunk.total_compressed_size // 10] ^= 0xFF
    return bytes(bad)


@pytest.mark.parametrize("groups", [[0], [1], [4], [9], [0, 1, 5], range(10)])
def test_a_broken_row_group_costs_its_own_rows(write_input, read, groups):
    file = write_input("a.parquet", broken(stored(), groups))
    found = [read(file, batch_bytes=size) for size in (300, 8 << 20)]
    divided = read(list(split_file(file, "parquet", 1)))
    assert found[0].documents == found[1].documents == divided.documents
    assert found[0].positions == found[1].positions == divided.positions == list(range(ROWS))
    assert found[0].summaries == found[1].summaries
    (summary,) = found[0].summaries
    lost = [row for group in groups for row in range(100 * group, 100 * group + 100)]
    rejected = [one for batch in divided.batches for one in batch.rejected if one.reason is RejectReason.DAMAGED]
    assert [one.position for one in rejected] == lost
    assert {one.detail for one in rejected} == {
        f"row group {group}: expected 100 rows; found 0; corrupt" for group in groups
    }
    assert found[0].texts == [
        text for row, text in enumerate(TABLE["text"].to_pylist()) if text is not None and row not in lost
    ]
    footer = read_footer(file)
    unread = sum(end - start for start, end in (footer.group_ranges[group] for group in groups))
    assert summary.damaged == Damage(lost[0], DamageReason.CORRUPT, unread, len(lost))
    assert summary.num_records == ROWS
    assert summary.num_bytes == sum(size for group, size in enumerate(footer.group_bytes) if group not in groups)
    assert [part.damaged is not None for part in divided.summaries] == [group in groups for group in range(10)]
    assert sum(part.damaged.lost_rows for part in divided.summaries if part.damaged) == len(lost)


def test_rows_before_the_damage_of_a_row_group_are_kept(write_input, read, monkeypatch):
    """Pages of a group that come before a broken one are sound."""
    monkeypatch.setattr("pipeline.io.parquet_groups._DECODE_BYTES", 2000)
    table = pa.table({"text": [f"text {n} " * 20 for n in range(100)]})
    options = {"compression": "none", "use_dictionary": False, "data_page_size": 500, "write_batch_size": 10}
    content = bytearray(stored(table, **options))
    content[content.index(b"text 63 ")] ^= 1
    found = read(write_input("a.parquet", bytes(content)))
    (summary,) = found.summaries
    assert 40 < len(found.texts) <= 60
    assert found.texts == table["text"].to_pylist()[: len(found.texts)]
    assert summary.damaged.offset == len(found.texts) == 100 - summary.damaged.lost_rows
    assert found.reasons == ["damaged"] * summary.damaged.lost_rows
    assert found.positions == list(range(100))


def test_want_of_memory_is_no_damage(write_input, read, monkeypatch):
    def full(*_, **__):
        raise pa.ArrowMemoryError("malloc of size 5 failed")
        yield

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", full)
    with pytest.raises(MemoryError):
        read(write_input("a.parquet", stored()))


def test_more_rows_than_a_file_can_hold_are_not_believed(write_input, read, monkeypatch):
    monkeypatch.setattr("pipeline.io.compression.FREE_EXPANSION_BYTES", 1000)
    file = write_input("a.parquet", stored())
    footer = read_footer(file)
    claimed = replace(footer, group_rows=(*footer.group_rows[:9], 1 << 60))
    monkeypatch.setattr("pipeline.io.parquet.read_footer", lambda *_, **__: claimed)
    summary = read(file).summaries[0]
    assert summary.num_records == 900
    assert summary.damaged == Damage(900, DamageReason.EXPANDS_TOO_FAR, None, 1 << 60)


def test_a_file_without_a_footer_is_damaged(write_input, read):
    sound = write_input("a.parquet", stored())
    schema = read(sound).batches[0].documents.schema
    broken = write_input("b.parquet", stored()[:-20])
    found = read(broken, schema=schema)
    assert found.documents == []
    assert found.summaries[0].damaged.offset == 0
    assert found.summaries[0].damaged.unread_compressed_bytes == broken.size_bytes


def test_read_record(write_input):
    file = write_input("a.parquet", stored())
    for position in (0, 99, 100, 999):
        assert read_record(file, position, 200) == TABLE.slice(position, 1).to_pylist()[0]
    with pytest.raises(StorageError, match="expected row 1000; found 1000 rows"):
        read_record(file, ROWS, 200)


def test_a_file_that_expands_too_far_is_damaged_there(write_input, read, monkeypatch):
    monkeypatch.setattr("pipeline.io.compression.FREE_EXPANSION_BYTES", 1000)
    file = write_input("a.parquet", stored())
    sizes = read_footer(file).group_bytes
    allowed = sum(sizes[:3]) + 1
    source = Source(paths=("*",), max_expansion=max(1, allowed / file.size_bytes))
    whole = read(file, source)
    num_groups = sum(sum(sizes[: group + 1]) <= max(file.size_bytes, allowed) for group in range(len(sizes)))
    assert 3 <= num_groups < len(sizes)
    assert whole.summaries[0].damaged == Damage(
        100 * num_groups, DamageReason.EXPANDS_TOO_FAR, None, ROWS - 100 * num_groups
    )
    assert whole.summaries[0].num_records == 100 * num_groups
    divided = read(list(split_file(file, "parquet", 1)), source)
    assert divided.documents == whole.documents
