import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from operators.dedup.shingle_sets import ShingleSets
from operators.dedup.shingles import Unit, shingle_hashes
from pipeline.document import TEXT_TYPE

TEXT = st.text(st.sampled_from("ab cd 1.,\n中é"), max_size=80)
ROWS = st.lists(st.tuples(TEXT, st.none() | st.integers(2, 9)), max_size=8)


def batch(rows):
    return pa.record_batch(
        {
            "text": pa.array([text for text, _ in rows], TEXT_TYPE),
            "cluster_size": pa.array([size for _, size in rows], pa.uint32()),
        }
    )


@settings(deadline=None, derandomize=True)
@given(ROWS, st.integers(1, 6), st.sampled_from([Unit.WORD, Unit.CHARACTER]))
def test_sets_are_the_distinct_shingles_of_documents_with_company(rows, ngram, unit):
    operator = ShingleSets(ngram=ngram, unit=unit)
    found = operator.open()(batch(rows))
    assert found.schema == operator.adds()
    hashes = [sorted(set(shingle_hashes(text, ngram, unit=unit).tolist())) for text, _ in rows]
    assert found.column("shingles").to_pylist() == [
        values if size is not None and values else None for values, (_, size) in zip(hashes, rows, strict=True)
    ]


@settings(deadline=None, derandomize=True)
@given(ROWS, st.integers(0, 8))
def test_splitting_batches_changes_nothing(rows, cut):
    function = ShingleSets(ngram=2).open()
    whole = batch(rows)
    parts = function(whole.slice(0, cut)).to_pylist() + function(whole.slice(cut)).to_pylist()
    assert parts == function(whole).to_pylist()


def test_refuses_settings_without_meaning():
    with pytest.raises(ValidationError, match="ngram"):
        ShingleSets(ngram=0)
