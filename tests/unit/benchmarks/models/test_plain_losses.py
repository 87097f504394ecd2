"""The loop that losses are compared with, beside each token by itself."""

import pytest

from tests.unit.operators.models.tiny_models import START, write_tiny_llama

torch = pytest.importorskip("torch")
plain_losses = pytest.importorskip("benchmarks.models.plain_losses")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return plain_losses.PlainLosses(write_tiny_llama(tmp_path_factory.mktemp("llama")))


def token_by_token(model, ids, contexts):
    """Minus the log of the probability of each token behind so many tokens before it, the first of all included."""
    sequence = [0, *ids]
    total = 0.0
    with torch.inference_mode():
        for place, context in enumerate(contexts):
            shown = sequence[place + 1 - context : place + 1]
            logits = model(input_ids=torch.tensor([shown])).logits[0, -1].double()
            total += float(logits.logsumexp(0) - logits[sequence[place + 1]])
    return total


# With windows of 4 that begin 2 tokens apart, the second of each pair of new tokens sees 4, the first 3.
@pytest.mark.parametrize(
    ("window", "stride", "contexts"),
    [(8, 8, [1, 2, 3, 4, 5, 6, 7]), (4, 2, [1, 2, 3, 4, 3, 4, 3]), (3, 3, [1, 2, 3, 1, 2, 3, 1])],
)
def test_every_token_counts_once_with_the_context_of_its_window(plain, window, stride, contexts):
    ids = plain.ids("seven b")
    found = plain.nats(ids, window=window, stride=stride)
    assert found == pytest.approx(token_by_token(plain._model, ids, contexts), rel=1e-5)


def test_an_empty_document_has_no_loss(plain):
    assert plain.nats([], window=4, stride=4) == 0


def test_special_tokens_that_a_text_writes_out_are_text(plain):
    assert len(plain.ids(START)) == len(START)
