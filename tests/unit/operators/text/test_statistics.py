import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.characters import SYMBOL_RANGES
from operators.text.statistics import quality_counts

STOP_WORDS = ("the", "of", "漢")
SYMBOLS = {chr(code) for first, last in SYMBOL_RANGES for code in range(first, last + 1)}
BREAKS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
texts = st.lists(
    st.one_of(
        st.sampled_from(["...", "..", ".", "\u2026", "#", "-", "\u2022", "\u2027", "\u202a"]),
        st.sampled_from([*BREAKS, "\r\n", " ", "\x1f", "\xa0", *STOP_WORDS]),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=40,
).map("".join)  # fmt: skip


def expected_counts(text: str) -> dict[str, int]:
    words = text.split()
    content = [word for word in words if not SYMBOLS.issuperset(word)]
    lines = text.splitlines()
    return {
        "num_words": len(words),
        "num_content_words": len(content),
        "content_chars": sum(map(len, content)),
        "num_alphabetic_words": sum(any(map(str.isalpha, word)) for word in words),
        "num_stop_words": len(set(STOP_WORDS) & set(words)),
        "num_hashes": text.count("#"),
        "num_ellipses": text.count("...") + text.count("\u2026"),
        "num_lines": len(lines),
        "num_bullet_lines": sum(line.lstrip().startswith(("-", "\u2022")) for line in lines),
        "num_ellipsis_lines": sum(line.rstrip().endswith(("...", "\u2026")) for line in lines),
    }


def counted(documents: list[str]) -> list[dict[str, int]]:
    counts = quality_counts(pa.array(documents, pa.large_string()), STOP_WORDS)
    return [{field: int(getattr(counts, field)[d]) for field in counts._fields} for d in range(len(documents))]


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
        "\r\n",
        "\r",
        "\n\n",
        "a\r\n\rb",
        "..",
        "......",
        "....",
        "\u2026",
        ". ..",
        "a...\x85",
        "-",
        "\u2022",
        "\u2023",
        "\xc2",
        "\u0301",
        "the",
        "The the",
        "the of",
        "x\u2028",
        "\u20281...",
    ],
)
def test_edges_agree_with_python(text):
    # neighbours in one buffer, so that a kernel that reads past its document is caught
    documents = ["...", text, "\n-", text, "\u2026", text, "..\n"]
    assert counted(documents) == [expected_counts(document) for document in documents]


def test_sliced_array_counts_its_own_rows():
    array = pa.array(["- a", "the of ...", "b\nc"], pa.large_string())[1:]
    assert quality_counts(array, STOP_WORDS).num_lines.tolist() == [1, 2]


def test_without_stop_words_none_are_found():
    assert quality_counts(pa.array(["the of"], pa.large_string()), ()).num_stop_words.tolist() == [0]


@pytest.mark.parametrize("unit", ["a", ".", "\n", " ", "- ", "\u2026", "\u2028", "the ", " \n"])
def test_huge_texts_take_linear_time(unit):
    text = unit * (2_000_000 // len(unit))
    quality_counts(pa.array(["warm"], pa.large_string()), STOP_WORDS)
    begin = time.process_time()
    counts = quality_counts(pa.array([text], pa.large_string()), STOP_WORDS)
    # 50 ns a byte; a quadratic pass over 2 MB would take many minutes
    assert time.process_time() - begin < 50e-9 * len(text.encode()) + 0.2
    assert counts.num_words[0] == len(text.split())
    assert counts.num_lines[0] == len(text.splitlines())
    assert counts.num_ellipses.dtype == np.int64
