"""Row groups that claim what they do not hold, or hold far more than they take."""

import io
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash

from pipeline.io.damage import Damage, DamageReason
from pipeline.io.parquet_footer import Footer, open_parquet, read_footer
from pipeline.io.parquet_groups import RowGroup
from pipeline.io.parquet_pages import ChunkPages, read_header
from pipeline.io.splits import split_file
from pipeline.plan.logical import Source

LETTERS = "a" * (1 << 10)


def stored(column, **options):
    sink = io.BytesIO()
    pq.write_table(pa.table({"text": column}), sink, **{"compression": "zstd", "store_schema": False} | options)
    return sink.getvalue()


def repeated(num_rows, text=LETTERS):
    """A dictionary of one text, which all rows are."""
    return pa.DictionaryArray.from_arrays(np.zeros(num_rows, np.int32), pa.array([text]))


def varint(number):
    """A number as the footer spells it, on four bytes."""
    return struct.pack("<I", sum((2 * number >> 7 * place & 127) << 8 * place for place in range(4)) | 0x00808080)


def with_footer(content, old, new):
    """The file with another number wherever its footer says `old`."""
    (length,) = struct.unpack("<I", content[-8:-4])
    start = len(content) - 8 - length
    assert varint(old) in content[start:]
    return content[:start] + content[start:].replace(varint(old), varint(new))


def read_group(file, max_expansion=1e6):
    """(pieces, the group) of a file's row group."""
    with open_parquet(file) as opened, Path(file.path).open("rb") as stream:
        group = RowGroup(opened, file, read_footer(file), 0, ["text"], max_expansion)
        group.survey(stream, xxhash.xxh3_128())
        return list(group.rows()), group


DELTA = {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}}


@pytest.mark.parametrize(
    ("column", "options"),
    [
        (repeated(3000), {}),
        (repeated(3000), {"store_schema": True}),
        (pa.array([LETTERS] * 3000), {}),
        (pa.array([LETTERS] * 3000), DELTA),
    ],
)
def test_texts_that_repeat_are_decoded_in_pieces(column, options, write_input, monkeypatch):
    monkeypatch.setattr("pipeline.io.parquet_groups._REPEATED_BYTES", 100_000)
    pieces, group = read_group(write_input("a.parquet", stored(column, **options)))
    assert group.damage is None
    assert sum(piece.num_rows for piece in pieces) == 3000
    assert {piece.schema.field("text").type for piece in pieces} == {pa.string()}, "as much as it will be"
    assert pa.chunked_array([piece["text"] for piece in pieces]).unique().to_pylist() == [LETTERS]
    assert max(piece.nbytes for piece in pieces) <= 110_000


def test_short_texts_in_a_large_dictionary_are_decoded_together(write_input, monkeypatch):
    monkeypatch.setattr("pipeline.io.parquet_groups._REPEATED_BYTES", 100_000)
    texts = pa.array([f"text {row % 2000}" for row in range(4000)])
    pieces, _ = read_group(write_input("a.parquet", stored(texts, compression="none")))
    assert len(pieces) == 1


def pages_of(content):
    """The pages of the only chunk, and the footer."""
    chunk = pq.read_metadata(io.BytesIO(content)).row_group(0).column(0)
    pages, at = [], 4
    while at < 4 + chunk.total_compressed_size:
        header, length = read_header(content[at:])
        pages.append(content[at : at + length + header.stored_bytes])
        at += len(pages[-1])
    return pages, content[at:]


def short_varint(number):
    """A number as the footer spells it, on two bytes."""
    return bytes([2 * number & 127 | 128, 2 * number >> 7])


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
def test_dictionaries_are_looked_into(codec, write_input, monkeypatch):
    """A dictionary of more than what is decoded at once, in which no text is long."""
    monkeypatch.setattr("pipeline.io.parquet_groups._REPEATED_BYTES", 12_000)
    texts = pa.array([f"text {row}" for row in range(1000)] * 2)
    content = stored(texts, compression=codec)
    pieces, _ = read_group(write_input("a.parquet", content))
    assert len(pieces) == 2, "all are taken for as long as the longest"


def test_a_dictionary_that_cannot_be_looked_into_is_bounded_by_its_size(write_input, monkeypatch):
    monkeypatch.setattr("pipeline.io.parquet_groups._REPEATED_BYTES", 100_000)
    monkeypatch.setattr(pa, "decompress", lambda *_, **__: b"")
    pieces, group = read_group(write_input("a.parquet", stored(repeated(1000))))
    assert (group.damage, len(pieces)) == (None, 11)
    assert max(piece.nbytes for piece in pieces) <= 110_000


def test_a_chunk_with_two_dictionaries_is_broken():
    (dictionary, data), _ = pages_of(stored(repeated(10)))
    content = dictionary + dictionary + data
    pages = ChunkPages(0, len(content), 10)
    pages.feed(0, memoryview(content))
    pages.finish()
    assert pages.is_broken


