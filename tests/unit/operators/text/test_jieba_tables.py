import math

import numpy as np

from operators.text.jieba_tables import FIRST_HAN, NO_WORD, NOT_EMITTED, find_child, jieba_tables

TOTAL = 60_101_967
"""The sum of the frequencies of jieba 0.42.1."""


def score(word: str) -> float | None:
    """Of a word or prefix; None where no word begins so."""
    tables = jieba_tables()
    node = 0
    for character in word:
        slot = int(find_child(np.uintp(node), np.uint32(ord(character)), tables.keys))
        if tables.keys[slot] == 0:
            return None
        node = slot + 1
    return float(tables.scores[node - 1])


def test_words_have_the_logarithm_of_their_share():
    assert score("的") == math.log(318_825) - math.log(TOTAL)
    assert score("AT&T") == math.log(3) - math.log(TOTAL)
    assert jieba_tables().unknown_score == -math.log(TOTAL)


def test_prefixes_are_no_words_and_what_begins_none_is_not_there():
    assert score("AT&") == NO_WORD
    assert score("囧的") is None


def test_every_word_and_prefix_is_there_once():
    tables = jieba_tables()
    assert (int((tables.keys != 0).sum()), int((tables.scores < 0).sum())) == (498_113, 349_045)
    assert int((tables.first_nodes != 0).sum()) == sum(
        1 for code in range(len(tables.first_nodes)) if score(chr(code)) is not None
    )


def test_emissions_of_a_character():
    b, e, m, s = jieba_tables().emissions[ord("一") - FIRST_HAN]
    assert (b, s) == (-3.6544978750449433, -4.92368982120877)
    assert e > NOT_EMITTED
    assert m > NOT_EMITTED
    assert jieba_tables().emissions[ord("丁") - FIRST_HAN].max() < 0
