"""What a word is: the named units, and one kernel that finds the words of any of them.

A unit that kernels know is a number for them, so that a kernel over words is compiled once for all units. The
units that part words by scripts or a dictionary first list where the words of a batch end, which the same kernel reads.
"""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple, assert_never

import numpy as np
import pyarrow as pa

from operators.text.characters import Classes, character_classes
from operators.text.jieba_words import jieba_breaks
from operators.text.script_words import script_breaks
from operators.text.split_words import Breaks, scan_split_words, split_words_for
from operators.text.treebank_rules import TreebankRules, no_treebank_rules, treebank_rules
from operators.text.treebank_words import scan_treebank_words, treebank_words_for
from operators.text.whitespace_words import Words, scan_words, words_for
from pipeline.kernel import Bytes, borrowing_kernel

WordUnit = Literal["whitespace", "treebank", "jieba", "script"]
"""`whitespace`: as `str.split()`. `treebank`: as spaCy's English tokenizer, parting punctuation and contractions.
`jieba`: Chinese words, as the package jieba. `script`: parted by a stated rule where the script has no spaces."""

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
    if unit == "jieba":
        return _split_scanner(classes, jieba_breaks)
    if unit == "script":
        return _split_scanner(classes, script_breaks)
    assert_never(unit)


def _split_scanner(classes: Classes, breaks_of: Callable[[pa.Array], Breaks]) -> UnitScanner:
    return UnitScanner(
        np.uint8(SPLIT_UNIT),
        lambda texts: WordTables(classes, no_treebank_rules(), breaks_of(texts)),
        split_words_for,
    )


@borrowing_kernel
def scan_unit_words(
    data: Bytes, begin: np.uintp, end: np.uintp, unit: np.uint8, tables: WordTables, words: Words
) -> np.uintp:
    """Puts the words of `data[begin:end]` into `words` and returns how many they are."""
    if unit == np.uint8(TREEBANK_UNIT):
        return scan_treebank_words(data, begin, end, tables.treebank, words)
    if unit == np.uint8(SPLIT_UNIT):
        return scan_split_words(data, begin, end, tables.classes, tables.breaks, words)
    return scan_words(data, begin, end, tables.classes, words)
