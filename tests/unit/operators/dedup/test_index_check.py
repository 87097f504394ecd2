"""Which indexes are refused, and what is said of the others."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from operators.dedup.index_check import IndexCheck
from pipeline.errors import PlanError, SchemaError
from pipeline.operator import TaskInputs
from tests.laws.examples import Rows

SCHEMA = pa.schema([("generation", pa.uint32()), ("signature_settings", pa.string())])


def index(generations: Sequence[int], settings: str = "num_bands=14 seed=1") -> Rows:
    rows = [{"generation": number, "signature_settings": settings} for number in generations]
    return Rows(pa.RecordBatch.from_pylist(rows, SCHEMA), cuts=(1, 1))


def found(operator: IndexCheck, **tables: Rows) -> list[tuple[str, int, int]]:
    inputs = TaskInputs(None, tables, (), Path("unused"))
    return [tuple(row.values()) for _, batch in operator.open()(inputs) for row in batch.to_pylist()]


def test_documents_are_counted_by_table_and_generation() -> None:
    check = IndexCheck(settings="num_bands=14 seed=1", generation=3)
    assert found(check, a=index([2, 0, 2]), b=index([1]), c=index([])) == [("a", 0, 1), ("a", 2, 2), ("b", 1, 1)]


def test_a_generation_that_is_not_older_is_refused() -> None:
    check = IndexCheck(settings="num_bands=14 seed=1", generation=2)
    message = r"^index_check: table 'a': expected generations below 2, .*; found 2; set generation to 3 or more$"
    with pytest.raises(PlanError, match=message):
        found(check, a=index([0, 2]))


def test_only_settings_that_differ_are_named() -> None:
    check = IndexCheck(settings="num_bands=14 seed=2 tokenizer=x")
    message = (
        r"^index_check: table 'a': expected signatures with seed 2, tokenizer x, as this build makes them; found "
        r"seed 1, tokenizer none; deduplicate with the index's settings, or build the index again$"
    )
    with pytest.raises(PlanError, match=message):
        found(check, a=index([0]))


def test_a_table_that_is_no_index_is_refused() -> None:
    rows = Rows(pa.RecordBatch.from_pylist([{"generation": 0}], pa.schema([("generation", pa.uint32())])))
    message = r"expected column 'signature_settings' \(string\) in table 'a'; available: \['generation'\]; name"
    with pytest.raises(SchemaError, match=message):
        found(IndexCheck(settings="seed=1"), a=rows)
