"""Sets of sampled documents, and of no others."""

import json

import pyarrow as pa
import pytest

from operators.dedup.sample_pairs import PAIRS_FILE
from operators.dedup.sampled_sets import SAMPLED_SHINGLES, SampledSets
from operators.dedup.shingle_sets import SHINGLES_TYPE
from operators.dedup.shingles import Unit, shingle_hashes
from pipeline.document import POSITION_TYPE, TEXT_TYPE
from pipeline.operator import FileRef

TEXTS = ["a b c d", "...", "The b, c d e", "b c d e", "x y z"]


@pytest.fixture
def pairs(tmp_path):
    """Of the documents at positions 0, 2, 1 and 3; the one at 99 is not in the batch."""
    sample = {"num_documents": 9, "document": [0, 1, 99], "candidate": [2, 3, 0], "similarity": [0.5, 0.0, 0.1]}
    (tmp_path / PAIRS_FILE).write_text(json.dumps(sample))
    return FileRef(uri=PAIRS_FILE).pin(tmp_path / PAIRS_FILE)


def batch(**columns):
    places = pa.array(range(len(TEXTS)), POSITION_TYPE)
    return pa.record_batch({"text": pa.array(TEXTS, TEXT_TYPE), "position": places, **columns})


@pytest.mark.parametrize("unit", [Unit.WORD, Unit.CHARACTER])
def test_sampled_documents_get_the_sets_that_signatures_stand_for(pairs, unit):
    operator = SampledSets(ngram=2, unit=unit, pairs=pairs)
    found = operator.open()(batch())
    assert found.schema == operator.adds()
    expected = [sorted(set(shingle_hashes(text, 2, unit=unit).tolist())) or None for text in TEXTS]
    assert found.column(SAMPLED_SHINGLES).to_pylist() == [*expected[:4], None]


def test_a_batch_outside_the_sample_has_no_sets(pairs):
    found = SampledSets(pairs=pairs).open()(batch().slice(4))
    assert found.column(SAMPLED_SHINGLES).to_pylist() == [None]


def test_sets_that_exist_are_taken_over(pairs):
    operator = SampledSets(pairs=pairs, sets_exist=True)
    assert operator.requires().names == ["shingles", "position"]
    sets = pa.array([[1, 2], None, [3], [], [4]], SHINGLES_TYPE)
    found = operator.open()(batch(shingles=sets).select(["shingles", "position"]))
    assert found.column(SAMPLED_SHINGLES).to_pylist() == [[1, 2], None, [3], [], None]


def test_the_plan_says_that_texts_are_read(pairs):
    assert SampledSets(pairs=pairs).notes() == ("texts are read once more, for the sets of the sampled pairs",)
    assert SampledSets(pairs=pairs, sets_exist=True).notes() == ()
