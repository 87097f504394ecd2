import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.character_statistics import CATEGORIES, CategoryCounts, SymbolCounts
from operators.text.statistics import Wanted, text_statistics
from operators.text.stop_words import stop_word_table
from operators.text.word_unit import unit_scanner

FIELDS = (*SymbolCounts._fields, *CategoryCounts._fields, "num_unique_chars")
texts = st.text(
    st.one_of(st.sampled_from("...…..#\n ÀǅⅧ٣_-([»«“”\U0001d400"), st.characters(exclude_categories=["Cs"])),
    max_size=40,
)


def expected_counts(text: str) -> dict[str, int]:
    by_category = [sum(unicodedata.category(character) == category for character in text) for category in CATEGORIES]
    return {
        "num_chars": len(text),
        "num_hashes": text.count("#"),
        "num_ellipses": text.count("...") + text.count("\u2026"),
        **dict(zip(CategoryCounts._fields, by_category, strict=True)),
        "num_unique_chars": len(set(text)),
    }


def counted(documents: list[str]) -> list[dict[str, int]]:
    found = text_statistics(
        pa.array(documents, pa.large_string()),
        Wanted(symbols=True, categories=True, unique_characters=True),
        scanner=unit_scanner("whitespace"),
        stop_words=stop_word_table((), any_case=False),
        short_line_chars=0,
    )
    return [{name: int(found[name][d]) for name in FIELDS} for d in range(len(documents))]


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(texts, max_size=4))
def test_counts_agree_with_python(documents):
    assert counted(documents) == [expected_counts(text) for text in documents]


@pytest.mark.parametrize("text", ["", ".", "..", "....", "......", "\u2026", ". ..", "#", "\u0301", "Aa1!"])
def test_edges_agree_with_python(text):
    documents = ["...", text, "..", text, "\u2026", text]
    assert counted(documents) == [expected_counts(document) for document in documents]
