import pytest

from pipeline.io.json_fields import LineParser, RejectedRecordError, TypedField, json_kind


def test_fields_are_spelled_as_in_the_line_and_the_last_of_a_name_wins():
    parser = LineParser()
    fields = parser.parse(b' {"a" : 1.50, "b":[ 1 ],"\\u0061":"x\\n"} ')
    assert {name: bytes(raw) for name, raw in fields.items()} == {"a": b'"x\\n"', "b": b"[ 1 ]"}
    assert parser.num_duplicate_keys == 1


def test_a_field_of_another_type_is_named():
    field = TypedField("year", "int64")
    fields = LineParser().parse(b'{"a":7,"b":null,"c":7.0}')
    assert [field.value(fields.get(name)) for name in ("a", "b", "d")] == [7, None, None]
    with pytest.raises(RejectedRecordError, match="column 'year': expected int64, found float64"):
        field.value(fields["c"])


def test_json_kind():
    kinds = {
        b'"a"': "string",
        b"{}": "object",
        b"[]": "array",
        b"true": "bool",
        b"false": "bool",
        b"null": "null",
        b"-1": "int64",
        b"1.0": "float64",
        b"1E5": "float64",
        b"-9223372036854775809": "integer beyond int64",
    }
    assert {raw: json_kind(raw) for raw in kinds} == kinds
