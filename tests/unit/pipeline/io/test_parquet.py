import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import StorageError
from pipeline.io.damage import Damage, DamageReason
from pipeline.io.parquet import read_record
from pipeline.io.parquet_footer import read_footer
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


@pytest.mark.parametrize("group", [0, 1, 4, 9])
def test_a_broken_row_group_ends_the_split(write_input, read, group):
    content = bytearray(stored())
    row_group = pq.read_metadata(pa.BufferReader(bytes(content))).row_group(group)
    chunk = row_group.column(1)
    content[chunk.dictionary_page_offset + 3 * chunk.total_compressed_size // 10] ^= 0xFF  # inside of the values
    file = write_input("a.parquet", bytes(content))
    found = [read(file, batch_bytes=size) for size in (300, 8 << 20)]
    assert found[0].documents == found[1].documents
    assert found[0].summaries == found[1].summaries
    (summary,) = found[0].summaries
    assert summary.num_records == summary.damaged.offset == group * 100
    assert summary.num_bytes == sum(read_footer(file).group_bytes[:group])
    assert summary.damaged.reason is DamageReason.CORRUPT
    assert 0 < summary.damaged.unread_compressed_bytes < len(content)
    last = split_file(file, "parquet", 1)[-1]
    assert (read([last]).summaries[0].damaged is None) == (group != 9)


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
        assert read_record(file, position) == TABLE.slice(position, 1).to_pylist()[0]
    with pytest.raises(StorageError, match="expected row 1000; found 1000 rows"):
        read_record(file, ROWS)


def test_a_file_that_expands_too_far_is_damaged_there(write_input, read, monkeypatch):
    monkeypatch.setattr("pipeline.io.compression.FREE_EXPANSION_BYTES", 1000)
    file = write_input("a.parquet", stored())
    sizes = read_footer(file).group_bytes
    allowed = sum(sizes[:3]) + 1
    source = Source(paths=("*",), max_expansion=max(1, allowed / file.size_bytes))
    whole = read(file, source)
    num_groups = sum(sum(sizes[: group + 1]) <= max(file.size_bytes, allowed) for group in range(len(sizes)))
    assert 3 <= num_groups < len(sizes)
    assert whole.summaries[0].damaged == Damage(100 * num_groups, DamageReason.EXPANDS_TOO_FAR, None)
    assert whole.summaries[0].num_records == 100 * num_groups
    divided = read(list(split_file(file, "parquet", 1)), source)
    assert divided.documents == whole.documents
