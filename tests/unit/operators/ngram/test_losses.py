"""The losses of all orders, against dictionaries, and as the probabilities that they must be."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.ngram.losses import document_losses
from operators.ngram.model_file import read_model
from operators.ngram.token_lists import token_lists
from tests.unit.operators.ngram.corpora import VOCAB, Corpus, PlainModel, token_column, train

DOCUMENTS = st.lists(st.lists(st.integers(0, VOCAB - 1), max_size=12), min_size=1, max_size=8)
CORPUS: Corpus = [[1, 2, 3, 1, 2, 4], [1, 2], [], [5], [2, 3, 1, 2, 3, 1]]


def losses(path: Path, corpus: Corpus) -> np.ndarray:
    return document_losses(token_lists(token_column(corpus)), read_model(path)[1])


@settings(deadline=None, max_examples=60)
@given(corpus=DOCUMENTS.filter(any), others=DOCUMENTS, order=st.integers(1, 5))
def test_dictionaries_say_the_same(
    tmp_path_factory: pytest.TempPathFactory, corpus: Corpus, others: Corpus, order: int
) -> None:
    found = losses(train(tmp_path_factory.mktemp("model"), corpus, order=order), others)
    assert found.shape == (len(others), order)
    for k in range(order):
        model = PlainModel(corpus, k + 1)
        assert found[:, k] == pytest.approx([model.nats(document, k + 1) for document in others], rel=1e-12, abs=1e-12)


def test_probabilities_of_what_may_follow_add_up_to_one(tmp_path: Path) -> None:
    path = train(tmp_path, CORPUS)
    for context in ([], [1], [1, 2], [2, 3, 1, 2], [6, 6], [4, 1, 2]):
        rows = losses(path, [[*context, number] for number in range(VOCAB)] + [context])
        assert np.exp(rows[-1] - rows[:-1]).sum(axis=0) == pytest.approx(np.ones(5))


def test_a_lower_order_is_the_model_that_is_trained_alone(tmp_path_factory: pytest.TempPathFactory) -> None:
    whole = losses(train(tmp_path_factory.mktemp("whole"), CORPUS), CORPUS)
    for order in range(1, 5):
        alone = losses(train(tmp_path_factory.mktemp("alone"), CORPUS, order=order), CORPUS)
        assert (alone == whole[:, :order]).all()


def test_a_document_begins_without_context(tmp_path: Path) -> None:
    path = train(tmp_path, CORPUS)
    both, ends, begins = (losses(path, [part]) for part in ([2, 3, 1, 4], [2, 3], [1, 4]))
    assert both[:, 0] == pytest.approx(ends[:, 0] + begins[:, 0])
    assert both[0, 1] != ends[0, 1] + begins[0, 1]
    assert losses(path, [[2, 3], [1, 4]]).tolist() == [*ends.tolist(), *begins.tolist()]


def test_ids_that_were_never_seen_share_what_is_left(tmp_path: Path) -> None:
    never = losses(train(tmp_path, [[1, 1, 2]], order=1, size=4), [[0], [3], [1]])[:, 0]
    assert never[0] == never[1] > never[2]
    assert np.exp(-never[0]) == pytest.approx(0.4 * 2 / 3 / 4), "one id occurs once, one twice: (1 + 1) / (1 + 2 + 2)"
    assert math.isfinite(never[0])
