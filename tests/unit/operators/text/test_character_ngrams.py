from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.character_ngrams import DUPLICATE_NGRAM_CHARS, TOP_NGRAM_CHARS, character_ngram_counts


def by_definition(text: str) -> tuple[list[int], list[int], list[int]]:
    tops, covered, distinct = [], [], []
    for n in (*TOP_NGRAM_CHARS, *DUPLICATE_NGRAM_CHARS):
        ngrams = [text[i : i + n] for i in range(len(text) - n + 1)]
        counts = Counter(ngrams)
        repeated = {j for i, ngram in enumerate(ngrams) if counts[ngram] > 1 for j in range(i, i + n)}
        if n in TOP_NGRAM_CHARS:
            tops.append(max(counts.values(), default=1) - 1)
        else:
            covered.append(len(repeated))
            distinct.append(len({text[i] for i in repeated}))
    return tops, covered, distinct


def counted(texts: list[str]) -> list[tuple[list[int], list[int], list[int]]]:
    counts = character_ngram_counts(pa.array(texts, pa.large_string()))
    assert counts.num_chars.tolist() == [len(text) for text in texts]
    columns = (counts.top_repeats, counts.duplicate_chars, counts.distinct_duplicate_chars)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.lists(st.text(st.sampled_from("ab一二"), max_size=60), max_size=4))
def test_counts_are_those_of_the_definition(texts):
    assert counted(texts) == [by_definition(text) for text in texts]


def test_a_document_counts_alone():
    text = "甲乙丙丁戊己庚辛壬癸" * 3
    assert counted([text, text[:10], text]) == [by_definition(t) for t in (text, text[:10], text)]


@pytest.mark.parametrize("text", ["一" * 300_000, "一二三四五六七八九十" * 30_000])
def test_long_repetitions_take_linear_time(text):
    ((_, covered, _),) = counted([text])
    assert covered == [300_000] * 6
