"""Runs of one length."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from operators.formats.token_runs import runs
from operators.formats.tokens import chunk_of
from tests.unit.operators.formats.streams import store

LENGTHS = st.lists(st.integers(0, 9), max_size=12)


def chunks(lengths, cut):
    """Documents whose tokens count up from 0, `cut` of them at a time."""
    bounds = np.cumsum([0, *lengths]).tolist()
    batch = store([list(range(begin, end)) for begin, end in itertools.pairwise(bounds)])
    return [chunk_of(batch.slice(begin, cut)) for begin in range(0, len(lengths), cut)]


@given(lengths=LENGTHS, cut=st.integers(1, 12), num_tokens=st.integers(1, 20))
def test_runs_are_the_stream_cut_at_even_places_and_at_the_ends_of_documents(lengths, cut, num_tokens):
    ends = set(np.cumsum(lengths).tolist())
    at = 0
    sizes = []
    for run in runs(chunks(lengths, cut), num_tokens):
        assert run.tokens.tolist() == list(range(at, at + len(run.tokens)))
        assert (run.lengths > 0).all()
        inner = (at + np.cumsum(run.lengths)).tolist()
        at += len(run.tokens)
        assert inner[-1] == at
        assert set(inner[:-1]) <= ends
        assert {end for end in ends if at - len(run.tokens) < end < at} == set(inner[:-1])
        sizes.append(len(run.tokens))
    assert at == sum(lengths)
    assert all(size == num_tokens for size in sizes[:-1])
    assert all(0 < size <= num_tokens for size in sizes)
