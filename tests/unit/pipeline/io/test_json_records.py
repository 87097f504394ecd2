import json
import sys

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.document import CORE_FIELDS, METADATA_FIELD, IdHasher, doc_id_from_input_id
from pipeline.io.json_records import RecordDecoder
from pipeline.plan.logical import Source

BASE = pa.schema([*CORE_FIELDS, METADATA_FIELD])
TYPED = Source(paths=("*",), columns={"year": "int64", "score": "float64", "is_new": "bool", "url": "string"})
TYPED_SCHEMA = pa.schema(
    [
        *CORE_FIELDS,
        pa.field("year", pa.int64()),
        pa.field("score", pa.float64()),
        pa.field("is_new", pa.bool_()),
        pa.field("url", pa.large_string()),
        METADATA_FIELD,
    ]
)


def decode(block, source=None, schema=BASE, offset=0):
    return RecordDecoder("web", "a.jsonl", source or Source(paths=("*",)), schema).decode(offset, block)


def one(line, source=None, schema=BASE):
    """The single document of a line."""
    batch = decode(line, source, schema)
    assert batch.rejected == ()
    (row,) = batch.documents.to_pylist()
    return row


def rejection(line, source=None, schema=BASE):
    """(reason, detail) of a line that is no document."""
    batch = decode(line, source, schema)
    assert batch.num_records == 1
    assert batch.documents.num_rows == 0
    (rejected,) = batch.rejected
    return rejected.reason.value, rejected.detail


def test_documents_positions_and_ids():
    lines = [b'{"id":"x","text":"one"}', b"", b"  \t\r", b'{"text":null}', b'{"text":"two","id":7,"n":1}\r']
    block = b"\n".join(lines)
    batch = decode(block, offset=100)
    starts = [100, 100 + block.index(b'{"text":null'), 100 + block.index(b'{"text":"two"')]
    ids = IdHasher("web", "a.jsonl")
    assert batch.num_records == 3
    assert batch.positions.tolist() == starts
    assert batch.ordinals.tolist() == [0, 2]
    assert batch.input_ids.to_pylist() == ["x", None, "7"]
    assert [(rejected.ordinal, rejected.position) for rejected in batch.rejected] == [(1, starts[1])]
    assert batch.documents.schema == BASE
    assert batch.documents.to_pylist() == [
        {"doc_id": ids.at(starts[0]), "input_id": "x", "source": "web", "text": "one", "metadata": None},
        {"doc_id": ids.at(starts[2]), "input_id": "7", "source": "web", "text": "two", "metadata": '{"n":1}'},
    ]


def test_ordinals_go_on_over_blocks():
    decoder = RecordDecoder("web", "a.jsonl", Source(paths=("*",)), BASE)
    decoder.decode(0, b'{"text":""}\n{}\n')
    second = decoder.decode(15, b'{"text":"a"}\n[]\n')
    assert second.ordinals.tolist() == [2]
    assert second.rejected[0].ordinal == 3
    assert decoder.num_records == 4


def test_an_empty_block_gives_the_schema():
    batch = decode(b"\n \n")
    assert batch.num_records == 0
    assert batch.documents.schema == BASE


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        (b'{"text":"a\xff"}', "invalid_utf8", "expected UTF-8, found an invalid sequence at byte 10 of 13"),
        (b'{"text":"a","m":"\xed\xa0\x80"}', "invalid_utf8", "at byte 17"),
        (b'{"text":"a"', "invalid_json", "truncated"),
        (b'{"text":"a"} x', "invalid_json", "byte 14"),
        (b'{"text":"\\ud800 and more"}', "invalid_json", "malformed"),
        (b'{"text":"a","m":{"deep":["\\udc00 and more"]}}', "invalid_json", "surrogate"),
        (b'{"text":NaN}', "invalid_json", "malformed"),
        (b"'text'", "invalid_json", "malformed"),
        (b'{"text":"a","m":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "invalid_json", "nests too deeply"),
        (b'\xef\xbb\xbf {"text":"a"', "invalid_json", "truncated"),
        (b'["text"]', "not_an_object", "expected a JSON object, found array"),
        (b' "text"', "not_an_object", "found string"),
        (b"12", "not_an_object", "found int64"),
        (b"null", "not_an_object", "found null"),
        (b'{"Text":"a"}', "no_text", "column 'text': expected string, found no such field"),
        (b"{}", "no_text", "no such field"),
        (b'{"text":null}', "null_text", "column 'text': expected string, found null"),
        (b'{"text":["a"]}', "wrong_type", "column 'text': expected string, found array"),
        (b'{"text":1.5}', "wrong_type", "found float64"),
        (b'{"id":1.5,"text":"a"}', "wrong_type", "column 'id': expected string or int64, found float64"),
        (b'{"id":{},"text":"a"}', "wrong_type", "found object"),
    ],
)
def test_reasons(line, reason, detail):
    found = rejection(line)
    assert found[0] == reason
    assert detail in found[1]


