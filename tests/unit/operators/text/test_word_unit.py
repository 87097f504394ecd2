import itertools
from typing import get_args

import numpy as np
import pyarrow as pa
import pytest

from operators.text.characters import document_text, longest_text
from operators.text.split_words import Breaks
from operators.text.whitespace_words import word_hashes
from operators.text.word_unit import SPLIT_UNIT, WordUnit, scan_unit_words, unit_scanner

TEXTS = pa.array(["It doesn't matter, e.g. here.", "", "one (two)"], pa.large_string())


def scan(unit: WordUnit):
    scanner = unit_scanner(unit)
    data, offsets = document_text(TEXTS)
    words = scanner.words_for(longest_text(offsets))
    tables = scanner.tables_for(TEXTS)
    for begin, end in itertools.pairwise(offsets):
        num_words = scan_unit_words(data, np.uintp(begin), np.uintp(end), scanner.unit, tables, words)
        yield words.hashes[:num_words].tolist()


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("whitespace", ["It doesn't matter, e.g. here.", "", "one (two)"]),
        ("treebank", ["It does n't matter , e.g. here .", "", "one ( two )"]),
        ("jieba", ["It doesn ' t matter , e . g . here .", "", "one ( two )"]),
        ("script", ["It doesn't matter, e.g. here.", "", "one (two)"]),
    ],
)
def test_words_of_the_unit_are_found(unit, expected):
    assert list(scan(unit)) == [word_hashes(tuple(text.split())).tolist() for text in expected]


def test_words_split_beforehand_end_at_the_breaks_of_the_tables():
    scanner = unit_scanner("whitespace")
    data, _ = document_text(TEXTS)
    breaks: Breaks = np.array([2, 7], np.int64)
    breaks.flags.writeable = False
    tables = scanner.tables_for(TEXTS)._replace(breaks=breaks)
    words = scanner.words_for(20)
    num_words = scan_unit_words(data, np.uintp(0), np.uintp(10), np.uint8(SPLIT_UNIT), tables, words)
    assert words.hashes[:num_words].tolist() == word_hashes(("It", "does", "n't")).tolist()


def test_tables_of_all_units_compile_one_kernel():
    for unit in get_args(WordUnit):
        list(zip(TEXTS, scan(unit), strict=True))
    assert len(scan_unit_words.signatures) == 1
