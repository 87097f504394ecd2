import math
from collections import Counter
from statistics import median

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.characters import SYMBOL_RANGES, TERMINAL_RANGES
from operators.text.statistics import Wanted, text_statistics
from operators.text.stop_words import stop_word_table
from operators.text.word_statistics import FrequencyCounts, WordCounts
from operators.text.word_unit import unit_scanner

SYMBOLS = {chr(code) for first, last in (*SYMBOL_RANGES, *TERMINAL_RANGES) for code in range(first, last + 1)}
FIELDS = (*WordCounts._fields, *FrequencyCounts._fields, "median_word_chars")
texts = st.lists(
    st.one_of(
        st.sampled_from(["the", "of", "漢字", "ABC", "A1", "Ab", "ǅ", "#", "…", "..", " ", "\n", "\u3000", " ", " "]),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=40,
).map("".join)


def entropy(words: list[str]) -> float:
    total = 0.0
    for count in Counter(words).values():
        total -= count / len(words) * math.log(count / len(words))
    return total


def expected_counts(text: str) -> dict[str, float]:
    words = text.split()
    content = [word for word in words if not SYMBOLS.issuperset(word)]
    return {
        "num_words": len(words),
        "word_chars": sum(map(len, words)),
        "num_content_words": len(content),
        "content_word_chars": sum(map(len, content)),
        "num_alphabetic_words": sum(any(map(str.isalpha, word)) for word in words),
        "num_uppercase_words": sum(map(str.isupper, words)),
        "num_symbol_words": sum("#" in word or "\u2026" in word for word in words),
        "num_distinct_words": len(set(words)),
        "word_entropy": entropy(words),
        "median_word_chars": float(median(map(len, words))) if words else 0.0,
    }


def counted(documents: list[str]) -> list[dict[str, float]]:
    found = text_statistics(
        pa.array(documents, pa.large_string()),
        Wanted(words=True, frequencies=True, median=True),
        scanner=unit_scanner("whitespace"),
        stop_words=stop_word_table((), any_case=False),
        short_line_chars=0,
    )
    return [{name: found[name][d].item() for name in FIELDS} for d in range(len(documents))]


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(texts, max_size=4))
def test_counts_agree_with_python(documents):
    assert counted(documents) == [expected_counts(text) for text in documents]


@pytest.mark.parametrize(
    "text", ["", " ", "a", "a bb", "a bb cccc", "\u0301", "THE The the", "١٢", "a" * 1000 + " b c d"]
)
def test_edges_agree_with_python(text):
    documents = ["the", text, " ", text]
    assert counted(documents) == [expected_counts(document) for document in documents]
