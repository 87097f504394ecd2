import pyarrow as pa
import pytest

from operators.dedup.repeated_lines import participating_units, repeated_column, required_columns
from pipeline.document import TEXT_TYPE


@pytest.mark.parametrize(("unit", "name"), [("line", "repeated_lines"), ("paragraph", "repeated_paragraphs")])
def test_columns_are_called_after_the_unit(unit, name):
    assert repeated_column(unit) == name


def test_the_column_of_code_is_read_where_it_is_named():
    assert pa.schema(required_columns(None)).names == ["text"]
    assert pa.schema(required_columns("is_code")).field("is_code").type == pa.bool_()


def test_only_documents_known_to_be_code_are_exempt():
    batch = pa.record_batch(
        {"text": pa.array(["one two"] * 3, TEXT_TYPE), "is_code": pa.array([True, False, None], pa.bool_())}
    )
    units = participating_units(batch, unit="line", min_words=2, code_column="is_code")
    assert units.num_units.tolist() == [0, 1, 1]
    assert participating_units(batch, unit="line", min_words=2, code_column=None).num_units.tolist() == [1, 1, 1]
