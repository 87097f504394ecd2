import pyarrow as pa
import pytest

from operators.select.text_length import TextLength
from pipeline.document import TEXT_TYPE

TEXTS = ["", "abc", "Füße", "e\u0301", "\U0001f600", "\0\n"]


@pytest.mark.parametrize(
    ("unit", "lengths"), [("bytes", [len(text.encode()) for text in TEXTS]), ("characters", list(map(len, TEXTS)))]
)
def test_equals_what_python_counts(unit, lengths):
    batch = pa.record_batch({"text": pa.array(TEXTS, TEXT_TYPE)})
    found = TextLength(unit=unit).open()(batch)
    assert found.schema == TextLength().adds()
    assert found.column("text_length").to_pylist() == lengths