def test_a_group_whose_headers_cannot_be_read_gives_nothing(write_input, read, monkeypatch):
    """What a header does not tell, nothing bounds."""
    monkeypatch.setattr("pipeline.io.parquet_groups._DECODE_BYTES", 2000)
    content = stored(pa.array([f"text {row}" for row in range(30_000)]), use_dictionary=False, data_page_size=1000)
    (first, *_, _), _ = pages_of(content)
    broken = bytearray(content)
    broken[4 + len(first)] = 0xFF
    found = read(write_input("a.parquet", bytes(broken)))
    assert found.texts == []
    assert found.summaries[0].damaged.reason is DamageReason.CORRUPT
    assert found.summaries[0].damaged.lost_rows == 30_000


def test_what_a_group_decodes_to_is_limited(write_input, read, monkeypatch):
    monkeypatch.setattr("pipeline.io.compression.FREE_EXPANSION_BYTES", 1 << 20)
    monkeypatch.setattr("pipeline.io.parquet_groups._REPEATED_BYTES", 100_000)
    file = write_input("a.parquet", stored(repeated(10_000), row_group_size=5000))
    source = Source(paths=("*",), max_expansion=1)
    found = read(file, source)
    (summary,) = found.summaries
    assert 300 < len(found.texts) < 1024, "a half of 1 MiB for each group"
    assert found.positions == list(range(10_000))
    assert set(found.reasons) == {"damaged"}
    assert summary.damaged == Damage(
        len(found.texts) // 2, DamageReason.EXPANDS_TOO_FAR, None, 10_000 - len(found.texts)
    )
    divided = read(list(split_file(file, "parquet", 1)), source)
    assert divided.documents == found.documents


def test_pages_that_are_larger_than_the_footer_says_are_not_decompressed(write_input, monkeypatch):
    """A footer that says little would let a bomb through."""
    monkeypatch.setattr("pipeline.io.compression.FREE_EXPANSION_BYTES", 1 << 20)
    content = stored(pa.array(["b" * (4 << 20)] * 2), use_dictionary=False)
    size = pq.read_metadata(io.BytesIO(content)).row_group(0).total_byte_size
    assert size > 8 << 20
    for number, damage in ((size, None), (2 << 20, DamageReason.EXPANDS_TOO_FAR)):
        file = write_input("a.parquet", with_footer(content, size, number))
        assert read_footer(file).group_bytes == (number,)
        with open_parquet(file) as opened, Path(file.path).open("rb") as stream:
            group = RowGroup(opened, file, read_footer(file), 0, ["text"], 1)
            group.survey(stream, xxhash.xxh3_128())
        assert group.damage is damage


def test_a_group_that_claims_more_than_the_file_has_no_more_room(write_input, monkeypatch):
    monkeypatch.setattr("pipeline.io.compression.FREE_EXPANSION_BYTES", 1 << 20)
    content = stored(pa.array(["b" * (4 << 20)] * 2), use_dictionary=False)
    size = pq.read_metadata(io.BytesIO(content)).row_group(0).total_byte_size
    file = write_input("a.parquet", with_footer(content, size, 2 << 20))
    footer = replace(read_footer(file), group_ranges=((4, 1 << 40),))
    with open_parquet(file) as opened, Path(file.path).open("rb") as stream:
        group = RowGroup(opened, file, footer, 0, ["text"], 1)
        group.survey(stream, xxhash.xxh3_128())
    assert group.damage is DamageReason.EXPANDS_TOO_FAR


@pytest.mark.parametrize(
    ("column", "damage"),
    [(pa.nulls(1_000_000, pa.string()), DamageReason.EXPANDS_TOO_FAR), (pa.array([True] * 1_000_000), None)],
)
def test_values_that_are_not_stored_are_counted(column, damage, write_input, monkeypatch):
    """A million nulls are some bytes, and megabytes when they are decoded; a million bits are fewer."""
    monkeypatch.setattr("pipeline.io.compression.FREE_EXPANSION_BYTES", 1 << 20)
    file = write_input("a.parquet", stored(column))
    with open_parquet(file) as opened, Path(file.path).open("rb") as stream:
        group = RowGroup(opened, file, read_footer(file), 0, ["text"], 1)
        group.survey(stream, xxhash.xxh3_128())
    assert group.damage is damage


READ_WHOLE = """
import sys
import pyarrow as pa
from pipeline.io.reading import SplitReader, source_schema
from pipeline.io.splits import split_file
from pipeline.io.storage import InputFile, file_digest
from pipeline.plan.logical import Source

path, size = sys.argv[1], int(sys.argv[2])
file = InputFile("web", path, "a.parquet", size, file_digest(path, size))
source = Source(paths=("*",), max_expansion=1e9)
(split,) = split_file(file, "parquet", 1 << 40)
reader = SplitReader(split, source, source_schema(source, [file]))
print(sum(len(batch.documents) for batch in reader.batches()), pa.default_memory_pool().max_memory())
"""


