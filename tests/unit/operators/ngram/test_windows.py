"""Windows sort as their ids do, whatever the size of the vocabulary."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.ngram.token_lists import token_lists
from operators.ngram.windows import packing_for, sorted_windows, windows_of
from tests.unit.operators.ngram.corpora import token_column


def unpacked(window: np.ndarray, order: int, vocab_size: int) -> tuple[int, ...]:
    bits = vocab_size.bit_length()
    per_word = 64 // bits
    words = [int(word) for word in window]
    fields = [
        words[place // per_word] >> (per_word - 1 - place % per_word) * bits & (1 << bits) - 1 for place in range(order)
    ]
    return tuple(field - 1 for field in fields if field)


@pytest.mark.parametrize(
    ("vocab_size", "num_words"), [(7, 1), (4095, 1), (4096, 2), (50_000, 2), (1 << 22, 3), (1 << 31, 3)]
)
@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_windows_are_the_ngrams_that_begin_at_each_token(data: st.DataObject, vocab_size: int, num_words: int) -> None:
    numbers = st.integers(0, vocab_size - 1) | st.sampled_from([0, 1, vocab_size - 1])
    corpus = data.draw(st.lists(st.lists(numbers, max_size=8), max_size=4))
    windows = windows_of(token_lists(token_column(corpus)), packing_for(5, vocab_size))
    assert windows.shape[1] == num_words
    expected = [tuple(document[i : i + 5]) for document in corpus for i in range(len(document))]
    assert [unpacked(window, 5, vocab_size) for window in windows] == expected
    assert [unpacked(window, 5, vocab_size) for window in sorted_windows(windows)] == sorted(expected)
