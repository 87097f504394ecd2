"""Losses of spans are those of one sequence at a time, for every budget, head and memory."""

import re

import numpy as np
import pytest

from operators.models.settings import ModelSettings
from operators.models.token_spans import cut_spans
from pipeline.errors import PlanError
from tests.unit.operators.models.tiny_models import (
    CONTEXT,
    ON_CPU,
    VOCABULARY,
    pinned,
    write_tiny_bert,
    write_tiny_llama,
)

torch = pytest.importorskip("torch", reason="the extra `models` is not installed")

from operators.models import transformers_engine  # noqa: E402 -- needs torch
from operators.models.transformers_engine import CausalScorer  # noqa: E402 -- as above

LENGTHS = (5, 0, 1, 63, 64, 30, 7, 200, 2, 129)
WINDOW, STRIDE = CONTEXT, 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_llama(tmp_path_factory.mktemp("llama"))


@pytest.fixture
def scorer(folder):
    return CausalScorer("test", pinned(folder), ON_CPU)


def drawn(lengths=LENGTHS):
    generator = np.random.default_rng(1)
    return [generator.integers(6, VOCABULARY, length).astype(np.uint32) for length in lengths]


def by_hand(scorer, ids, window, stride):
    """The loss of one document, a window at a time, by transformers' own forward."""
    sequence = torch.tensor([[scorer.start_id, *map(int, ids)]])
    total, scored, start = 0.0, 0, 0
    while scored < len(ids):
        piece = sequence[:, start : start + window + 1]
        with torch.inference_mode():
            logits = scorer.model(input_ids=piece[:, :-1]).logits[0].double()
        losses = -torch.log_softmax(logits, -1)[torch.arange(piece.shape[1] - 1), piece[0, 1:]]
        new = start + piece.shape[1] - 1 - scored
        total += float(losses[-new:].sum())
        scored += new
        start += stride
    return total


def losses(scorer, documents, window=WINDOW, stride=STRIDE):
    spans = cut_spans(documents, scorer.start_id, window=window, stride=stride)
    return np.bincount(spans.documents, scorer.nats(spans), minlength=len(documents))


def test_losses_are_those_of_one_document_at_a_time(scorer):
    documents = drawn()
    expected = [by_hand(scorer, ids, WINDOW, STRIDE) for ids in documents]
    found = losses(scorer, documents)
    assert found[1] == 0
    assert np.all(np.abs(found - expected) <= 1e-3 * np.maximum(1, LENGTHS))
    assert np.ptp(found[np.array(LENGTHS) > 1] / np.array(LENGTHS)[np.array(LENGTHS) > 1]) > 0.1, "not all alike"


@pytest.mark.parametrize("batch_tokens", [1, 70, 1000])
def test_the_budget_changes_no_loss(folder, scorer, batch_tokens):
    other = CausalScorer("test", pinned(folder), ModelSettings(device="cpu", batch_tokens=batch_tokens))
    np.testing.assert_allclose(losses(other, drawn()), losses(scorer, drawn()), atol=1e-3)


@pytest.mark.parametrize(("settings", "most"), [(ON_CPU, 1024), (ModelSettings(device="cpu", batch_tokens=1500), 1500)])
def test_batches_are_as_large_as_settings_say_or_a_core_likes(folder, monkeypatch, settings, most):
    scorer, sizes = CausalScorer("test", pinned(folder), settings), []
    forward = scorer._losses
    monkeypatch.setattr(
        scorer, "_losses", lambda spans, batch: (sizes.append(batch.computed_tokens), forward(spans, batch))[1]
    )
    losses(scorer, drawn((CONTEXT,) * 40))
    assert max(sizes) == most // CONTEXT * CONTEXT


def test_logits_are_held_in_parts(scorer, monkeypatch):
    expected = losses(scorer, drawn())
    head, rows = scorer.model.lm_head, []
    head.register_forward_hook(lambda _module, given, _out: rows.append(given[0].shape[0]))
    monkeypatch.setattr(scorer, "_logits_rows", 10)
    np.testing.assert_allclose(losses(scorer, drawn()), expected, atol=1e-3)
    assert max(rows) == 10
    assert sum(rows) == sum(LENGTHS), "padding and context do not go through the head"


