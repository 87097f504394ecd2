"""Scores combined: each way of it, what is missing, and weights that do not fit."""

import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.select.combine_scores import CombineScores

BATCH = pa.record_batch(
    {
        "a": pa.array([1.0, 2.0, None, 4.0, 3e38], pa.float32()),
        "b": pa.array([3, -2, 5, None, 1], pa.int8()),
        "c": pa.array([0.25, 0.75, 1.0, float("nan"), 1e300], pa.float64()),
    }
)
COLUMNS = ("a", {"column": "b", "type": "int8"}, {"column": "c", "type": "float64"})


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [3.0, 2.0]),
        ({"how": "min"}, [0.25, -2.0]),
        ({"how": "sum"}, [4.25, 0.75]),
        ({"how": "mean"}, [4.25 / 3, 0.25]),
        ({"how": "weighted", "weights": (1, 0.5, 2)}, [3.0, 2.5]),
    ],
)
def test_each_way(settings, expected):
    operator = CombineScores(columns=COLUMNS, **settings)
    found = operator.open()(BATCH)
    assert found.schema == operator.adds()
    values = found.column("combined_score").to_pylist()
    assert values[:2] == pa.array(expected, pa.float32()).to_pylist()
    assert values[2:] == [None, None, None]


def test_a_sum_beyond_float32_is_no_score():
    operator = CombineScores(columns=("a",), how="weighted", weights=(10,))
    assert operator.open()(BATCH).column("combined_score").to_pylist() == [10.0, 20.0, None, 40.0, None]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"how": "weighted"}, "weights: expected 3 for 'weighted' of 3 columns; found none"),
        ({"how": "weighted", "weights": (1, 2)}, "weights: expected 3 for 'weighted' of 3 columns; found 2"),
        ({"how": "max", "weights": (1, 2, 3)}, "weights: expected none for 'max' of 3 columns; found 3"),
        ({"how": "weighted", "weights": (1, 2, float("inf"))}, "finite"),
        ({"how": "median"}, "how"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        CombineScores(columns=COLUMNS, **settings)
