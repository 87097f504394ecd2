# ruff: noqa: RUF001 -- look-alike characters are what the rules are about
import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.links import without_links

PATTERNS = (
    r"https?://[^\s,，\u4e00-\u9fa5]*|www\.[^\s,，\u4e00-\u9fa5]*",
    r"[a-zA-Z0-9-]+\.[a-zA-Z0-9-]+\.[a-zA-Z0-9-]+\.[a-zA-Z0-9.-]+\.?",
    r"(?<![\u4e00-\u9fa5])(\b[a-zA-Z0-9.-]+\.[a-z]{2,6}\b)",
)
PIECES = [
    "a",
    "bc",
    "com",
    "Org",
    ".",
    ".",
    "-",
    "_",
    "中",
    "é",
    " ",
    "，",
    ",",
    "http://",
    "https://",
    "www.",
    "7",
    "。",
]


def by_expressions(text: str) -> tuple[str, list[int]]:
    sizes = []
    for pattern in PATTERNS:
        text, num_links = re.subn(pattern, "", text)
        sizes.append(num_links)
    return text, sizes


@settings(deadline=None, derandomize=True, max_examples=500)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), max_size=5))
def test_links_are_those_of_the_expressions(texts):
    left, sizes = without_links(pa.array(texts, pa.large_string()))
    assert list(zip(left.to_pylist(), sizes.tolist(), strict=True)) == [by_expressions(text) for text in texts]


@pytest.mark.parametrize("text", ["a" * 500_000, "a." * 250_000, "a.b" * 200_000, "www" * 200_000, "http:" * 100_000])
def test_long_names_take_linear_time(text):
    left, _ = without_links(pa.array([text], pa.large_string()))
    assert len(left[0].as_py()) <= len(text)
