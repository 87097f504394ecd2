"""Bits per byte: sums that no cutting changes, and a ladder that must fall."""

import math
from pathlib import Path

import pyarrow as pa
import pytest

from operators.preselect.loss_ladder import LossLadder
from pipeline.errors import OperatorError
from tests.unit.operators.preselect.views import View, file_of

NATS = {"low": [3.1, 2.0, None, 0.1, 5.0], "high": [2.0, 1.5, 1.0, 0.2, float("nan")]}
BYTES = [10, 4, 7, 1, 9]
LADDER = LossLadder(losses=("low", "high"), bytes_column="num_bytes")


def view(batch_rows: int = 1000, **nats: list[float | None]) -> View:
    return View(
        {
            **{name: pa.array(values, pa.float64()) for name, values in (nats or NATS).items()},
            "num_bytes": pa.array(BYTES, pa.int64()),
            "source": pa.array(["a", "b", "a", "b", "a"], pa.string()),
        },
        batch_rows,
    )


def test_the_file(tmp_path: Path) -> None:
    def bits(nats: float, num_bytes: int) -> float:
        return round(nats / math.log(2) / num_bytes, 6)

    assert file_of(LADDER, view(), tmp_path) == {
        "bits_per_byte": {"low": bits(5.2, 15), "high": bits(3.7, 15)},
        "num_bytes": 15,
        "num_documents": 3,
        "sources": {
            "a": {"low": bits(3.1, 10), "high": bits(2.0, 10)},
            "b": {"low": bits(2.1, 5), "high": bits(1.7, 5)},
        },
    }


def test_batches_change_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    whole, cut = (file_of(LADDER, view(rows), tmp_path_factory.mktemp("ladder")) for rows in (1000, 1))
    assert whole == cut


def test_a_ladder_that_does_not_fall_is_refused_unless_asked(tmp_path: Path) -> None:
    level = view(low=[1.0] * 5, high=[1.0] * 5)
    with pytest.raises(OperatorError, match="expected bits per byte that fall"):
        file_of(LADDER, level, tmp_path)
    found = file_of(LADDER.model_copy(update={"must_fall": False}), level, tmp_path)
    assert found["bits_per_byte"]["low"] == found["bits_per_byte"]["high"]


def test_no_document_with_all_losses_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="found none"):
        file_of(LADDER, view(low=[None] * 5, high=[1.0] * 5), tmp_path)
