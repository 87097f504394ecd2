"""Losses of documents as columns: what they are of, and what they are without a text."""

import math

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.models import language_model_loss
from operators.models.language_model_loss import LanguageModelLoss, loss_columns, loss_schema
from operators.models.settings import ModelSettings
from pipeline.document import TEXT_TYPE
from pipeline.errors import PlanError
from pipeline.execution.row_pass import open_alone
from pipeline.folder_ref import FolderRef
from pipeline.operator import Determinism, Resources
from tests.unit.operators.models.tiny_models import CONTEXT, ON_CPU, SPECIAL, pinned, write_tiny_llama

UNREAD = FolderRef(uri="model", path="model", digest="0")


def batch_of(texts):
    return pa.RecordBatch.from_arrays([pa.array(texts, TEXT_TYPE)], names=["text"])


class ByteScorer:
    """Gives the token of a byte b a loss of (b % 8) / 8 nats, whatever stands before it."""

    context = 8
    start_id = 0

    def nats(self, spans):
        losses = (spans.ids.astype(np.int64) - len(SPECIAL)) % 8 / 8
        return np.array([losses[first:end].sum() for first, end in zip(spans.firsts, spans.ends, strict=True)])


@pytest.fixture
def opened(monkeypatch, tmp_path):
    from tests.unit.operators.models.tiny_models import byte_tokenizer  # noqa: PLC0415 -- beside its only use

    byte_tokenizer().save(str(tmp_path / "tokenizer.json"))
    monkeypatch.setattr(language_model_loss, "load_loss_scorer", lambda *_: ByteScorer())
    return lambda **fields: open_alone(LanguageModelLoss(model=pinned(tmp_path), **fields))


def test_the_columns_are_sums_counts_and_rates(opened):
    texts = ["a", "", "é" * 9, None, "</s>"]
    found = opened()(batch_of(texts)).to_pydict()
    assert list(found) == loss_schema("loss").names
    assert found["loss_tokens"] == found["loss_bytes"] == [1, 0, 18, 0, 4]
    assert found["loss_characters"] == [1, 0, 9, 0, 4]
    assert found["loss_nats"][1] == found["loss_nats"][3] == 0
    assert found["loss_bits_per_character"][1] is found["loss_bits_per_byte"][3] is None
    nats = found["loss_nats"][2]
    assert nats > 0
    assert found["loss_bits_per_character"][2] == pytest.approx(nats / 9 / math.log(2), abs=1e-4)
    assert found["loss_bits_per_byte"][2] == pytest.approx(nats / 18 / math.log(2), abs=1e-4)


@pytest.mark.parametrize("fields", [{}, {"window": 5}, {"window": 5, "stride": 1}, {"window": 8, "stride": 8}])
def test_windows_of_a_model_without_context_change_nothing(opened, fields):
    texts = ["The committee met to discuss the plan.", "short", "exactly8"]
    assert opened(**fields)(batch_of(texts)) == opened()(batch_of(texts))


def test_a_window_that_the_model_cannot_see_is_refused(opened):
    with pytest.raises(PlanError, match=r"language_model_loss: window: expected at most 8, what the model .*; found 9"):
        opened(window=9)


def test_columns_carry_the_prefix():
    assert LanguageModelLoss(model=UNREAD, prefix="small").adds().names[:2] == ["small_nats", "small_tokens"]


def test_what_is_stored_is_rounded_and_rates_follow_from_it():
    columns = loss_columns("x", pa.array(["ab"], TEXT_TYPE), np.array([1.23456]), np.array([2]))
    assert columns["x_nats"].to_pylist() == [1.235]
    assert columns["x_bits_per_byte"].to_pylist() == [np.float32(round(1.235 / 2 / math.log(2), 4))]


def test_a_loss_that_is_no_number_fails():
    with pytest.raises(ValueError, match="expected losses that are numbers"):
        loss_columns("x", pa.array(["a"], TEXT_TYPE), np.array([math.nan]), np.array([1]))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"stride": 4}, "stride: expected a window beside it"),
        ({"window": 4, "stride": 5}, "stride: expected at most 4, the window; found 5"),
        ({"settings": {"engine": "vllm"}}, "settings.engine: expected transformers"),
        ({"prefix": "A b"}, "prefix"),
    ],
)
def test_settings_that_do_not_fit_are_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        LanguageModelLoss(model=UNREAD, **fields)


def test_it_declares_what_runs_it():
    operator = LanguageModelLoss(model=UNREAD, settings=ModelSettings(device="cuda"))
    assert operator.resources == Resources(num_gpus=1)
    assert operator.determinism is Determinism.HARDWARE
    assert operator.window_rows


def test_a_model_scores_text(tmp_path):
    pytest.importorskip("torch", reason="the extra `models` is not installed")
    model = pinned(write_tiny_llama(tmp_path))
    call = open_alone(LanguageModelLoss(model=model, settings=ON_CPU, window=CONTEXT // 2))
    texts = ["The committee met. " * 9, "", "x", "The committee met. " * 9]
    whole = call(batch_of(texts))
    alone = pa.Table.from_batches([call(batch_of([text])) for text in texts])
    nats, tokens = whole["loss_nats"].to_numpy(), whole["loss_tokens"].to_numpy()
    assert tokens.tolist() == [171, 0, 1, 171]
    np.testing.assert_allclose(nats, alone["loss_nats"].to_numpy(), atol=1e-3 * 171)
    assert nats[0] == nats[3]
    assert nats[0] > 171
