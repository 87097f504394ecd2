"""The score filter: exactness in float32, missing scores, and where the threshold comes from."""

import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from operators.select.score_filter import ScoreFilter
from pipeline.errors import PlanError
from pipeline.operator import FileRef, Verdicts


def judge(operator: ScoreFilter, scores: list[float | None]) -> Verdicts:
    return operator.open()(pa.record_batch({"score": pa.array(scores, pa.float32())}))


def pinned(path: Path, content: object) -> FileRef:
    path.write_text(json.dumps(content))
    return FileRef(uri=path.name).pin(path)


@given(threshold=st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_the_threshold_itself_is_kept_and_the_float_below_is_not(threshold: float) -> None:
    below = float(np.nextafter(np.float32(threshold), np.float32(-np.inf)))
    if math.isfinite(below):
        assert judge(ScoreFilter(column="score", min_score=threshold), [threshold, below]).keep.tolist() == [
            True,
            False,
        ]


def test_a_decimal_that_float32_stores_lower_is_kept() -> None:
    assert float(np.float32(0.82)) < 0.82
    assert judge(ScoreFilter(column="score", min_score=0.82), [0.82]).keep.tolist() == [True]


def test_a_score_that_ties_is_kept_or_not() -> None:
    scores = [0.5, 0.25, 0.75]
    assert judge(ScoreFilter(column="score", min_score=0.5), scores).keep.tolist() == [True, False, True]
    found = judge(ScoreFilter(column="score", min_score=0.5, keep_ties=False), scores)
    assert found.keep.tolist() == [False, False, True]
    assert found.value[0] == found.threshold[0] == 0.5


def test_verdicts_say_why() -> None:
    operator = ScoreFilter(column="score", min_score=0.5)
    verdicts = judge(operator, [0.75, 0.25, None, float("nan"), float("inf")])
    assert verdicts.keep.tolist() == [True, False, False, False, False]
    rules = [operator.rules()[rule] for rule in verdicts.rule[~verdicts.keep]]
    assert rules == ["low_score", "no_score", "no_score", "no_score"]
    np.testing.assert_array_equal(verdicts.value, [0.75, 0.25, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(verdicts.threshold, [0.5, 0.5, np.nan, np.nan, np.nan])
    assert (verdicts.rule.dtype, verdicts.value.dtype) == (np.int16, np.float64)


def test_an_empty_batch() -> None:
    assert judge(ScoreFilter(column="score", min_score=0.5), []).keep.shape == (0,)


def test_the_threshold_of_a_file(tmp_path: Path) -> None:
    file = pinned(tmp_path / "threshold.json", {"column": "score", "threshold": float(np.float32(0.3))})
    assert judge(ScoreFilter(column="score", threshold_file=file), [0.3, 0.29]).keep.tolist() == [True, False]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"column": "other", "threshold": 1}, "found one for 'other'"),
        ({"column": "score"}, "'threshold'"),
        ([1], "object"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: object, message: str) -> None:
    file = pinned(tmp_path / "threshold.json", content)
    with pytest.raises(PlanError, match=message):
        ScoreFilter(column="score", threshold_file=file).open()


def test_exactly_one_threshold() -> None:
    with pytest.raises(ValidationError, match="exactly one"):
        ScoreFilter(column="score")
    with pytest.raises(ValidationError, match="exactly one"):
        ScoreFilter(column="score", min_score=0.5, threshold_file=FileRef(uri="x"))
    for score in (float("nan"), float("inf"), 1e39):
        with pytest.raises(ValidationError, match="finite"):
            ScoreFilter(column="score", min_score=score)