@pytest.mark.parametrize(
    ("field", "expected", "found"),
    [
        (b'"year":"1999"', "'year': expected int64", "string"),
        (b'"year":1999.0', "'year': expected int64", "float64"),
        (b'"year":1e3', "'year': expected int64", "float64"),
        (b'"year":9223372036854775808', "'year': expected int64", "integer beyond int64"),
        (b'"year":true', "'year': expected int64", "bool"),
        (b'"score":"1.5"', "'score': expected float64", "string"),
        (b'"score":1e999', "'score': expected float64", "float64"),
        (b'"is_new":1', "'is_new': expected bool", "int64"),
        (b'"url":["x"]', "'url': expected string", "array"),
        (b'"url":' + b"9" * 10_000, "'url': expected string", "integer beyond int64"),
    ],
)
def test_declared_columns_of_another_type(field, expected, found):
    assert rejection(b'{"text":"a",' + field + b"}", TYPED, TYPED_SCHEMA) == (
        "wrong_type",
        f"column {expected}, found {found}",
    )


def test_declared_columns():
    line = b'{"text":"a","score":3,"year":-9223372036854775808,"url":"\\u0041","other":1,"is_new":false}'
    row = one(line, TYPED, TYPED_SCHEMA)
    values = (row["year"], row["score"], row["is_new"], row["url"], row["metadata"])
    assert values == (-(1 << 63), 3.0, False, "A", '{"other":1}')
    row = one(b'{"text":"a","year":null}', TYPED, TYPED_SCHEMA)
    assert (row["year"], row["score"], row["is_new"], row["url"], row["metadata"]) == (None,) * 5


def test_columns_of_other_sources_are_null():
    row = one(b'{"text":"a","year":1}', schema=TYPED_SCHEMA)
    assert (row["year"], row["metadata"]) == (None, '{"year":1}')


def test_details_never_hold_text():
    secret = b"sesame"
    for line in (
        b'{"text":["sesame"]}',
        b'{"text":"sesame" sesame}',
        b'"sesame"',
        b'{"text":"sesame\xff"}',
        b'{"id":["sesame"]}',
    ):
        assert secret in line
        assert "sesame" not in rejection(line)[1]


def test_metadata_keeps_spelling_and_order():
    line = b'{"z":1e5 , "text":"t", "id":"i", "a":1.10,"b":{ "x" : [1, 2] },'
    line += b'"k\\u00e9\\n\\"":"\\u00e9\\/","source":"s","e":-0.0}'
    expected = '{"z":1e5,"a":1.10,"b":{ "x" : [1, 2] },"ké\\n\\"":"\\u00e9\\/","source":"s","e":-0.0}'
    assert one(line)["metadata"] == expected


def test_last_of_duplicate_keys_wins_and_is_counted():
    decoder = RecordDecoder("web", "a.jsonl", Source(paths=("*",)), BASE)
    block = b'{"a":1,"text":"x","b":2,"\\u0061":3,"text":"y","a":{"c":1,"c":2}}\n{"text":"z","a":1}\n{"b":1,"b":1}'
    documents = decoder.decode(0, block).documents.to_pylist()
    assert [(row["text"], row["metadata"]) for row in documents] == [
        ("y", '{"a":{"c":1,"c":2},"b":2}'),
        ("z", '{"a":1}'),
    ]
    assert decoder.num_duplicate_keys == 4


