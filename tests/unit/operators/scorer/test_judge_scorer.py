"""Cards: held-out documents alone count, and how rows lie in shards changes no byte."""

import json

import numpy as np
import pyarrow as pa
import pytest
import xxhash

from operators.scorer.judge_scorer import JudgeScorer
from pipeline.errors import OperatorError
from pipeline.operator import FileRef, TaskInputs
from tests.unit.operators.select.pools import Pool, cut_at

HELD_OUT = 40


def pool(labels=("positive", "negative")):
    """Every other row is positive; the first HELD_OUT are held out, the scores of the rest would tell nothing."""
    label = [labels[row % 2] for row in range(100)] + [None]
    training = [None] * HELD_OUT + label[HELD_OUT:]
    scores = [(0.9 if row % 2 == 0 else 0.2) if row < HELD_OUT else 0.5 for row in range(100)] + [1.0]
    scores[5] = None
    return pa.record_batch(
        {
            "doc_id": pa.array([xxhash.xxh3_128_digest(str(row).encode()) for row in range(101)], pa.binary(16)),
            "label": pa.array(label, pa.large_string()),
            "training_label": pa.array(training, pa.large_string()),
            "score": pa.array(scores, pa.float32()),
            "rating": pa.array(scores, pa.float64()),
        }
    )


def judge(folder, *batches, **fields):
    folder.mkdir()
    (folder / "model.bin").write_text("a model")
    model = FileRef(uri="model.bin").pin(folder / "model.bin")
    out = folder / "out"
    out.mkdir()
    operator = JudgeScorer(model=model, score="score", **fields)
    assert list(operator.open()(TaskInputs(rows=Pool(*batches), tables={}, base_rows=(), directory=out))) == []
    return {path.name: path.read_text() for path in out.iterdir()}, model


def test_held_out_documents_alone_count(tmp_path):
    files, model = judge(tmp_path / "a", pool(), reference={"column": "rating", "type": "float64"}, top_shares=(0.5,))
    card = json.loads(files["card.json"])
    assert card["model"] == {"file": "model.bin", "content": model.digest}
    assert card["training"] == {"num_positive": 30, "num_negative": 30}
    assert card["held_out"] == {"num_positive": 20, "num_negative": 19, "num_unscored": 1}
    assert card["area_under_curve"] == 1.0
    assert card["calibration_error"] == pytest.approx((20 * 0.1 + 19 * 0.2) / 39, abs=1e-5)
    assert card["top"] == [{"share": 0.5, "positive_fraction": 1.0, "overlap": 1.0}]
    assert "| 0.5 | 1 | 1 |" in files["card.md"]
    assert model.digest in files["card.md"]


def test_how_rows_lie_changes_no_byte(tmp_path):
    batch = pool()
    once, _ = judge(tmp_path / "a", batch)
    turned = batch.take(pa.array(np.arange(batch.num_rows)[::-1]))
    again, _ = judge(tmp_path / "b", *cut_at(turned, 10, 10, 70))
    assert once == again


def test_one_class_alone_cannot_be_judged(tmp_path):
    with pytest.raises(OperatorError, match="of both classes with a finite 'score'; found 39 documents"):
        judge(tmp_path / "a", pool(labels=("positive", "positive")))
