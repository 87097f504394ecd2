import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.dedup.remove_lines import RemoveLines
from operators.dedup.repeated_lines import ORDINALS_TYPE
from pipeline.document import TEXT_TYPE
from tests.line_oracle import PIECES, units_of, without

TEXTS = st.lists(st.lists(st.sampled_from(PIECES), max_size=10).map("".join), max_size=5)


def batch_of(texts, ordinals, unit="line"):
    columns = {f"repeated_{unit}s": pa.array(ordinals, ORDINALS_TYPE), "text": pa.array(texts, TEXT_TYPE)}
    return pa.record_batch(columns)


@pytest.mark.parametrize("unit", ["line", "paragraph"])
@given(texts=TEXTS, data=st.data(), offset=st.integers(0, 2))
def test_the_units_of_the_column_go(unit, texts, data, offset):
    ordinals = [
        data.draw(st.none() | st.sets(st.integers(0, len(found) - 1)).map(sorted))
        if (found := units_of(text, unit))
        else None
        for text in texts
    ]
    batch = batch_of(["x\ny"] * offset + texts, [[1]] * offset + ordinals, unit).slice(offset)
    edits = RemoveLines(unit=unit).open()(batch)
    edits.columns.validate(full=True)
    assert edits.columns.schema == batch.schema
    assert edits.columns["text"].to_pylist() == [
        without(text, gone, unit) if gone else text for text, gone in zip(texts, ordinals, strict=True)
    ]
    assert edits.columns[f"repeated_{unit}s"].to_pylist() == [None if gone is None else [] for gone in ordinals]
    assert edits.edited.tolist() == [bool(gone) for gone in ordinals]
    assert edits.sizes[:, 0].tolist() == [len(gone or []) for gone in ordinals]


def test_lines_go_once():
    batch = batch_of(["a\nb\nc", "d"], [[0, 2], None])
    once = RemoveLines().open()(batch)
    again = RemoveLines().open()(once.columns)
    assert (
        again.columns.to_pylist()
        == once.columns.to_pylist()
        == [
            {"repeated_lines": [], "text": "b"},
            {"repeated_lines": None, "text": "d"},
        ]
    )
    assert not again.edited.any()


def test_another_text_is_refused():
    with pytest.raises(ValueError, match="row 0: expected the lines that it is to lose"):
        RemoveLines().open()(batch_of(["a"], [[1]]))
