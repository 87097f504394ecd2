import re
import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.statistics import (
    MEASURES,
    STATISTICS,
    TEXT_STATISTICS,
    WORD_STATISTICS,
    Wanted,
    groups_of,
    text_statistics,
)
from operators.text.stop_words import stop_word_table
from operators.text.word_unit import unit_scanner

ALL = Wanted(*[True] * len(Wanted._fields))
STOP_WORDS = ("the", "of")


def counted(texts, wanted=ALL):
    return text_statistics(
        pa.array(texts, pa.large_string()),
        wanted,
        scanner=unit_scanner("whitespace"),
        stop_words=stop_word_table(STOP_WORDS, any_case=True),
        short_line_chars=30,
    )


def test_every_statistic_is_counted_under_its_name():
    found = counted(["the cat\n", "", "a b a b"])
    assert found.keys() == STATISTICS.keys()
    for name, values in found.items():
        assert values.shape == (3,)
        assert values.dtype == (np.float64 if name in MEASURES else np.int64)
    assert TEXT_STATISTICS.keys().isdisjoint(WORD_STATISTICS)


@pytest.mark.parametrize("group", Wanted._fields)
def test_a_group_alone_is_what_it_is_among_all(group):
    texts = ["The the of #\n- a\n\n- a\n...", "a b c d e f " * 4, "", "x"]
    everything = counted(texts)
    alone = counted(texts, Wanted(**{group: True}))
    assert alone.keys() == {name for name, its_group in STATISTICS.items() if its_group == group}
    for name, values in alone.items():
        np.testing.assert_array_equal(values, everything[name])


def test_groups_are_those_of_the_names():
    assert groups_of(()) == Wanted()
    assert groups_of(("num_words", "num_chars", "top_2_gram_chars")) == Wanted(
        symbols=True, words=True, top_ngrams=True
    )


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.lists(st.text(st.sampled_from("ab .\n#…漢"), max_size=30), max_size=5), st.integers(0, 5))
def test_neighbours_do_not_matter(texts, cut):
    whole = counted(texts)
    parts = [counted(texts[:cut]), counted(texts[cut:])]
    for name, values in whole.items():
        np.testing.assert_array_equal(values, np.concatenate([part[name] for part in parts]))


def test_a_sliced_array_counts_its_own_rows():
    array = pa.array(["- a", "the of ...", "b\nc"], pa.large_string())[1:]
    assert counted(array)["num_lines"].tolist() == [1, 2]


@pytest.mark.parametrize(
    "unit", ["a", ".", "\n", " ", "- ", "\u2026", "\u2028", "a ", "a\n", "a\n\n", " \n", "the cat "]
)
def test_huge_texts_take_linear_time(unit):
    text = unit * (2_000_000 // len(unit))
    counted(["warm"])
    begin = time.process_time()
    found = counted([text])
    # 800 ns a byte for all statistics; a quadratic pass over 2 MB would take many minutes
    assert time.process_time() - begin < 800e-9 * len(text.encode()) + 0.2
    assert found["num_chars"] == len(text)
    assert found["num_words"] == len(text.split())
    assert found["num_lines"] == len(text.splitlines())
    assert found["num_run_lines"] == len(re.split("\n+", text))
