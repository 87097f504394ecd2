import pyarrow as pa
import pytest

from pipeline.document import IdHasher, doc_id_from_input_id
from pipeline.io.parquet_footer import document_schema
from pipeline.io.parquet_rows import RowDecoder
from pipeline.io.storage import InputFile
from pipeline.plan.logical import Source

FILE = InputFile("web", "/data/a.parquet", "a.parquet", 1, "")
PLAIN = Source(paths=("*",))


def decode(columns, source=PLAIN, *, position=0, ordinal=0):
    rows = pa.record_batch(columns)
    schema = document_schema(rows.schema, source, "f")
    return RowDecoder(FILE, source, rows.schema, schema).decode(rows, position, ordinal)


def broken_strings(values, kind):
    """A string array whose bytes nobody checked."""
    return pa.array(values, pa.large_binary() if kind == pa.large_string() else pa.binary()).view(kind)


def found(batch):
    return [(rejected.ordinal, rejected.reason.value, rejected.detail) for rejected in batch.rejected]


def test_documents_and_ids():
    batch = decode({"text": ["a", None, "c"], "id": [7, 8, None], "n": [1, 2, 3]}, position=100, ordinal=10)
    ids = IdHasher("web", "a.parquet")
    assert batch.documents.to_pylist() == [
        {"doc_id": ids.at(100), "input_id": "7", "source": "web", "text": "a", "n": 1},
        {"doc_id": ids.at(102), "input_id": None, "source": "web", "text": "c", "n": 3},
    ]
    assert batch.ordinals.tolist() == [10, 12]
    assert batch.positions.tolist() == [100, 101, 102]
    assert batch.input_ids.to_pylist() == ["7", "8", None]
    assert batch.rejected[0].position == 101
    assert found(batch) == [(11, "null_text", "column 'text': expected string, found null")]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@pytest.mark.parametrize("bad", [[], [0], [3, 4], [0, 9], list(range(10))])
def test_invalid_utf8_in_any_column(kind, bad):
    values = [b"\xff" if n in bad else b"ok" for n in range(10)]
    good = [n for n in range(10) if n not in bad]
    for columns in (
        {"text": broken_strings(values, kind)},
        {"text": ["x"] * 10, "url": broken_strings(values, kind)},
        {"text": ["x"] * 10, "id": broken_strings(values, kind)},
        {"text": pa.array(values, pa.binary())},
    ):
        batch = decode(columns)
        assert batch.ordinals.tolist() == good
        assert {reason for _, reason, _ in found(batch)} <= {"invalid_utf8"}
        assert [ordinal for ordinal, _, _ in found(batch)] == bad
        batch.documents.validate(full=True)


def test_invalid_utf8_inside_of_lists():
    values = pa.ListArray.from_arrays([0, 1, 2, 4], broken_strings([b"a", b"\xff", b"c", b"d"], pa.string()))
    batch = decode({"text": ["x", "y", "z"], "tags": values})
    assert batch.documents.column("tags").to_pylist() == [["a"], ["c", "d"]]
    assert found(batch) == [(1, "invalid_utf8", "column 'tags': expected UTF-8, found other bytes")]


def test_declared_columns_are_cast():
    source = Source(paths=("*",), columns={"year": "int64", "score": "float64"})
    batch = decode(
        {"text": ["a", "b", "c"], "year": ["1999", "soon", None], "score": pa.array([1, 2, 3], pa.int8())}, source
    )
    assert batch.documents.column("year").to_pylist() == [1999, None]
    assert batch.documents.column("score").to_pylist() == [1.0, 3.0]
    assert found(batch) == [(1, "wrong_type", "column 'year': expected int64, found string")]


def test_ids_from_the_column():
    source = Source(paths=("*",), id_from="column")
    batch = decode({"text": ["a", "b"], "id": ["x", None]}, source)
    assert batch.documents.column("doc_id").to_pylist() == [doc_id_from_input_id("web", "x")]
    assert found(batch) == [(1, "no_id", "column 'id': expected an id, found none")]


def test_types_become_those_of_documents():
    words = pa.array(["u", None]).dictionary_encode()
    batch = decode({"text": words.fill_null("v"), "url": words, "source": ["s", "t"]})
    assert batch.documents.column("text").to_pylist() == ["u", "v"]
    assert batch.documents.column("url").type == pa.large_string()
    assert batch.documents.column("source").to_pylist() == ["web", "web"]
    assert batch.documents.column("input_source").to_pylist() == ["s", "t"]


def test_columns_of_other_sources_are_null():
    rows = pa.record_batch({"text": ["a"]})
    schema = document_schema(rows.schema, PLAIN, "f").append(pa.field("metadata", pa.large_string()))
    batch = RowDecoder(FILE, PLAIN, rows.schema, schema).decode(rows, 0, 0)
    assert batch.documents.column("metadata").to_pylist() == [None]


def test_no_rows():
    batch = decode({"text": pa.array([], pa.string())})
    assert (batch.num_records, batch.documents.num_rows, batch.rejected) == (0, 0, ())
