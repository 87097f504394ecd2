"""Parquet: broken footers and pages, schemas that differ, and columns of every kind."""

import base64
import struct
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

from tests.hostile.case import Case, Kept, Refused, files
from tests.hostile.compressed import flipped

PAR1: Final = b"PAR1"


def parquet(columns: Any, **options: Any) -> bytes:
    """A table as a file; uncompressed, so that places in it are known."""
    sink = pa.BufferOutputStream()
    settings = {"compression": "none", "row_group_size": 25, "write_page_checksum": True} | options
    pq.write_table(pa.table(columns), sink, **settings)
    return sink.getvalue().to_pybytes()


def texts(num_rows: int = 100, **others: Any) -> dict[str, Any]:
    """Texts that differ, and further columns."""
    return {"text": [f"This is the text of document {number}." for number in range(num_rows)], **others}


def good() -> bytes:
    """A hundred rows in four groups."""
    return parquet(texts())


def in_text(content: bytes, number: int) -> int:
    """Where the text of a row stands, in its dictionary or its page."""
    return content.index(b"document %d." % number)


def footer_at(content: bytes) -> int:
    """Where the footer begins."""
    (length,) = struct.unpack("<I", content[-8:-4])
    return len(content) - 8 - int(length)


def short_varint(number: int) -> bytes:
    """A number as Thrift's compact protocol spells it, on two bytes."""
    return bytes([2 * number & 127 | 128, 2 * number >> 7])


def long_varint(number: int) -> bytes:
    """The same on four bytes."""
    return bytes([2 * number >> 7 * place & 127 | 128 for place in range(3)]) + bytes([2 * number >> 21])


def with_footer(content: bytes, old: bytes, new: bytes, times: int = -1) -> bytes:
    """The file with other bytes in its footer."""
    start = footer_at(content)
    assert old in content[start:]
    return content[:start] + content[start:].replace(old, new, times)


def with_row_count(claim: int, times: int) -> bytes:
    """A hundred rows that claim to be others: in the file's count, or in the group and the column too."""
    count = b"\x16" + short_varint(100)
    return with_footer(parquet(texts(), row_group_size=100), count, b"\x16" + short_varint(claim), times)


def bomb() -> bytes:
    """94 MiB in groups of 6 MiB, each of them some KB."""
    long = {"text": ["a" * (1 << 16)] * 1500}
    return parquet(long, row_group_size=100, compression="zstd", use_dictionary=False)


def hidden_bomb() -> bytes:
    """The same with a footer that says 1 MiB for each group."""
    content = bomb()
    size = pq.read_metadata(pa.BufferReader(content)).row_group(0).total_byte_size
    return with_footer(content, long_varint(size), long_varint(1 << 20))


def dictionary_bomb() -> bytes:
    """A text of 64 KiB that 16,000 rows name, each by its number in the dictionary."""
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 16_000, pa.int32()), pa.array(["a" * (1 << 16)]))
    return parquet({"text": column}, row_group_size=16_000, compression="zstd")


def two_flipped() -> bytes:
    """A letter is another in the first and in the third of four groups."""
    return flipped(flipped(good(), in_text(good(), 7)), in_text(good(), 60))


def without_byte(content: bytes, place: int) -> bytes:
    """The content without one byte."""
    return content[:place] + content[place + 1 :]


def with_broken_column() -> bytes:
    """A hundred rows with a number beside the text, whose first page is broken."""
    content = parquet(texts(n=range(100)))
    chunk = pq.read_metadata(pa.BufferReader(content)).row_group(0).column(1)
    return flipped(content, chunk.data_page_offset + 2)


