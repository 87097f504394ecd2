"""The nodes of sorted windows: the n-grams of each order."""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.ngram.counting import count_levels
from operators.ngram.token_lists import token_lists
from operators.ngram.windows import packing_for, sorted_windows, windows_of
from tests.unit.operators.ngram.corpora import VOCAB, Corpus, token_column


@settings(deadline=None, max_examples=60)
@given(
    corpus=st.lists(st.lists(st.integers(0, VOCAB - 1), max_size=10), max_size=5),
    order=st.integers(1, 5),
    vocab_size=st.sampled_from([VOCAB, 1 << 22]),
)
def test_levels_hold_every_ngram_once(corpus: Corpus, order: int, vocab_size: int) -> None:
    packing = packing_for(order, vocab_size)
    levels = count_levels(sorted_windows(windows_of(token_lists(token_column(corpus)), packing)), packing)
    assert len(levels) == order
    for k, level in enumerate(levels, 1):
        counts = Counter(tuple(d[i : i + k]) for d in corpus for i in range(len(d) - k + 1))
        grams = sorted(counts)
        longer = [d[i : i + k + 1] for d in corpus for i in range(len(d) - k)] if k < order else []
        assert level.ids.tolist() == [gram[-1] for gram in grams]
        assert level.counts.tolist() == [counts[gram] for gram in grams]
        follows = [[gram[-1] for gram in longer if tuple(gram[:-1]) == one] for one in grams]
        assert level.totals.tolist() == [len(found) for found in follows]
        assert level.num_children.tolist() == [len(set(found)) for found in follows]


def test_no_windows_have_no_nodes() -> None:
    packing = packing_for(3, VOCAB)
    assert [len(level.ids) for level in count_levels(np.zeros((0, 1), np.uint64), packing)] == [0, 0, 0]
