"""Headers of pages, held against what Arrow wrote and what its footers say."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.io.compact_reader import CompactError
from pipeline.io.parquet_footer import chunks_of
from pipeline.io.parquet_pages import ChunkPages, longest_entry, read_header

ROWS = 3000
TABLE = pa.table(
    {
        "text": [None if row % 7 == 0 else f"text {row} " * (row % 40) for row in range(ROWS)],
        "kind": [f"kind {row % 5}" for row in range(ROWS)],
        "n": np.arange(ROWS),
        "tags": [[f"tag {row % 11}"] * (row % 4) for row in range(ROWS)],
    }
)
PLAIN = {"use_dictionary": False}
OPTIONS = [
    {},
    PLAIN,
    {"data_page_version": "2.0"},
    {"compression": "none", "data_page_size": 1000},
    {"write_page_checksum": True, "compression": "snappy", "write_statistics": False},
    {**PLAIN, "column_encoding": {"text": "DELTA_BYTE_ARRAY", "kind": "DELTA_LENGTH_BYTE_ARRAY", "n": "PLAIN"}},
]


def stored(**options):
    sink = io.BytesIO()
    pq.write_table(TABLE, sink, **{"row_group_size": ROWS, "compression": "zstd", "data_page_size": 5000} | options)
    return sink.getvalue()


def walked(content, size=1 << 20):
    """The chunks of the only row group, and their pages, from pieces of so many bytes."""
    with pq.ParquetFile(io.BytesIO(content)) as opened:
        chunks = chunks_of(opened, 0, TABLE.schema.names)
    pages = [ChunkPages(chunk.start, chunk.end, chunk.num_values) for chunk in chunks]
    for found in pages:
        for offset in range(0, len(content), size):
            found.feed(offset, memoryview(content)[offset : offset + size])
        found.finish()
    return chunks, pages


@pytest.mark.parametrize("options", OPTIONS)
def test_headers_agree_with_the_footer(options):
    content = stored(**options)
    row_group = pq.read_metadata(io.BytesIO(content)).row_group(0)
    chunks, pages = walked(content)
    assert [chunk.path for chunk in chunks] == ["text", "kind", "n", "tags.list.element"]
    assert [chunk.is_flat for chunk in chunks] == [True, True, True, False]
    assert [chunk.width for chunk in chunks] == [None, None, 8, None]
    for place, found in enumerate(pages):
        column = row_group.column(place)
        assert not found.is_broken
        assert found.num_values == column.num_values
        # The footer's sum has the headers, too: some bytes each.
        assert 0 < column.total_uncompressed_size - found.num_bytes < 0.05 * column.total_uncompressed_size + 2000
        assert (found.dictionary is not None) == column.has_dictionary_page
        assert (found.delta_bytes > 0) == ("DELTA_BYTE_ARRAY" in column.encodings)


@pytest.mark.parametrize("size", [1, 7, 100, 4096])
def test_pieces_of_any_size_tell_the_same(size):
    content = stored(data_page_size=1000)
    assert walked(content, size) == walked(content)


def test_what_lies_in_a_dictionary():
    content = stored(compression="none")
    _, (text, kind, *_) = walked(content)
    at, header = kind.dictionary
    assert header.num_values == 5
    assert header.num_bytes == header.stored_bytes == 5 * (4 + len("kind 0")), "lengths, and letters"
    assert longest_entry(memoryview(content)[at : at + header.num_bytes], 5) == len("kind 0")
    at, header = text.dictionary
    assert longest_entry(memoryview(content)[at : at + header.num_bytes], header.num_values) == max(
        len(text or "") for text in TABLE["text"].to_pylist()
    )


@pytest.mark.parametrize("content", [b"", b"\1\0\0", b"\1\0\0\0", b"\1\0\0\0a\2\0\0\0b"])
def test_a_dictionary_that_breaks_off(content):
    with pytest.raises(IndexError):
        longest_entry(memoryview(content), 2)


def test_a_broken_header_is_told_unless_nobody_reads_on():
    content = bytearray(stored(data_page_size=1000, compression="none"))
    (text, *_), (whole, *_) = walked(bytes(content))
    content[text.start] = 0xFF
    assert walked(bytes(content))[1][0].is_broken
    beyond = ChunkPages(text.start, text.end + 50, text.num_values)
    beyond.feed(0, memoryview(stored(data_page_size=1000, compression="none")[: text.end] + b"\xff" * 50))
    beyond.finish()
    assert not beyond.is_broken
    assert beyond.num_bytes == whole.num_bytes


def test_a_file_that_ends_before_its_pages_is_broken():
    content = stored()
    (text, *_), _ = walked(content)
    cut = ChunkPages(text.start, text.end, text.num_values)
    cut.feed(0, memoryview(content)[: text.start + 3])
    cut.finish()
    assert cut.is_broken


@pytest.mark.parametrize(
    "data",
    [
        b"\x00",  # no field at all
        b"\x15\x04\x15\x08\x15\x07\x00",  # -4 stored bytes
        b"\x15\x00\x15\x08\x15\x08\x00",  # a data page without its own header
        b"\x1f\x00",  # a type that there is not
        b"\x15" + b"\x80" * 11,  # a number of 80 bits
        b"\x1c" * 20,  # structs in structs
    ],
)
def test_what_is_no_header(data):
    with pytest.raises(CompactError):
        read_header(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_header_or_none(data):
    try:
        header, length = read_header(data)
    except (IndexError, CompactError):
        return
    assert length <= len(data)
    assert min(header.stored_bytes, header.num_bytes, header.num_values) >= 0


def test_columns_are_found_by_the_beginning_of_their_paths():
    table = pa.table({"a": [{"b": 1, "c": [2]}], "a.b": [3], "ab": [4], "d": [5]})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    with pq.ParquetFile(sink) as opened:
        for columns, paths in (
            (["a"], ["a.b", "a.c.list.element", "a.b"]),
            (["ab", "d"], ["ab", "d"]),
            (["a.b"], ["a.b", "a.b"]),
            ([], []),
        ):
            assert [chunk.path for chunk in chunks_of(opened, 0, columns)] == paths
