"""Encoders beside transformers itself: each sequence alone, without padding, must give the same numbers."""

import numpy as np
import pytest

from operators.models.settings import ModelSettings
from pipeline.errors import PlanError
from tests.unit.operators.models.tiny_models import CONTEXT, ON_CPU, SPECIAL, VOCABULARY, pinned, write_tiny_bert

torch = pytest.importorskip("torch", reason="needs the extra models")
pytest.importorskip("transformers", reason="needs the extra models")

from transformers import AutoModel, AutoModelForSequenceClassification, BertConfig, BertModel  # noqa: E402

from operators.models.transformers_encoder import PooledStates, SequenceLogits  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_bert(tmp_path_factory.mktemp("bert"), num_labels=3)


@pytest.fixture(scope="module")
def sequences():
    random = np.random.default_rng(5)
    return [
        random.integers(len(SPECIAL), VOCABULARY, length).astype(np.uint32) for length in (3, CONTEXT, 1, 17, 17, 40, 2)
    ]


def alone(model, sequences, number):
    """`number` of the model's output for each sequence, one at a time."""
    with torch.inference_mode():
        outputs = [model(input_ids=torch.tensor([ids.astype(np.int64).tolist()])) for ids in sequences]
        return np.array([number(output) for output in outputs])


@pytest.mark.parametrize("batch_tokens", [None, 1, 70])
def test_logits_are_those_of_each_sequence_alone(folder, sequences, batch_tokens):
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    expected = alone(model, sequences, lambda output: output.logits[0].numpy())
    found = SequenceLogits("op", pinned(folder), ModelSettings(device="cpu", batch_tokens=batch_tokens))
    assert (found.width, found.labels, found.is_multi_label) == (3, ("LABEL_0", "LABEL_1", "LABEL_2"), False)
    np.testing.assert_allclose(found.compute(sequences), expected, atol=1e-5)
    assert found.compute([]).shape == (0, 3)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("normalize", [True, False])
def test_states_are_pooled_over_a_sequence_and_no_padding(folder, sequences, pooling, normalize):
    def number(output):
        states = output.last_hidden_state[0].numpy()
        pooled = states.mean(axis=0) if pooling == "mean" else states[0]
        return pooled / np.linalg.norm(pooled) if normalize else pooled

    expected = alone(AutoModel.from_pretrained(folder).eval(), sequences, number)
    found = PooledStates("op", pinned(folder), ON_CPU, pooling=pooling, normalize=normalize)
    assert found.width == 16
    np.testing.assert_allclose(found.compute(sequences), expected, atol=1e-5)


def test_labels_that_are_decided_by_themselves_are_known(tmp_path):
    folder = write_tiny_bert(tmp_path, num_labels=2, problem_type="multi_label_classification")
    assert SequenceLogits("op", pinned(folder), ON_CPU).is_multi_label


def test_a_model_without_a_trained_head_is_refused(tmp_path):
    BertModel(BertConfig(vocab_size=8, hidden_size=4, num_hidden_layers=1, num_attention_heads=1)).save_pretrained(
        tmp_path
    )
    with pytest.raises(
        PlanError, match=r"expected architectures .* 'ForSequenceClassification'; found \['BertModel'\]"
    ):
        SequenceLogits("op", pinned(tmp_path), ON_CPU)


def test_a_batch_that_does_not_fit_into_memory_is_halved(folder, sequences, monkeypatch):
    encoder = SequenceLogits("op", pinned(folder), ON_CPU)
    expected = encoder.compute(sequences)
    numbers = encoder._numbers

    def small(ids, mask):
        if ids.numel() > 80:
            raise torch.OutOfMemoryError
        return numbers(ids, mask)

    monkeypatch.setattr(encoder, "_numbers", small)
    np.testing.assert_allclose(encoder.compute(sequences), expected, atol=1e-5)
