"""Spans cover documents: every token is scored once, with all the context that the window allows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.models.token_spans import cut_spans

START = 7
DOCUMENTS = st.lists(st.integers(0, 40), max_size=6).map(
    lambda lengths: [np.arange(length, dtype=np.uint32) + 10 for length in lengths]
)


def pieces(spans):
    """(document, the ids that the model is given, the ids that are scored) of each span."""
    return [
        (int(document), spans.ids[start : end - 1].tolist(), spans.ids[first:end].tolist())
        for document, start, first, end in zip(spans.documents, spans.starts, spans.firsts, spans.ends, strict=True)
    ]


def test_a_short_document_is_one_span_behind_the_start_token():
    assert pieces(cut_spans([np.array([1, 2, 3], np.uint32)], START, window=8, stride=4)) == [
        (0, [START, 1, 2], [1, 2, 3])
    ]


def test_later_spans_repeat_context_and_score_the_rest():
    ids = np.arange(10, 20, dtype=np.uint32)
    assert pieces(cut_spans([ids], START, window=4, stride=3)) == [
        (0, [START, 10, 11, 12], [10, 11, 12, 13]),
        (0, [12, 13, 14, 15], [14, 15, 16]),
        (0, [15, 16, 17, 18], [17, 18, 19]),
    ]


def test_documents_without_ids_have_no_span():
    spans = cut_spans([np.empty(0, np.uint32), np.array([5], np.uint32)], START, window=4, stride=4)
    assert pieces(spans) == [(1, [START], [5])]
    assert pieces(cut_spans([], START, window=4, stride=4)) == []


@given(documents=DOCUMENTS, window=st.integers(1, 12), data=st.data())
def test_every_token_is_scored_once_from_at_most_a_window(documents, window, data):
    stride = data.draw(st.integers(1, window))
    spans = cut_spans(documents, START, window=window, stride=stride)
    for number, ids in enumerate(documents):
        own = [(given_ids, scored) for document, given_ids, scored in pieces(spans) if document == number]
        assert [token for _, scored in own for token in scored] == ids.tolist()
        whole = [START, *ids.tolist()]
        for given_ids, scored in own:
            assert 1 <= len(given_ids) <= window
            end = whole.index(scored[-1])
            assert given_ids == whole[end - len(given_ids) : end], "what stands before the last scored token"
    assert np.all(spans.num_inputs >= 1)


def test_a_stride_as_long_as_the_window_leaves_one_token_of_context():
    ids = np.arange(10, 16, dtype=np.uint32)
    (_, first, _), (_, second, scored) = pieces(cut_spans([ids], START, window=4, stride=4))
    assert (first, second, scored) == ([START, 10, 11, 12], [13, 14], [14, 15])


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_a_document_of_exactly_a_window_is_one_span(stride):
    assert len(cut_spans([np.arange(4, dtype=np.uint32)], START, window=4, stride=stride).starts) == 1