def test_a_head_that_does_more_than_a_product_is_seen(folder, tmp_path):
    from transformers import Gemma2Config, Gemma2ForCausalLM  # noqa: PLC0415 -- the extra `models`

    torch.manual_seed(0)
    config = Gemma2Config(
        vocab_size=VOCABULARY, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=8, max_position_embeddings=CONTEXT, bos_token_id=0, initializer_range=0.5,
        final_logit_softcapping=0.5,
    )  # fmt: skip
    Gemma2ForCausalLM(config).save_pretrained(tmp_path)
    capped = CausalScorer("test", pinned(tmp_path), ModelSettings(device="cpu", attention="eager"))
    assert not capped._is_plain
    assert CausalScorer("test", pinned(folder), ON_CPU)._is_plain
    documents = drawn((9, 40))
    expected = [by_hand(capped, ids, WINDOW, STRIDE) for ids in documents]
    np.testing.assert_allclose(losses(capped, documents), expected, rtol=1e-4)


def test_out_of_memory_halves_the_budget_and_goes_on(scorer, monkeypatch):
    expected = losses(scorer, drawn())
    forward, tried = scorer._losses, []

    def small(spans, batch):
        tried.append(batch.computed_tokens)
        if batch.rows.size > 1 and batch.computed_tokens > 100:
            raise torch.OutOfMemoryError
        return forward(spans, batch)

    monkeypatch.setattr(scorer, "_losses", small)
    np.testing.assert_allclose(losses(scorer, drawn()), expected, atol=1e-3)
    failed = sum(size > 100 for size in tried)
    assert failed
    losses(scorer, drawn())
    assert sum(size > 100 for size in tried) == failed, "the smaller budget stays"


def test_what_is_too_large_alone_goes_to_the_caller(scorer, monkeypatch):
    def fails(_spans, _batch):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(scorer, "_losses", fails)
    with pytest.raises(torch.OutOfMemoryError):
        losses(scorer, drawn())


def test_documents_start_with_the_end_token_where_there_is_no_other(tmp_path):
    assert CausalScorer("test", pinned(write_tiny_llama(tmp_path, bos_token_id=None)), ON_CPU).start_id == 1


def test_a_model_without_either_token_is_refused(tmp_path):
    model = pinned(write_tiny_llama(tmp_path, bos_token_id=None, eos_token_id=None))
    with pytest.raises(PlanError, match=r"test: model .*: expected bos_token_id or eos_token_id in its config.json"):
        CausalScorer("test", model, ON_CPU)


def test_a_folder_that_is_no_causal_model_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "t5"}')
    with pytest.raises(PlanError, match=r"test: model .*: expected a folder that AutoModelForCausalLM of transformers"):
        CausalScorer("test", pinned(tmp_path), ON_CPU)


def test_code_that_comes_with_a_model_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(
        '{"model_type": "novel", "auto_map": {"AutoConfig": "mine.Config", "AutoModelForCausalLM": "mine.Model"}}'
    )
    (tmp_path / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    with pytest.raises(PlanError, match=re.escape("brings no code of its own")):
        CausalScorer("test", pinned(tmp_path), ON_CPU)
    assert not (tmp_path / "ran").exists()


def test_weights_are_kept_in_the_type_asked_for(folder):
    narrow = CausalScorer("test", pinned(folder), ModelSettings(device="cpu", dtype="bfloat16"))
    assert narrow.model.dtype == torch.bfloat16
    assert narrow._is_plain


def test_a_classifier_loads_too(tmp_path):
    from transformers import AutoModelForSequenceClassification  # noqa: PLC0415 -- the extra `models`

    kind = AutoModelForSequenceClassification
    model = transformers_engine.load_model("test", kind, pinned(write_tiny_bert(tmp_path, num_labels=3)), ON_CPU)
    assert model.config.num_labels == 3
    assert not model.training
