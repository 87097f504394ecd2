"""A linear classifier trained and applied: order changes nothing, and what is missing is left out."""

import json

import numpy as np
import pyarrow as pa
import pytest
import xxhash

from operators.scorer.linear_score import LinearScore
from operators.scorer.train_linear import LINEAR_FILE, TrainLinear
from pipeline.errors import OperatorError, PlanError
from pipeline.operator import FileRef
from tests.unit.operators.select.pools import cut_at, leave_file


def pool(labels=("positive", "negative")):
    draw = np.random.default_rng(5)
    label = [labels[row % 2] for row in range(60)]
    vectors = [[draw.normal() + (6 if name == "positive" else -6), draw.normal()] for name in label]
    return pa.record_batch(
        {
            "doc_id": pa.array([xxhash.xxh3_128_digest(str(row).encode()) for row in range(62)], pa.binary(16)),
            "training_label": pa.array([*label, None, "positive"], pa.large_string()),
            "embedding": pa.array([*vectors, [9.0, 9.0], None], pa.list_(pa.float32(), 2)),
        }
    )


def test_it_tells_the_classes_apart_however_rows_lie(tmp_path):
    batch = pool()
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    model = leave_file(TrainLinear(dimensions=2), tmp_path / "a", LINEAR_FILE, batch)
    turned = batch.take(pa.array(np.arange(62)[::-1]))
    again = leave_file(TrainLinear(dimensions=2), tmp_path / "b", LINEAR_FILE, *cut_at(turned, 7, 30))
    assert model.digest == again.digest
    found = json.loads((tmp_path / "a" / LINEAR_FILE).read_text())
    assert (found["num_positive"], found["num_negative"]) == (30, 30)
    operator = LinearScore(model=model, dimensions=2)
    scores = operator.open()(batch).column("linear_score").to_pylist()
    assert scores[-1] is None
    assert all((score > 0.5) == (row % 2 == 0) for row, score in enumerate(scores[:60]))
    sliced = operator.open()(batch.slice(3, 5)).column("linear_score").to_pylist()
    assert sliced == scores[3:8]


def test_one_class_alone_is_refused(tmp_path):
    with pytest.raises(OperatorError, match="of both classes; found none that is negative"):
        leave_file(TrainLinear(dimensions=2), tmp_path, LINEAR_FILE, pool(("positive", "positive")))


@pytest.mark.parametrize(
    ("text", "message"), [("{}", "left; found another one"), ('{"weights": [1], "bias": 0}', "2 dimensions; found 1")]
)
def test_another_model_is_refused(tmp_path, text, message):
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(PlanError, match=message):
        LinearScore(model=FileRef(uri="m.json").pin(tmp_path / "m.json"), dimensions=2).open()
