"""Batches hold every row once, within the budget, and waste little; running out of memory loses no row."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.models.token_batches import TokenBatch, compute_batches, efficiency, plan_batches

LENGTHS = st.lists(st.integers(0, 50), max_size=40).map(lambda drawn: np.array(drawn, np.int64))
BUDGETS = st.integers(1, 200)


class FullError(Exception):
    """Stands for a device without memory."""


@given(lengths=LENGTHS, max_tokens=BUDGETS)
def test_every_row_with_tokens_is_in_one_batch_within_the_budget(lengths, max_tokens):
    batches = plan_batches(lengths, max_tokens)
    placed = [row for batch in batches for row in batch.rows.tolist()]
    assert sorted(placed) == np.flatnonzero(lengths).tolist()
    widths = [batch.width for batch in batches]
    assert widths == sorted(widths, reverse=True)
    for batch in batches:
        assert batch.width == lengths[batch.rows].max()
        assert batch.rows.size == 1 or batch.computed_tokens <= max_tokens
    for one, following in pairwise(batches):
        assert (one.rows.size + 1) * one.width > max_tokens, "no batch could have held one more"
        assert lengths[one.rows].min() >= following.width


def test_rows_of_equal_length_keep_the_order_of_the_window():
    assert [batch.rows.tolist() for batch in plan_batches(np.array([2, 3, 2, 2, 0]), 4)] == [[1], [0, 2], [3]]


def test_efficiency_is_the_share_of_useful_tokens():
    batches = plan_batches(np.array([4, 2]), 8)
    assert efficiency(np.array([4, 2]), batches) == pytest.approx(6 / 8)
    assert efficiency(np.array([0]), ()) == 1


def test_nine_of_ten_computed_tokens_are_useful_on_lengths_like_the_webs():
    """Lengths of web documents are about log-normal; these have a median of 400 tokens."""
    lengths = np.minimum(np.random.default_rng(0).lognormal(6.0, 1.1, 1024).astype(np.int64) + 1, 2048)
    for max_tokens in (4096, 16_384, 32_768):
        assert efficiency(lengths, plan_batches(lengths, max_tokens)) >= 0.9, max_tokens


@given(lengths=LENGTHS, max_tokens=BUDGETS, memory=st.integers(1, 200))
def test_every_row_is_computed_once_whatever_memory_there_is(lengths, max_tokens, memory):
    done = []

    def compute(batch: TokenBatch) -> None:
        if batch.rows.size > 1 and batch.computed_tokens > memory:
            raise FullError
        assert batch.width == lengths[batch.rows].max()
        done.extend(batch.rows.tolist())

    budget = compute_batches(lengths, max_tokens, compute, FullError)
    assert sorted(done) == np.flatnonzero(lengths).tolist()
    assert budget <= max_tokens


def test_the_budget_is_halved_from_what_failed():
    tried = []

    def compute(batch: TokenBatch) -> None:
        tried.append(batch.computed_tokens)
        if batch.computed_tokens > 30:
            raise FullError

    assert compute_batches(np.full(10, 10), 1000, compute, FullError) == 25
    assert tried == [100, 50, 20, 20, 20, 20, 20]


def test_a_row_that_does_not_fit_alone_is_the_callers():
    def compute(_batch: TokenBatch) -> None:
        raise FullError

    with pytest.raises(FullError):
        compute_batches(np.array([3, 2]), 100, compute, FullError)
