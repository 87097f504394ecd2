"""Real near-duplicates share buckets as often as probability theory says."""

from pathlib import Path

import pytest

from benchmarks.dedup import gold

DATA = Path(__file__).parents[3] / "shared/data"


@pytest.mark.skipif(bool(gold.missing(DATA)), reason=f"expected {gold.missing(DATA)}, which is not there")
def test_pairs_meet_as_often_as_their_similarity_says():
    tenths = gold.tenths(DATA)
    assert [tenth.from_jaccard for tenth in tenths] == [0.6, 0.7, 0.8, 0.9]
    assert sum(tenth.pairs for tenth in tenths) > 1700
    for tenth in tenths:
        assert abs(tenth.deviation) <= 3, tenth
