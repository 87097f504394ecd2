import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.document import CORE_FIELDS
from pipeline.errors import SchemaError, StorageError
from pipeline.io.parquet_footer import document_columns, document_schema, document_type, read_footer, schema_difference
from pipeline.plan.logical import Source

PLAIN = Source(paths=("*",))


def test_document_schema():
    given = pa.schema(
        [
            ("source", pa.string()),
            ("n", pa.int32()),
            ("id", pa.int64()),
            ("tags", pa.list_(pa.string())),
            ("text", pa.string()),
            ("url", pa.dictionary(pa.int32(), pa.string())),
            ("year", pa.string()),
        ]
    )
    source = Source(paths=("*",), columns={"year": "int64"})
    assert document_schema(given, source, "f") == pa.schema(
        [
            *CORE_FIELDS,
            ("year", pa.int64()),
            ("input_source", pa.large_string()),
            ("n", pa.int32()),
            ("tags", pa.list_(pa.string())),
            ("url", pa.large_string()),
        ]
    )
    columns = document_columns(given, source)
    assert (columns["input_id"], columns["input_source"], columns["text"]) == ("id", "source", "text")


def test_text_under_another_name_frees_a_reserved_one():
    given = pa.schema([("content", pa.string()), ("text", pa.string()), ("id", pa.float64())])
    source = Source(paths=("*",), text_column="content", id_column=None)
    assert document_schema(given, source, "f").names[4:] == ["input_text", "id"]


@pytest.mark.parametrize(
    ("given", "source", "message"),
    [
        ([("body", pa.string())], PLAIN, r"f: expected columns \['text'\]; found \['body'\]; correct text_column"),
        ([("text", pa.int64())], PLAIN, "column 'text': expected string; found int64"),
        ([("text", pa.string()), ("id", pa.float64())], PLAIN, "column 'id': expected string or integer; found double"),
        ([("text", pa.string())], Source(paths=("*",), id_from="column"), r"expected columns \['id'\]"),
        ([("text", pa.string())], Source(paths=("*",), columns={"year": "int64"}), r"expected columns \['year'\]"),
        (
            [("text", pa.string()), ("year", pa.list_(pa.int64()))],
            Source(paths=("*",), columns={"year": "int64"}),
            "column 'year': expected a type that can become int64; found list",
        ),
        ([("text", pa.string()), ("source", pa.string()), ("input_source", pa.string())], PLAIN, "'input_source'"),
        ([("text", pa.string()), ("a", pa.string()), ("a", pa.string())], PLAIN, "different column names"),
    ],
)
def test_refused_schemas(given, source, message):
    with pytest.raises(SchemaError, match=message):
        document_schema(pa.schema(given), source, "f")


def test_document_type():
    strings = [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
    assert {document_type(kind) for kind in strings} == {pa.large_string()}
    assert document_type(pa.dictionary(pa.int8(), pa.int16())) == pa.int16()
    assert document_type(pa.uuid()) == pa.binary(16)
    assert document_type(pa.list_(pa.string())) == pa.list_(pa.string())


def test_schema_difference_ignores_order():
    first = {"a": pa.int64(), "b": pa.string()}
    assert schema_difference(first, {"b": pa.string(), "a": pa.int64()}) is None
    assert schema_difference(first, {"a": pa.int64()}) == "expected column 'b' (string); found none"
    assert schema_difference({"a": pa.int64()}, first) == "expected no column 'b'; found string"
    assert schema_difference(first, {**first, "a": pa.int32()}) == "column 'a': expected int64; found int32"


def test_a_footer_with_a_name_that_is_no_text_is_broken(write_input, tmp_path):
    pq.write_table(pa.table({"text": ["a"], "name": ["b"]}), tmp_path / "whole.parquet", store_schema=False)
    content = (tmp_path / "whole.parquet").read_bytes()
    assert read_footer(write_input("whole.parquet", content)) is not None
    assert read_footer(write_input("broken.parquet", content.replace(b"name", b"n\xff\xfee"))) is None


def test_broken_footers_are_told_from_missing_files(write_input, tmp_path):
    assert read_footer(write_input("a.parquet", b"")) is None
    assert read_footer(write_input("a.parquet", b"PAR1" + b"\xff" * 100 + b"\x50\0\0\0PAR1")) is None
    file = write_input("a.parquet", b"PAR1")
    (tmp_path / "a.parquet").unlink()
    with pytest.raises(StorageError, match=r"a\.parquet"):
        read_footer(file)
