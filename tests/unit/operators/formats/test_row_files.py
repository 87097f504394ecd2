"""What formats of rows share."""

import json

import pytest

from operators.formats.mds import Mds
from operators.formats.parquet_rows import ParquetRows
from pipeline.errors import SchemaError
from pipeline.format_writer import Part, PartFile
from tests.unit.operators.formats.streams import store

BOTH = pytest.mark.parametrize("writer", [Mds, ParquetRows])


@BOTH
def test_all_columns_unless_some_are_named(writer):
    schema = store().schema
    assert writer().output_schema(schema) == schema
    assert writer(columns=("tokens",)).output_schema(schema).names == ["tokens", "num_tokens"]


@BOTH
def test_a_column_that_is_not_there_is_refused(writer):
    with pytest.raises(SchemaError, match=r"requires columns \['url'\]; available: \['doc_id'"):
        writer(columns=("url",)).output_schema(store().schema)


@BOTH
def test_the_listing_names_the_files_of_shards_that_have_any(writer):
    facts = {"columns": {}, "files": {"x": {"samples": 4, "raw_bytes": 7}}}
    parts = [Part(0, (), 0, 0, {}), Part(1, (PartFile("x", "a/x", 7, ""),), 4, 9, facts)]
    assert json.loads(writer().index(parts)["dataset.json"]) == {
        "format": writer.name,
        "tokens": 9,
        "rows": 4,
        "shards": [{"files": ["a/x"], "tokens": 9, "rows": 4}],
    }
