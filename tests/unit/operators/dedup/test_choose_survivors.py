from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.dedup.choose_survivors import ChooseSurvivors
from operators.dedup.signature import column_of_lists
from pipeline.operator import REMOVAL_SCHEMA


def doc_id(row):
    return row.to_bytes(16, "big")


def rows(clusters, signatures, null=None):
    values = np.array(signatures, np.uint16)  # (D, K)
    missing = np.zeros(len(clusters), np.bool_) if null is None else np.array(null)
    return pa.record_batch(
        {
            "cluster": pa.array(clusters, pa.uint64()),
            "minhash": column_of_lists(values, missing),
            "doc_id": pa.array([doc_id(row) for row in range(len(clusters))], pa.binary(16)),
            "position": pa.array([100 + row for row in range(len(clusters))], pa.uint64()),
        }
    )


def removals(batch, cuts=(), **fields):
    """{row removed: (row that stays, similarity)}"""
    width = batch.column("minhash").type.list_size
    operator = ChooseSurvivors(num_bands=1, rows_per_band=width, **fields)
    parts = [batch.slice(start, stop - start) for start, stop in pairwise([0, *sorted(cuts), batch.num_rows])]
    found = pa.Table.from_batches(operator.open()(iter(parts)), REMOVAL_SCHEMA)
    assert set(found.column("rule").to_pylist()) <= {"near_duplicate"}
    assert set(found.column("threshold").to_pylist()) <= {operator.verify_at}
    return {
        removal["position"] - 100: (int.from_bytes(removal["survivor"], "big"), removal["value"])
        for removal in found.to_pylist()
    }


def test_the_first_of_a_cluster_stays():
    batch = rows([3, 3, 3, 8, 8], [[1, 1, 1, 1], [1, 1, 1, 2], [1, 1, 1, 1], [5, 5, 5, 5], [5, 5, 5, 5]])
    assert removals(batch) == {1: (0, 0.75), 2: (0, 1.0), 4: (3, 1.0)}


def test_verify_at_is_the_least_similarity_that_removes():
    batch = rows([0, 0], [[1, 1, 1, 1], [1, 1, 1, 2]])
    assert removals(batch, verify_at=0.75) == {1: (0, 0.75)}
    assert removals(batch, verify_at=0.7500001) == {}


def test_a_chain_is_not_merged_from_end_to_end():
    # Neighbours share three of four values, the ends none.
    chain = [[1, 2, 3, 4], [1, 2, 3, 0], [1, 2, 9, 0], [1, 8, 9, 0], [7, 8, 9, 0]]
    assert removals(rows([0] * 5, chain)) == {1: (0, 0.75), 3: (2, 0.75)}


def test_zero_turns_verification_off():
    chain = [[1, 2, 3, 4], [1, 2, 3, 0], [7, 8, 9, 0]]
    assert removals(rows([0] * 3, chain), verify_at=0) == {1: (0, 0.75), 2: (0, 0.0)}


def test_the_first_similar_survivor_is_named():
    batch = rows([0] * 3, [[1, 1, 1, 1, 1, 1], [1, 1, 1, 2, 2, 2], [1, 1, 1, 1, 2, 2]])
    assert removals(batch, verify_at=0.6) == {2: (0, 4 / 6)}


def test_at_most_max_survivors_are_compared():
    batch = rows([0] * 4, [[1, 1], [2, 2], [3, 3], [3, 3]])
    assert removals(batch, max_survivors=3) == {3: (2, 1.0)}
    assert removals(batch, max_survivors=2) == {}


def test_survivors_of_another_cluster_are_not_compared():
    assert removals(rows([0, 1, 2], [[1, 1]] * 3)) == {}


def test_a_document_without_signature_is_like_no_other():
    assert removals(rows([0, 0, 0], [[1, 1]] * 3, null=[True, False, True])) == {}


def test_no_rows():
    assert removals(rows([], np.empty((0, 4)))) == {}


def plain_removals(clusters, signatures, verify_at, max_survivors):
    kept, removed = {}, {}
    for row, (cluster, signature) in enumerate(zip(clusters, signatures, strict=True)):
        survivors = kept.setdefault(cluster, [])
        for other in survivors[:max_survivors]:
            similarity = sum(map(int.__eq__, signature, signatures[other])) / len(signature)
            if similarity >= verify_at:
                removed[row] = (other, similarity)
                break
        else:
            survivors.append(row)
    return removed


@st.composite
def clusters_and_signatures(draw):
    clusters = sorted(draw(st.lists(st.integers(0, 3), max_size=25)))
    signature = st.lists(st.integers(0, 1), min_size=5, max_size=5)
    return clusters, [draw(signature) for _ in clusters]


CASES = clusters_and_signatures()


@settings(deadline=None, derandomize=True, max_examples=50)
@given(CASES, st.sampled_from([0.0, 0.2, 0.6, 0.7, 1.0]), st.integers(1, 4))
def test_equals_the_greedy_rule_stated_plainly(case, verify_at, max_survivors):
    clusters, signatures = case
    batch = rows(clusters, np.array(signatures, np.uint16).reshape(-1, 5))
    expected = plain_removals(clusters, signatures, verify_at, max_survivors)
    assert removals(batch, verify_at=verify_at, max_survivors=max_survivors) == expected


@settings(deadline=None, derandomize=True, max_examples=50)
@given(CASES, st.data())
def test_where_the_stream_is_cut_changes_nothing(case, data):
    clusters, signatures = case
    batch = rows(clusters, np.array(signatures, np.uint16).reshape(-1, 5))
    cuts = data.draw(st.lists(st.integers(0, len(clusters)), max_size=6))
    assert removals(batch, cuts) == removals(batch)


@pytest.mark.parametrize("wrong", [{"verify_at": -0.1}, {"verify_at": 1.1}, {"max_survivors": 0}])
def test_refuses_settings_without_meaning(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ChooseSurvivors(**wrong)
