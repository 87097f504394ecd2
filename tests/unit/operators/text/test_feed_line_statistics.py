import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.characters import TERMINAL_RANGES
from operators.text.feed_line_statistics import FeedLineCounts, hash_line
from operators.text.statistics import Wanted, text_statistics
from operators.text.stop_words import stop_word_table
from operators.text.word_unit import unit_scanner

TERMINAL = tuple(chr(code) for first, last in TERMINAL_RANGES for code in range(first, last + 1))
SHORT = 3
texts = st.lists(
    st.sampled_from(
        ["\n", "\n", "\n\n", "a", "b", " ", "\u3000", "*", "-", ".", "。", "…", "\r\n", "漢字", "\u2028", "aaaa"]
    ),
    max_size=40,
).map("".join)


def duplicates(lines):
    again = [line for index, line in enumerate(lines) if line in lines[:index]]
    return len(again), sum(map(len, again))


def expected_counts(text):
    feed_lines = text.split("\n")
    run_lines = re.split("\n+", text)
    text_lines = [line for line in feed_lines if line.strip()]
    times = Counter(feed_lines)
    repeated = [line for line in feed_lines if times[line] > 1]
    return {
        "num_newlines": text.count("\n"),
        "num_starred_feed_lines": sum(line.startswith(("*", "-")) for line in feed_lines),
        "num_ellipsis_feed_lines": sum(line.endswith("\u2026") for line in feed_lines),
        "num_repeated_feed_lines": len(repeated),
        "repeated_feed_line_chars": sum(map(len, repeated)),
        "num_run_lines": len(run_lines),
        "num_duplicate_run_lines": duplicates(run_lines)[0],
        "duplicate_run_line_chars": duplicates(run_lines)[1],
        "num_text_lines": len(text_lines),
        "num_terminal_text_lines": sum(line.endswith(TERMINAL) for line in text_lines),
        "num_short_text_lines": sum(len(line) <= SHORT for line in text_lines),
        "duplicate_text_line_chars": duplicates(text_lines)[1],
    }


def counted(documents):
    found = text_statistics(
        pa.array(documents, pa.large_string()),
        Wanted(feed_lines=True),
        scanner=unit_scanner("whitespace"),
        stop_words=stop_word_table((), any_case=False),
        short_line_chars=SHORT,
    )
    return [{name: int(found[name][d]) for name in FeedLineCounts._fields} for d in range(len(documents))]


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.lists(texts, max_size=4))
def test_counts_agree_with_python(documents):
    assert counted(documents) == [expected_counts(text) for text in documents]


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n", "\n\n", "\n\n\n", "\na", "a\n", "\na\n", "a\n\na", "a\r\na\r\n", "\u3000\n\u3000", "…", "a\n" * 9],
)
def test_edges_agree_with_python(text):
    documents = ["a", text, "\n", text, "…", text]
    assert counted(documents) == [expected_counts(document) for document in documents]


@pytest.mark.parametrize("size", range(1, 26))
def test_the_last_line_equals_an_earlier_one_without_its_line_feed(size):
    line = np.frombuffer(("x" * size + "\n" + "x" * size).encode(), np.uint8)
    _, first, _ = hash_line(line, np.uintp(0), np.uintp(len(line)))
    _, last, _ = hash_line(line, np.uintp(size + 1), np.uintp(len(line)))
    assert first == last