def test_a_dictionary_bomb_does_not_fill_the_memory(write_input):
    """In a process of its own, since Arrow keeps the highest number of bytes that it ever had."""
    content = stored(repeated(16_000, "b" * (1 << 16)), store_schema=True)
    file = write_input("a.parquet", content)
    assert len(content) < 10_000
    done = subprocess.run(
        [sys.executable, "-c", READ_WHOLE, file.path, str(len(content))], capture_output=True, text=True, check=True
    )
    rows, peak = map(int, done.stdout.split())
    assert rows == 16_000, "a gigabyte"
    assert peak < 450_000_000


def claiming(num_rows, found):
    """A file of `found` rows whose footer says `num_rows` everywhere."""
    content = stored(pa.array([f"text {row}" for row in range(found)]), compression="none")
    (length,) = struct.unpack("<I", content[-8:-4])
    start = len(content) - 8 - length
    old, new = (b"\x16" + short_varint(number) for number in (found, num_rows))
    assert content[start:].count(old) == 3
    return content[:start] + content[start:].replace(old, new)


@pytest.mark.parametrize("batch_bytes", [100, 8 << 20])
def test_rows_that_the_pages_lack_are_lost(batch_bytes, write_input, read):
    found = read(write_input("a.parquet", claiming(103, 100)), batch_bytes=batch_bytes)
    assert found.texts == [f"text {row}" for row in range(100)]
    assert found.positions == list(range(103))
    assert found.reasons == ["damaged"] * 3
    assert found.summaries[0].damaged == Damage(100, DamageReason.MISCOUNTED, 0, 3)
    assert {one.detail for batch in found.batches for one in batch.rejected} == {
        "row group 0: expected 103 rows; found 100; miscounted"
    }


def test_rows_that_the_footer_does_not_name_are_told(write_input, read):
    found = read(write_input("a.parquet", claiming(98, 100)))
    assert found.texts == [f"text {row}" for row in range(98)]
    assert found.reasons == []
    assert found.summaries[0].damaged == Damage(98, DamageReason.MISCOUNTED, 0, 2)


@pytest.mark.parametrize(("claim", "lost"), [(1001, 1), (999, 0), (5, 0)])
def test_a_file_that_counts_otherwise_than_its_groups_is_told_once(claim, lost, write_input, read, monkeypatch):
    file = write_input("a.parquet", stored(pa.array(["a"] * 1000), row_group_size=300))
    footer = read_footer(file)
    claimed = Footer(footer.schema, footer.group_rows, footer.group_bytes, footer.group_ranges, claim)
    splits = list(split_file(file, "parquet", 1))
    monkeypatch.setattr("pipeline.io.parquet.read_footer", lambda *_, **__: claimed)
    damage = Damage(1000, DamageReason.MISCOUNTED, 0, lost)
    found = read(file)
    assert len(found.texts) == 1000
    assert found.summaries[0].damaged == damage
    assert [summary.damaged for summary in read(splits).summaries] == [damage, None, None, None]


def test_stored_bytes_that_groups_share_are_one_group_s_own():
    footer = Footer(pa.schema([]), (1, 1, 1, 1), (1, 1, 1, 1), ((4, 100), (4, 100), (50, 120), (120, 130)), 4)
    assert footer.group_own_bytes == (96, 0, 20, 10)


def test_a_footer_with_negative_numbers_is_none(write_input):
    content = claiming(100, 100)
    (length,) = struct.unpack("<I", content[-8:-4])
    start = len(content) - 8 - length
    broken = content[:start] + content[start:].replace(b"\x16\xc8\x01", b"\x16\xc9\x01")
    assert read_footer(write_input("a.parquet", broken)) is None


@pytest.mark.parametrize("version", ["V1", "V2"])
@pytest.mark.parametrize("codec", ["uncompressed", "snappy", "gzip", "zstd", "lz4_raw"])
def test_files_of_another_writer_are_sound(version, codec, write_input, read, tmp_path):
    """DuckDB writes other encodings, pages and sums than Arrow."""
    path = tmp_path / "duckdb.parquet"
    duckdb.sql(
        "select range as n, 'text ' || range || repeat(' word', range % 90) as text, 'kind ' || range % 7 as kind, "
        "[range, range + 1] as pair, {'x': range / 7} as nested, range % 3 = 0 as flag "
        "from range(20_000) order by n"
    ).write_parquet(str(path), compression=codec, row_group_size=5000)
    duckdb.execute(
        f"copy (from read_parquet('{path}')) to '{path}.2' "
        f"(format parquet, parquet_version {version}, compression {codec}, row_group_size 5000)"
    )
    for content in (path.read_bytes(), Path(f"{path}.2").read_bytes()):
        found = read(write_input("a.parquet", content))
        assert [summary.damaged for summary in found.summaries] == [None]
        assert [row["n"] for row in found.documents] == list(range(20_000))