def test_many_different_names_do_not_mix():
    lines = [json.dumps({"text": "", f"k{n}": n, f"m{n}": 1}) for n in range(5000)]
    found = decode("\n".join(lines).encode()).documents.column("metadata").to_pylist()
    assert found == [f'{{"k{n}":{n},"m{n}":1}}' for n in range(5000)]


@pytest.mark.parametrize(
    ("spelled", "expected"),
    [
        (b'"a\\u0062"', "ab"),
        (b'""', ""),
        (b"12", "12"),
        (b"-0", "0"),
        (b"-7", "-7"),
        (b"9" * 6000, "9" * 6000),
        (b"null", None),
    ],
)
def test_input_id(spelled, expected):
    assert one(b'{"text":"a","id":' + spelled + b"}")["input_id"] == expected


def test_ids_from_the_column():
    source = Source(paths=("*",), id_column="key", id_from="column")
    row = one(b'{"text":"a","key":12,"id":1}', source)
    assert row["doc_id"] == doc_id_from_input_id("web", "12")
    assert row["metadata"] == '{"id":1}'
    for line in (b'{"text":"a"}', b'{"text":"a","key":null}'):
        assert rejection(line, source) == ("no_id", "column 'key': expected an id, found none")


def test_input_id_of_rejected_records_is_kept_where_it_is_readable():
    block = b'{"id":"a"}\n{"id":"b","text":1}\n{"id":"c","text":"\n{"id":[],"text":"a"}'
    assert decode(block).input_ids.to_pylist() == ["a", "b", None, None]


def test_named_columns():
    source = Source(paths=("*",), text_column="content", id_column=None)
    row = one(b'{"id":1,"content":"a","text":"b"}', source)
    assert (row["text"], row["input_id"], row["metadata"]) == ("a", None, '{"id":1,"text":"b"}')


def test_byte_order_mark_is_skipped_at_the_start_alone():
    line = b'\xef\xbb\xbf{"text":"a"}'
    assert one(line)["text"] == "a"
    assert decode(line, offset=5).rejected[0].reason == "invalid_json"


def test_bad_bytes_spoil_their_own_line_alone():
    block = b'{"text":"a"}\n{"text":"\xff"}\n{"text":"\xc3\xa9"}\n\xff\n'
    batch = decode(block)
    assert batch.documents.column("text").to_pylist() == ["a", "é"]
    assert [(rejected.ordinal, rejected.reason) for rejected in batch.rejected] == [
        (1, "invalid_utf8"),
        (3, "invalid_utf8"),
    ]


def test_nesting_limit_does_not_depend_on_the_callers_depth():
    lines = [b'{"text":"a","m":' + b"[" * depth + b"]" * depth + b"}" for depth in range(50, 1100, 50)]

    def count(depth):
        if depth:
            return count(depth - 1)
        return sum(decode(line).documents.num_rows for line in lines)

    deep = count(min(600, sys.getrecursionlimit() - 400))
    shallow = count(0)
    assert shallow == deep
    assert shallow > 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.dictionaries(st.text(), JSON, max_size=4)),
        max_size=5,
    ),
    st.booleans(),
)
def test_text_and_metadata_come_back(records, escaped):
    records = [(text, {k: v for k, v in rest.items() if k not in ("text", "id")}) for text, rest in records]
    block = b"".join(
        json.dumps({"text": text, **rest}, ensure_ascii=escaped).encode() + b"\n" for text, rest in records
    )
    batch = decode(block)
    found = [(row["text"], json.loads(row["metadata"] or "{}")) for row in batch.documents.to_pylist()]
    assert found == records


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_give_a_document_or_a_reason_for_each_line(block):
    batch = decode(block)
    assert batch.documents.num_rows + len(batch.rejected) == batch.num_records
    batch.documents.validate(full=True)
