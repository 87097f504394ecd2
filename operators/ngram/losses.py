"""What a model gives to each token after those before it: interpolated Kneser-Ney, for every order at once.

With h a context of k - 1 ids, h' the same without its first, c counts, T(h) the number of different ids that follow h,
and D a discount of order k:

    p_k(w | h) = (max(c(hw) - D, 0) + D T(h) q_{k-1}(w | h')) / c(h .),    q_0(w) = 1 / vocabulary

q_k is the same with other counts: of the different ids that stand before hw, instead of how often it occurs, and with a
discount of its own. A context h that was never seen leaves q_{k-1}(w | h'); at the begin of a document, where there are
fewer than k - 1 ids, p_k is the probability of the order that they are enough for. Letters are: D documents, N the
order.
"""

import math

import numpy as np
import numpy.typing as npt

from operators.ngram.token_lists import Ids, TokenLists
from operators.ngram.trie import NO_NODE, NgramModel, find_child
from pipeline.kernel import Offsets, inline_kernel, kernel

Nats = npt.NDArray[np.float64]
Nodes = npt.NDArray[np.uint64]


def document_losses(tokens: TokenLists, model: NgramModel) -> Nats:
    """(D, N): the nats of each document's tokens under the models of order 1 to N."""
    nats = np.zeros((len(tokens.offsets) - 1, len(model.discounts)), np.float64)
    contexts = np.zeros(len(model.discounts), np.uint64)
    _fill_losses(tokens.ids, tokens.offsets, model, contexts, nats)
    return nats


@kernel
def _fill_losses(ids: Ids, offsets: Offsets, model: NgramModel, contexts: Nodes, nats: Nats) -> None:
    """`contexts`, (N,), is memory: the nodes of the last 0, 1, ... N - 1 ids."""
    for d in range(offsets.shape[0] - 1):
        document = np.uintp(d)
        contexts[:] = NO_NODE
        contexts[np.uintp(0)] = np.uint64(0)
        begin = np.uintp(offsets[document])
        for i in range(begin, np.uintp(offsets[document + np.uintp(1)])):
            place = np.uintp(i)
            _add_losses(ids[place], place - begin, model, contexts, nats[document])


@inline_kernel
def _add_losses(number: np.uint32, num_before: np.uintp, model: NgramModel, contexts: Nodes, nats: Nats) -> None:
    """Adds the loss of one id, which `num_before` ids precede, under every order, and moves the contexts on."""
    lower = 1.0 / float(model.vocab_size)
    probability = lower
    entering = np.uint64(0)
    for k in range(contexts.shape[0]):
        length = np.uintp(k)
        node = contexts[length]
        contexts[length] = entering
        entering = NO_NODE
        if node != NO_NODE and model.totals[np.uintp(node)] > np.uint64(0):
            entering = find_child(number, node, model.ids, model.begins)
            place = np.uintp(node)
            num_children = float(model.begins[place + np.uintp(1)] - model.begins[place])
            count = float(model.counts[np.uintp(entering)]) if entering != NO_NODE else 0.0
            probability = _interpolated(count, float(model.totals[place]), num_children, model.discounts[length], lower)
            if length + np.uintp(1) < np.uintp(contexts.shape[0]):
                count = float(model.left_counts[np.uintp(entering)]) if entering != NO_NODE else 0.0
                total = float(model.left_totals[place])
                lower = _interpolated(count, total, num_children, model.left_discounts[length], lower)
        elif length <= num_before:
            probability = lower
        nats[length] -= math.log(probability)


@inline_kernel
def _interpolated(count: float, total: float, num_children: float, discount: float, lower: float) -> float:
    """A discounted share of `total`, with its part of the probability that is left to the next lower order."""
    return (max(count - discount, 0.0) + discount * num_children * lower) / total
