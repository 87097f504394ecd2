import numpy as np
import pyarrow as pa
import pytest

from operators.quality.map_neo_line_rules import (
    BAD_WORD,
    EMPTY,
    JAVASCRIPT,
    KEPT,
    LOREM_IPSUM,
    NO_END_MARK,
    TOO_FEW_WORDS,
    LineRules,
    judged_lines,
)
from operators.text.whitespace_words import word_hashes
from operators.text.word_unit import unit_scanner


def rules(end_marks=".!?", min_words=3, bad_words=()):
    marks = np.array([ord(mark) for mark in end_marks], np.uint32)
    return LineRules(marks, min_words, unit_scanner("jieba"), np.sort(word_hashes(bad_words)))


def broken(text, **fields):
    return judged_lines(pa.array([text], pa.large_string()), rules(**fields)).broken.tolist()


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("", EMPTY),
        ("今天天气很好", NO_END_MARK),
        ("今天天气很好. ", NO_END_MARK),
        ("今天天气很好…", NO_END_MARK),
        ("今天天气很好!", KEPT),
        ("Javascript 今天天气很好!", JAVASCRIPT),
        ("JavaScript 今天天气很好!", KEPT),
        ("javascript 好", NO_END_MARK),
        ("很好.", TOO_FEW_WORDS),
        ("你好!!!", TOO_FEW_WORDS),
        ("好 的.", KEPT),
        ("!", TOO_FEW_WORDS),
        ("lorem ipsum.", LOREM_IPSUM),
        ("LoremIpsum.", TOO_FEW_WORDS),
        ("Lorem Ipsum 今天天气很好.", LOREM_IPSUM),
        ("今天的天气真的很糟糕?", BAD_WORD),
        ("糟糕.", TOO_FEW_WORDS),
    ],
)
def test_the_first_rule_that_a_line_breaks(line, rule):
    assert broken(f"{line}\n", bad_words=("可恶", "糟糕")) == [rule]


def test_lines_are_numbered_over_all_documents():
    texts = pa.array(["今天天气很好.\r\n无\n", "", "\n", "也是今天的天气."], pa.large_string())
    lines = judged_lines(texts, rules())
    assert lines.num_lines.tolist() == [2, 0, 1, 1]
    assert lines.broken.tolist() == [KEPT, NO_END_MARK, EMPTY, KEPT]
    assert (lines.ends - lines.begins).tolist() == [19, 3, 0, 22]


def test_rules_that_are_off():
    assert broken("今天\n好\n", end_marks="", min_words=0) == [KEPT, KEPT]
    assert broken("今天天气很好…", end_marks="…") == [KEPT]
