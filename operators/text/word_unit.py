"""What a word is: the named units, and one kernel that finds the words of any of them.

A unit that kernels know is a number for them, so that a kernel over words is compiled once for all units. A unit that
needs Python splits a batch beforehand into a list of where its words end, which the same kernel reads (`SPLIT`).
"""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple, assert_never

import numpy as np
import pyarrow as pa

from operators.text.characters import Classes, character_classes
from operators.text.kernel import Bytes, kernel
from operators.text.split_words import Breaks, scan_split_words
from operators.text.treebank_rules import TreebankRules, no_treebank_rules, treebank_rules
from operators.text.treebank_words import scan_treebank_words, treebank_words_for
from operators.text.whitespace_words import Words, scan_words, words_for

WordUnit = Literal["whitespace", "treebank"]
"""`whitespace`: as `str.split()`. `treebank`: as spaCy's English tokenizer, parting punctuation and contractions."""

WHITESPACE_UNIT: Final = 0
TREEBANK_UNIT: Final = 1
SPLIT_UNIT: Final = 2
"""Words end at whitespace and at the breaks that the tables list."""


class WordTables(NamedTuple):
    """What `scan_unit_words` reads beside the text. The same types whatever the unit."""

    classes: Classes
    treebank: TreebankRules  # empty but for `treebank`
    breaks: Breaks  # empty but for units that are split beforehand


class UnitScanner(NamedTuple):
    """How to scan for the words of a unit. Made once a worker."""

    unit: np.uint8
    tables_for: Callable[[pa.Array], WordTables]
    """The tables for a batch of texts, as `document_text` gives their buffers."""
    words_for: Callable[[int], Words]
    """Room for the words of a document of so many bytes."""


def unit_scanner(unit: WordUnit) -> UnitScanner:
    """The scanner of a unit."""
    classes = character_classes()
    no_breaks = np.frombuffer(b"", np.int64)
    if unit == "whitespace":
        whitespace = WordTables(classes, no_treebank_rules(), no_breaks)
        return UnitScanner(np.uint8(WHITESPACE_UNIT), lambda _: whitespace, words_for)
    if unit == "treebank":
        treebank = WordTables(classes, treebank_rules(), no_breaks)
        return UnitScanner(np.uint8(TREEBANK_UNIT), lambda _: treebank, treebank_words_for)
    assert_never(unit)


@kernel
def scan_unit_words(
    data: Bytes, begin: np.uintp, end: np.uintp, unit: np.uint8, tables: WordTables, words: Words
) -> np.uintp:
    """Puts the words of `data[begin:end]` into `words` and returns how many they are."""
    if unit == np.uint8(TREEBANK_UNIT):
        return scan_treebank_words(data, begin, end, tables.treebank, words)
    if unit == np.uint8(SPLIT_UNIT):
        return scan_split_words(data, begin, end, tables.classes, tables.breaks, words)
    return scan_words(data, begin, end, tables.classes, words)
