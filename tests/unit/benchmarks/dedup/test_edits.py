import numpy as np
import pytest

from benchmarks.dedup.corpus import shingle_set
from benchmarks.dedup.edits import EDITS
from operators.dedup.jaccard import jaccard
from tests.unit.benchmarks.dedup.small_prose import small_prose


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("wanted", [0.35, 0.6, 0.9])
def test_similarities_are_near_the_wanted_one(name, wanted):
    prose = small_prose()
    random = np.random.default_rng(3)
    found = []
    for original in prose.cut(np.full(20, 1000), random):
        texts = prose.texts([original, EDITS[name](prose, original, wanted, random)]).to_pylist()
        found.append(jaccard(*map(shingle_set, texts)))
    assert np.mean(found) == pytest.approx(wanted, abs=0.08)
