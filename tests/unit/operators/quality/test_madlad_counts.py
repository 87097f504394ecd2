# ruff: noqa: RUF001 -- look-alike characters are what the rules are about
import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.quality.madlad_counts import CURSED, LIST_CASE, madlad_counts

PATTERNS = (
    " №", "���", r"\|\s*\Z", r" nr\.\Z", "aute irure dolor ", " sunt in culpa qui ", "orem ipsum ", " quis nostrud ",
    " adipisicing ", " dolore eu ", " cupidatat ", "autem vel eum", "wisi enim ad", " sex ", " porn ", "黄色电影",
    "mp3", "ownload", r"Vol\.", r" Ep\.", "Episode", r" г\.\s*\Z", r" кг\.\s*\Z", r" шт\.", "Develop", "Facebook",
    " crusher ", " xxx ", " ..." * 9, " ...." * 9, " [^ ]" * 9, ", ..,,? ..,,? ..,,? ..,,?",
)  # fmt: skip
"""The list of the data set's card, `$` as the end alone."""
PIECES = [
    "a", "bc", "Def", "1", " ", " ", " ", ",", ", ", ".", ". ", "!? ", "\n", "|", " nr.", " г.", " кг. ", "Vol.",
    " sex ", "mp3", "{", "é", "中", " x y z", " abc abc", " qwer" * 4, " ab,", " cd,,", " ef, gh,",
]  # fmt: skip


def sentences_of(text: str) -> list[str]:
    parts = [*re.split(r"([.!?]+)\s+", text), ""]
    return [sentence + marks for sentence, marks in zip(parts[::2], parts[1::2], strict=True) if sentence.strip()]


def by_definition(text: str) -> list[int]:
    found = sentences_of(text)
    return [
        len(found),
        sum(not 20 <= len(sentence) <= 500 for sentence in found),
        sum(len(re.findall(r"[0-9{}+/()>]", sentence)) > 0.2 * len(sentence) for sentence in found),
        sum(any(re.search(pattern, sentence) for pattern in PATTERNS) for sentence in found),
    ]


def counted(texts, kinds=15, *, with_expressions=True):
    return madlad_counts(pa.array(texts, pa.large_string()), kinds, with_expressions=with_expressions)


def columns(counts):
    return [counts.num_sentences, counts.num_abnormal_length, counts.num_technical, counts.num_cursed]


@settings(deadline=None, derandomize=True, max_examples=500)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), max_size=4))
def test_counts_are_those_of_the_expressions(texts):
    found = [column.tolist() for column in columns(counted(texts))]
    assert [list(row) for row in zip(*found, strict=True)] == [by_definition(text) for text in texts]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_is_found(pattern):
    text = "x" + pattern.replace("[^ ]", "o").replace("...", "oxo").replace(".,,?", "o,").replace(r"\s*\Z", "").replace(
        r"\Z", ""
    ).replace("\\", "").replace("oxo.", "oxox")
    text = text.replace(", .o", ", oo").replace(" .o", " oo")
    assert any(re.search(p, text) for p in (pattern,)), text
    assert counted([text]).num_cursed.tolist() == [1]


def test_without_expressions_those_with_escapes_find_nothing():
    texts = ["a|", "a nr.", "Vol. 1", "a Ep. 2", "a г.", "a кг.", "a шт. b", "mp3"]
    assert counted(texts, with_expressions=False).num_cursed.sum() == 1
    assert (counted(texts).num_cursed > 0).all()


@pytest.mark.parametrize(
    ("sentence", "is_list"),
    [
        ("One Two Three Four Five Six Seven h i j k l", True),
        ("One Two Three Four Five Six g h i j k l", False),
        ("One Two Three Four Five Six Seven h i j k", False),
        ("Él Él Él Él Él Él Él h, i (j) [k] l", True),
        ("Don't Don't Don't Don't Don't Don't G h i j k l", True),
        ("A.B A.B A.B A.B A.B A.B A.B h i j 1,000 3.5", True),
        ("A-B A-B A-B g h i j k l", False),
    ],
)
def test_lists_are_told_by_capital_letters(sentence, is_list):
    assert counted([sentence]).num_list_case.tolist() == [int(is_list)]


def test_questionable_are_sentences_of_the_kinds_asked_for():
    text = "Facebook is a place of many words. " + "A " * 12 + ". tiny. A sentence of an ordinary kind."
    assert counted([text]).num_questionable.tolist() == [3]
    assert counted([text], CURSED).num_questionable.tolist() == [2]
    assert counted([text], LIST_CASE).num_questionable.tolist() == [1]
    assert counted([text]).num_sentences.tolist() == [4]


@pytest.mark.parametrize("text", [" " * 500_000, ", a" * 200_000, " a" * 300_000, "." * 500_000, ". " * 300_000])
def test_long_texts_take_linear_time(text):
    assert counted([text]).num_sentences[0] >= 0
