"""Sequences of documents: special tokens around, nothing lost in chunks, means by document."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import processors

from operators.models.token_sequences import SpecialIds, cut_sequences, mean_of_documents, special_ids
from tests.unit.operators.models.tiny_models import byte_tokenizer

AROUND = SpecialIds((101, 7), (102,))


def documents(lengths):
    return [np.arange(length, dtype=np.uint32) for length in lengths]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(lengths=st.lists(st.integers(0, 40), max_size=6), max_tokens=st.integers(4, 20))
def test_chunks_hold_a_document_once_and_are_of_equal_length(lengths, max_tokens):
    found = cut_sequences(documents(lengths), AROUND, max_tokens=max_tokens, over_length="chunk_mean")
    assert found.documents.tolist() == sorted(found.documents.tolist())
    for owner, length in enumerate(lengths):
        chunks = [ids for ids, document in zip(found.ids, found.documents, strict=True) if document == owner]
        inner = [chunk[2:-1].tolist() for chunk in chunks]
        assert [number for chunk in inner for number in chunk] == list(range(length))
        assert all(len(chunk) <= max_tokens for chunk in chunks)
        assert len(chunks) == -(-length // (max_tokens - 3))
        sizes = [len(chunk) for chunk in inner]
        assert not sizes or max(sizes) - min(sizes) <= 1
        assert all(chunk[:2].tolist() == [101, 7] and chunk[-1] == 102 for chunk in chunks)


def test_the_head_of_a_document_is_what_fits():
    found = cut_sequences(documents([3, 0, 9]), AROUND, max_tokens=8, over_length="head")
    assert [ids.tolist() for ids in found.ids] == [[101, 7, 0, 1, 2, 102], [101, 7, 0, 1, 2, 3, 4, 102]]
    assert found.documents.tolist() == [0, 2]


def test_means_are_by_document_and_there_is_none_without_a_sequence():
    values = np.array([[1, 10], [3, 20], [5, 5]], np.float32)
    means = mean_of_documents(values, np.array([0, 0, 2]), 4)
    np.testing.assert_array_equal(means, [[2, 15], [np.nan] * 2, [5, 5], [np.nan] * 2])
    assert np.isnan(mean_of_documents(np.empty((0, 1), np.float32), np.empty(0, np.int64), 2)).all()


@pytest.mark.parametrize(
    ("template", "expected"),
    [(None, ((), ())), ("[CLS] $0 [SEP]", ((4,), (5,))), ("$0 [SEP]", ((), (5,))), ("[CLS] [CLS] $0", ((4, 4), ()))],
)
def test_special_tokens_are_those_of_the_template(template, expected):
    tokenizer = byte_tokenizer()
    if template is not None:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=template, special_tokens=[("[CLS]", 4), ("[SEP]", 5)]
        )
    found = special_ids(tokenizer)
    assert (found.head, found.tail) == expected
    assert len(found) == sum(map(len, expected))
