"""Equation 1, against the values of the released loop."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.preselect.predictive_strength import PredictiveStrength

ORACLE = Path(__file__).parents[5] / "shared/vectors/preselect_strength_oracle.jsonl"


def strengths(*rows: list[float | None], abilities: tuple[float, ...] | None = None) -> list[float | None]:
    names = tuple(f"model_{place}" for place in range(len(rows[0])))
    operator = PredictiveStrength(losses=names, abilities=abilities)
    columns = [pa.array(column, pa.float64()) for column in zip(*rows, strict=True)]
    found = operator.open()(pa.record_batch(columns, schema=operator.requires()))
    assert found.schema == operator.adds()
    return found.column(0).to_pylist()


def oracle() -> list[dict[str, object]]:
    return [json.loads(line) for line in ORACLE.read_text().splitlines()] if ORACLE.is_file() else []


@pytest.mark.skipif(not ORACLE.is_file(), reason="../shared/vectors is absent")
def test_agrees_with_the_released_loop() -> None:
    cases = oracle()
    assert len(cases) > 30
    for case in cases:
        assert case["benchmark"] == sorted(case["benchmark"])
        found = strengths(case["loss"], abilities=tuple(case["benchmark"]))
        assert found == [np.float32(case["concordant_pairs"] / case["pairs"])], case["name"]
        assert found == pytest.approx([case["S"]], abs=1e-6), case["name"]


def test_pairs_in_falling_order() -> None:
    falling = [6.0, 5.5, 5.0, 4.5, 3.5, 4.0]
    assert strengths(falling, [1.0] * 6, falling[::-1]) == [np.float32(14 / 15), 0.0, np.float32(1 / 15)]


def test_equally_able_models_earn_nothing() -> None:
    assert strengths([3.0, 2.0, 1.0], abilities=(1.0, 2.0, 2.0)) == [np.float32(2 / 3)]


def test_documents_that_lack_a_loss_have_no_strength() -> None:
    assert strengths([None, 1.0], [2.0, None], [float("nan"), 1.0], [float("inf"), 1.0], [2.0, 1.0]) == [
        *([None] * 4),
        1.0,
    ]


def test_what_is_refused() -> None:
    with pytest.raises(ValidationError, match="distinct columns"):
        PredictiveStrength(losses=("a", "a"))
    for abilities in ((2.0, 1.0), (1.0,)):
        with pytest.raises(ValidationError, match="expected 2 numbers, the lowest first"):
            PredictiveStrength(losses=("a", "b"), abilities=abilities)
