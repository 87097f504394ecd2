import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.statistics import Wanted, text_statistics
from operators.text.stop_words import stop_word_table
from operators.text.word_unit import unit_scanner

texts = st.text(st.sampled_from("ab \n\n\n\u3000é"), max_size=60)


def expected_counts(text):
    paragraphs = re.split(r"\n{2,}", text.strip())
    again = [paragraph for index, paragraph in enumerate(paragraphs) if paragraph in paragraphs[:index]]
    return len(paragraphs), len(again), sum(map(len, again))


def counted(documents):
    found = text_statistics(
        pa.array(documents, pa.large_string()),
        Wanted(paragraphs=True),
        scanner=unit_scanner("whitespace"),
        stop_words=stop_word_table((), any_case=False),
        short_line_chars=0,
    )
    names = ("num_paragraphs", "num_duplicate_paragraphs", "duplicate_paragraph_chars")
    return [tuple(int(found[name][d]) for name in names) for d in range(len(documents))]


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.lists(texts, max_size=4))
def test_counts_agree_with_python(documents):
    assert counted(documents) == [expected_counts(text) for text in documents]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n",
        "\n\n",
        "\n \n",
        "\n\na",
        "a\n",
        "a\n\n\na\n\na",
        "a\r\n\r\na",
        "\u3000\n\na\n\n\u3000",
        "a\n\n" * 20,
    ],
)
def test_edges_agree_with_python(text):
    documents = ["a\n\na", text, "\n", text]
    assert counted(documents) == [expected_counts(document) for document in documents]
