"""Rank buckets against a plain count of lower scores, and files that are none."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.select.rank_bucket import RankBucket
from operators.select.rank_cutoffs import RANK_CUTOFFS_FILE, RankCutoffs
from pipeline.errors import OperatorError, PlanError
from pipeline.operator import FileRef
from tests.unit.operators.select.pools import cut_at, leave_file

NAN = float("nan")
SCORES = st.lists(
    st.one_of(
        st.none(),
        st.sampled_from([-0.0, 0.0, 0.5, -2.0, NAN, float("inf")]),
        st.floats(width=32, allow_nan=False, allow_infinity=False),
    ),
    min_size=1,
    max_size=60,
)


def pool(scores):
    return pa.record_batch({"score": pa.array(scores, pa.float32())})


def buckets_of(folder, scores, num_buckets, places=()):
    cutoffs = leave_file(
        RankCutoffs(columns=("score",), num_buckets=num_buckets),
        folder,
        RANK_CUTOFFS_FILE,
        *cut_at(pool(scores), *places),
    )
    return RankBucket(columns=("score",), cutoffs=cutoffs).open()(pool(scores)).column("score_bucket").to_pylist()


def is_score(score):
    return score is not None and abs(score) < float("inf")


@settings(deadline=None, max_examples=60)
@given(scores=SCORES.filter(lambda drawn: any(map(is_score, drawn))), num_buckets=st.integers(2, 25), cut=st.data())
def test_a_bucket_is_the_share_of_lower_scores(tmp_path_factory, scores, num_buckets, cut):
    places = cut.draw(st.lists(st.integers(0, 60), max_size=3))
    finite = [score for score in scores if is_score(score)]
    expected = [
        sum(other < score for other in finite) * num_buckets // len(finite) if is_score(score) else None
        for score in scores
    ]
    assert buckets_of(tmp_path_factory.mktemp("ranks"), scores, num_buckets, places) == expected


def test_twenty_buckets_of_equal_size_where_no_scores_tie(tmp_path):
    found = buckets_of(tmp_path, [((7 * i) % 100) / 8 for i in range(100)], 20)
    assert [found.count(bucket) for bucket in range(20)] == [5] * 20


def test_columns_are_ranked_each_by_itself_and_in_any_type_of_number(tmp_path):
    batch = pa.record_batch({"a": pa.array([1.0, 2.0], pa.float32()), "b": pa.array([5, 4], pa.int8())})
    columns = ("a", {"column": "b", "type": "int8"})
    cutoffs = leave_file(RankCutoffs(columns=columns, num_buckets=2), tmp_path, RANK_CUTOFFS_FILE, batch)
    found = RankBucket(columns=columns, cutoffs=cutoffs).open()(batch)
    assert found.to_pydict() == {"a_bucket": [0, 1], "b_bucket": [1, 0]}
    assert found.schema == RankBucket(columns=columns, cutoffs=cutoffs).adds()


def test_a_column_without_scores_is_refused(tmp_path):
    with pytest.raises(OperatorError, match="expected rows with a finite 'score'; found none"):
        buckets_of(tmp_path, [None, NAN], 20)


def test_a_column_that_stands_twice_is_refused():
    with pytest.raises(ValueError, match=r"columns: expected distinct names; found \['a', 'a'\]"):
        RankCutoffs(columns=("a", "a"))


@pytest.mark.parametrize("text", ["[]", "{", '{"columns": {"other": {"cutoffs": []}}}', '{"columns": {"score": 1}}'])
def test_another_file_is_refused(tmp_path, text):
    path = tmp_path / "some.json"
    path.write_text(text)
    operator = RankBucket(columns=("score",), cutoffs=FileRef(uri="some.json").pin(path))
    with pytest.raises(PlanError, match=r"'some.json': expected a file that rank_cutoffs left for columns \['score'\]"):
        operator.open()