def encrypted() -> bytes:
    """A file whose footer and columns are encrypted."""

    class Keys(pe.KmsClient):
        def __init__(self, _: pe.KmsConnectionConfig) -> None:
            super().__init__()

        def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:  # noqa: ARG002
            return base64.b64encode(key_bytes)

        def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:  # noqa: ARG002
            return base64.b64decode(wrapped_key)

    settings = pe.EncryptionConfiguration(footer_key="footer", uniform_encryption=True)
    properties = pe.CryptoFactory(Keys).file_encryption_properties(pe.KmsConnectionConfig(), settings)
    sink = pa.BufferOutputStream()
    table = pa.table(texts())
    with pq.ParquetWriter(sink, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def empty_groups() -> bytes:
    """Groups of 10, 0 and 5 rows."""
    sink = pa.BufferOutputStream()
    table = pa.table(texts(15))
    with pq.ParquetWriter(sink, table.schema) as writer:
        for part in (table.slice(0, 10), table.slice(0, 0), table.slice(10)):
            writer.write_table(part)
    return sink.getvalue().to_pybytes()


def not_utf8() -> bytes:
    """A file that calls bytes a string."""
    bad = pa.array([b"good", b"\xff\xfe", b"\xed\xa0\x80"], pa.binary())
    return parquet({"text": pa.StringArray.from_buffers(3, bad.buffers()[1], bad.buffers()[2])})


def pair(one: Callable[[], bytes], other: Callable[[], bytes] = good) -> Any:
    """Two files."""
    return files({"a.parquet": one, "b.parquet": other})


def with_strings(kind: pa.DataType) -> bytes:
    """Three rows with a column of strings of a kind beside the text."""
    return parquet(texts(3, s=pa.array(["x", "y", "z"]).cast(kind)))


def of_text(kind: pa.DataType) -> Callable[[], bytes]:
    """Five texts of a type."""
    return lambda: parquet({"text": pa.array(texts(5)["text"]).cast(kind)})


BROKEN_CASES: Final = (
    Case(
        "Parquet without its end",
        "the footer is cut off",
        pair(lambda: good()[:-20]),
        Kept(100, damaged={"corrupt": 1}),
    ),
    Case(
        "Parquet cut in the middle",
        "half a file",
        pair(lambda: good()[: len(good()) // 2]),
        Kept(100, damaged={"corrupt": 1}),
    ),
    Case("Parquet of 4 bytes", "PAR1 alone", pair(lambda: b"PAR1"), Kept(100, damaged={"corrupt": 1})),
    Case(
        "Parquet without a byte",
        "an empty file beside a good one",
        pair(lambda: b""),
        Kept(100, damaged={"corrupt": 1}),
    ),
    Case(
        "Parquet alone without a footer",
        "no file tells a schema",
        files({"a.parquet": lambda: good()[:-20]}),
        Refused("expected a Parquet footer; found none", code=1),
    ),
    Case(
        "Parquet with a flipped bit in the first page",
        "the page's checksum does not fit: the first of four groups gives nothing, those behind it all they hold",
        pair(lambda: flipped(good(), in_text(good(), 7))),
        Kept(175, quarantined={"damaged": 25}, damaged={"corrupt": 1}),
    ),
    Case(
        "Parquet with a flipped bit in the middle",
        "in the third of four groups",
        pair(lambda: flipped(good(), in_text(good(), 60))),
        Kept(175, quarantined={"damaged": 25}, damaged={"corrupt": 1}),
    ),
    Case(
        "Parquet with two broken groups",
        "the first and the third of four",
        pair(two_flipped),
        Kept(150, quarantined={"damaged": 50}, damaged={"corrupt": 1}),
    ),
    Case(
        "Parquet with two broken groups, cut into shards",
        "each row group is a shard: the outcome is the same",
        pair(two_flipped),
        Kept(150, quarantined={"damaged": 50}, damaged={"corrupt": 1}),
        recipe={"layout": {"shard_bytes": 1024}},
    ),
    Case(
        "Parquet with all groups broken",
        "the footer alone is sound",
        pair(lambda: PAR1 + bytes(footer_at(good()) - 4) + good()[footer_at(good()) :]),
        Kept(100, quarantined={"damaged": 100}, damaged={"corrupt": 1}),
    ),
    Case(
        "Parquet that lacks a byte in the middle",
        "pages behind it do not begin where the footer says",
        pair(lambda: without_byte(good(), in_text(good(), 30))),
        Kept(125, quarantined={"damaged": 75}, damaged={"corrupt": 1}),
    ),
    Case(
        "Parquet with a broken column that nobody reads",
        "a step that reads the text alone loses nothing",
        files({"a.parquet": with_broken_column, "b.parquet": lambda: parquet(texts(n=range(100)))}),
        Kept(200),
        recipe={"steps": [{"name": "lengths", "read": "web", "operators": ["text_length"], "write": "columns"}]},
    ),
    Case(
        "Parquet with a flipped bit and no checksums",
        "a letter is another; nothing can tell",
        pair(
            lambda: flipped(
                parquet(texts(), write_page_checksum=False), in_text(parquet(texts(), write_page_checksum=False), 60)
            )
        ),
        Kept(200),
    ),
    Case(
        "Parquet with a flipped bit in the footer",
        "the first byte of the metadata",
        pair(lambda: flipped(good(), footer_at(good()), 3)),
        Kept(100, damaged={"corrupt": 1}),
    ),
    Case(
        "Parquet with a footer of 4 GiB",
        "the footer's length is more than the file's",
        pair(lambda: good()[:-8] + struct.pack("<I", 0xFFFFFFFF) + b"PAR1"),
        Kept(100, damaged={"corrupt": 1}),
    ),
    Case("Parquet that is encrypted", "nobody gave a key", pair(encrypted), Kept(100, damaged={"corrupt": 1})),
    Case(
        "Parquet with a wrong count of rows",
        "the file says 101, its groups 100",
        pair(lambda: with_row_count(101, 1)),
        Kept(200, damaged={"miscounted": 1}),
    ),
    Case(
        "Parquet that names more rows than it has",
        "file, group and column say 101; the pages have 100",
        pair(lambda: with_row_count(101, 3)),
        Kept(200, quarantined={"damaged": 1}, damaged={"miscounted": 1}),
    ),
    Case(
        "Parquet that names fewer rows than it has",
        "file, group and column say 98; the pages have 100, of which nobody may read the last two",
        pair(lambda: with_row_count(98, 3)),
        Kept(198, damaged={"miscounted": 1}),
    ),
    Case(
        "Parquet named .jsonl",
        "a page read as lines",
        files({"a.jsonl": b"PAR1\x15\x04\x15\xc8\x01\x15\xc8\x01L\x15\nPAR1"}),
        Kept(0, quarantined={"invalid_utf8": 1, "invalid_json": 1}),
    ),
    Case("JSON lines named .parquet", "no footer", pair(lambda: b'{"text": "a"}\n'), Kept(100, damaged={"corrupt": 1})),
    Case(
        "Parquet bomb",
        "1,500 texts of 64 KiB of one letter: 94 MiB in 30 KB",
        files({"a.parquet": bomb}),
        Kept(1000, damaged={"expands_too_far": 1}),
    ),
    Case(
        "Parquet bomb with a harmless footer",
        "the same; the footer says 1 MiB for each group of 6 MiB, the headers of the pages tell",
        pair(hidden_bomb),
        Kept(100, quarantined={"damaged": 1500}, damaged={"expands_too_far": 1}),
    ),
    Case(
        "Parquet bomb in a dictionary",
        "one text of 64 KiB, which 16,000 rows name: a GiB in 1 KB, whatever headers say",
        pair(dictionary_bomb),
        Kept(100, quarantined={"damaged": 16_000}, damaged={"expands_too_far": 1}),
    ),
    Case(
        "Parquet of nulls alone",
        "ten million rows in 1 KB",
        pair(lambda: parquet({"text": pa.nulls(10_000_000, pa.string())}, row_group_size=10_000_000)),
        Kept(100, damaged={"expands_too_far": 1}),
    ),
    Case(
        "Parquet with a text that is too long",
        "2 MiB where 1 is allowed",
        files({"a.parquet": lambda: parquet({"text": ["a", "b" * (2 << 20), "c"]})}),
        Kept(2, quarantined={"too_large": 1}),
        source={"max_document_bytes": 1 << 20},
    ),
)

SHAPE_CASES: Final = (
    Case(
        "Parquet without rows",
        "a schema and no group",
        pair(lambda: parquet({"text": pa.array([], pa.string())})),
        Kept(100),
    ),
    Case("Parquet with a group without rows", "groups of 10, 0 and 5", files({"a.parquet": empty_groups}), Kept(15)),
    Case(
        "Parquet with null texts",
        "one of three",
        files({"a.parquet": lambda: parquet({"text": ["a", None, "b"]})}),
        Kept(2, quarantined={"null_text": 1}),
    ),
    Case(
        "Parquet with strings that are none",
        "bytes that are not UTF-8",
        files({"a.parquet": not_utf8}),
        Kept(1, quarantined={"invalid_utf8": 2}),
    ),
    Case(
        "Parquet with text as bytes",
        "a writer that does not say that they are text",
        files({"a.parquet": of_text(pa.binary())}),
        Kept(5),
    ),
    Case("Parquet with large strings", "large_string", files({"a.parquet": of_text(pa.large_string())}), Kept(5)),
    Case("Parquet with string views", "string_view", files({"a.parquet": of_text(pa.string_view())}), Kept(5)),
    Case(
        "Parquet with a dictionary",
        "texts as dictionary<int32, string>",
        files({"a.parquet": of_text(pa.dictionary(pa.int32(), pa.string()))}),
        Kept(5),
    ),
    Case(
        "Parquet with numbers as text",
        "an int64 column",
        files({"a.parquet": lambda: parquet({"text": [1, 2]})}),
        Refused("column 'text': expected string; found int64"),
    ),
    Case(
        "Parquet with decimals as text",
        "a decimal column",
        files({"a.parquet": lambda: parquet({"text": [Decimal("1.5")]})}),
        Refused("column 'text': expected string; found decimal128"),
    ),
    Case(
        "Parquet with lists as text",
        "a list column",
        files({"a.parquet": lambda: parquet({"text": [["a"]]})}),
        Refused("column 'text': expected string; found list"),
    ),
    Case(
        "Parquet without a text column",
        "the text has another name",
        files({"a.parquet": lambda: parquet({"content": ["a"]})}),
        Refused("expected columns ['text']; found ['content']"),
    ),
    Case(
        "Parquet with columns of every kind",
        "nested, decimal, NaN, time stamps, maps and nulls beside the text",
        files(
            {
                "a.parquet": lambda: parquet(
                    {
                        "text": ["a", "b"],
                        "nested": [{"x": [1, 2]}, None],
                        "money": [Decimal("1.50"), None],
                        "score": [float("nan"), float("inf")],
                        "when": pa.array([1, None], pa.timestamp("ns", "UTC")),
                        "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
                        "nothing": pa.nulls(2),
                    }
                )
            }
        ),
        Kept(2),
    ),
    Case(
        "Parquet columns with our names",
        "doc_id, source, position and metadata are read as input_doc_id and so on",
        files(
            {
                "a.parquet": lambda: parquet(
                    texts(
                        3,
                        **{name: [1, 2, 3] for name in ("doc_id", "source", "position", "metadata", "shard", "tokens")},
                    )
                )
            }
        ),
        Kept(3),
    ),
    Case(
        "Parquet columns with our names twice",
        "doc_id and input_doc_id",
        files({"a.parquet": lambda: parquet(texts(3, doc_id=[1, 2, 3], input_doc_id=[1, 2, 3]))}),
        Refused("found that name taken"),
    ),
    Case(
        "Parquet columns with one name",
        "a, and a again",
        files({"a.parquet": lambda: parquet(pa.Table.from_arrays([pa.array(["x"])] * 3, ["text", "a", "a"]))}),
        Refused("expected different column names"),
    ),
)

SCHEMA_CASES: Final = (
    Case(
        "a column that a second file lacks",
        "in one file of two",
        pair(lambda: parquet(texts(3, n=[1, 2, 3]))),
        Refused("expected column 'n' (int64); found none"),
    ),
    Case(
        "a column of another type in a second file",
        "int64, then string",
        pair(lambda: parquet(texts(3, n=[1, 2, 3])), lambda: parquet(texts(3, n=["1", "2", "3"]))),
        Refused("column 'n': expected int64; found large_string"),
    ),
    Case(
        "the same, declared",
        "the recipe says int64, and what is no number is quarantined",
        pair(lambda: parquet(texts(3, n=[1, 2, 3])), lambda: parquet(texts(3, n=["1", "two", "3"]))),
        Kept(5, quarantined={"wrong_type": 1}),
        source={"columns": {"n": "int64"}},
    ),
    Case(
        "a column that is nested in a second file",
        "int64, then a struct",
        pair(lambda: parquet(texts(3, n=[1, 2, 3])), lambda: parquet(texts(3, n=[{"a": 1}] * 3))),
        Refused("column 'n': expected int64; found struct"),
    ),
    Case(
        "strings of another kind in a second file",
        "string, large_string, a dictionary, string_view: one type for documents",
        files(
            {
                f"{number}.parquet": partial(with_strings, kind)
                for number, kind in enumerate(
                    (pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.string_view())
                )
            }
        ),
        Kept(12),
    ),
    Case(
        "columns in another order",
        "and the same names and types",
        pair(lambda: parquet(texts(3, n=[1, 2, 3])), lambda: parquet({"n": [1, 2, 3], **texts(3)})),
        Kept(6),
    ),
)

CASES: Final = (*BROKEN_CASES, *SHAPE_CASES, *SCHEMA_CASES)
