"""A model sees a packed row as it sees each of its documents alone: per-token losses and gradients."""

import numpy as np
import pyarrow as pa
import pytest

from operators.pack.best_fit import BestFit
from operators.pack.token_buffer import REQUIRED
from tests.unit.operators.models.tiny_models import VOCABULARY, write_tiny_llama
from tests.unit.operators.pack.packed import packed

torch = pytest.importorskip("torch", reason="the extra `models` is not installed")

LENGTHS = (1, 5, 12, 20, 31, 32, 7, 3, 2, 70)
WINDOW = 32
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    from transformers import LlamaForCausalLM  # noqa: PLC0415 -- needs torch

    torch.set_num_threads(1)
    folder = write_tiny_llama(tmp_path_factory.mktemp("llama"))
    return LlamaForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()


@pytest.fixture(scope="module")
def rows():
    """Packed documents of random tokens, one of them longer than a row: its pieces are as documents."""
    generator = np.random.default_rng(3)
    tokens = [generator.integers(6, VOCABULARY, length).tolist() for length in LENGTHS]
    ids = [bytes([number]) * 16 for number in range(len(LENGTHS))]
    batch = pa.RecordBatch.from_arrays(
        [pa.array(ids, REQUIRED[0].type), pa.array(tokens, REQUIRED[1].type), pa.array(LENGTHS, pa.int64())],
        schema=pa.schema(list(REQUIRED)),
    )
    return packed(BestFit(window=WINDOW), batch).to_pylist()


def token_losses(model, ids, position_ids, visible):
    """The loss of every token but the first, given those that `visible` lets it see."""
    mask = torch.zeros(visible.shape).masked_fill(~visible, torch.finfo(torch.float32).min)
    logits = model(
        input_ids=torch.tensor([ids]), position_ids=torch.tensor([position_ids]), attention_mask=mask[None, None]
    ).logits[0]
    return torch.nn.functional.cross_entropy(logits[:-1], torch.tensor(ids[1:], dtype=torch.long), reduction="none")


def causal(length):
    return torch.ones(length, length, dtype=torch.bool).tril()


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return [parameter.grad.clone() for parameter in model.parameters()]


def packed_losses(model, row, *, sees_segments):
    """Losses of the tokens that the row's mask names."""
    segments = torch.tensor(row["segment_ids"])
    visible = causal(WINDOW)
    if sees_segments:
        visible = visible & (segments[:, None] == segments[None, :])
    losses = token_losses(model, row["input_ids"], row["position_ids"], visible)
    return losses[torch.tensor(row["loss_mask"][1:], dtype=torch.bool)]


def losses_alone(model, row):
    """Losses of each document of the row by itself, one after another."""
    ids, segments = np.array(row["input_ids"]), np.array(row["segment_ids"])
    found = []
    for segment in range(1, segments.max() + 1):
        own = ids[segments == segment].tolist()
        found.append(token_losses(model, own, list(range(len(own))), causal(len(own))))
    return torch.cat(found)


def farthest(left, right):
    return max(float((one - other).detach().abs().max()) for one, other in zip(left, right, strict=True))


def test_rows_hold_several_documents_and_padding(rows):
    assert max(max(row["segment_ids"]) for row in rows) > 1
    assert any(0 in row["segment_ids"] for row in rows)
    assert sum(row["num_continued"] for row in rows) == 2


def test_losses_and_gradients_are_those_of_each_document_alone(model, rows):
    for row in rows:
        together, alone = packed_losses(model, row, sees_segments=True), losses_alone(model, row)
        assert together.shape == alone.shape, "the mask names the tokens that documents alone score"
        if len(alone):
            assert farthest([together], [alone]) < TOLERANCE
            assert farthest(gradients(model, together.sum()), gradients(model, alone.sum())) < TOLERANCE


def test_a_model_that_ignores_segments_sees_other_documents(model, rows):
    differences = [
        (
            farthest([packed_losses(model, row, sees_segments=False)], [losses_alone(model, row)]),
            farthest(
                gradients(model, packed_losses(model, row, sees_segments=False).sum()),
                gradients(model, losses_alone(model, row).sum()),
            ),
        )
        for row in rows
        if max(row["segment_ids"]) > 1
    ]
    assert min(loss for loss, _ in differences) > TOLERANCE
    assert min(gradient for _, gradient in differences) > TOLERANCE
