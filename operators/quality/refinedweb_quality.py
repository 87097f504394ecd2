"""RefinedWeb's rule for documents: how much of one would its corrections of lines remove?"""

from typing import ClassVar

import numpy as np
import pyarrow as pa

from operators.quality.fraction import fraction
from operators.quality.refinedweb_line_rules import (
    MAX_DIGIT_FRACTION,
    MAX_PHRASE_LINE_WORDS,
    MAX_UPPERCASE_FRACTION,
    MIN_WORDS,
    Count,
    Fraction,
    LineRules,
    edit_lines,
    line_rules,
    load_tables,
)
from operators.text.fasttext_words import count_fasttext_words
from pipeline.document import TEXT
from pipeline.operator import FloatArray
from pipeline.rule_set import Limit, MeasureFunction, RuleSet


class RefinedWebQuality(RuleSet):
    """Keeps documents of which RefinedWeb's corrections of lines would remove few words.

    The corrections are those of `refinedweb_lines`, which belongs behind this operator with the same limits: here
    nothing is edited. Words are what fastText parts at ASCII whitespace, if they begin with a letter or a digit.

    Columns:
        Reads `text` (large_string). A verdict's value is the number of words, or the share of them removed.

    Determinism:
        EXACT, for one version of Python's Unicode data.

    Raises:
        ValidationError: at construction, for a limit out of its range.

    Source:
        Penedo et al. 2023, arXiv 2306.01116, appendix G.2: documents of which the corrections remove more than 5 % of
        the words are dropped. In the reading of DCLM (`dclm_baseline_refinedweb.yaml`, `word_counter_enricher` and
        `word_removal_ratio_filter`; Li et al. 2024, arXiv 2406.11794), which counts words so, and drops documents
        without any.

    Cost:
        That of `refinedweb_lines`, and two passes that count words.
    """

    name: ClassVar[str] = "refinedweb_quality"

    max_removed_fraction: Fraction = 0.05
    """Share of the words that the corrections may remove."""
    min_document_words: Count = 1
    """Words that a document must have before the corrections."""
    max_uppercase_fraction: Fraction = MAX_UPPERCASE_FRACTION
    """As in `refinedweb_lines`."""
    max_digit_fraction: Fraction = MAX_DIGIT_FRACTION
    """As in `refinedweb_lines`."""
    remove_counters: bool = True
    """As in `refinedweb_lines`."""
    min_words: Count = MIN_WORDS
    """As in `refinedweb_lines`: words of a line."""
    max_phrase_line_words: Count = MAX_PHRASE_LINE_WORDS
    """As in `refinedweb_lines`."""

    def limits(self) -> tuple[Limit, ...]:
        """Words of the document, then the share of them that would be removed."""
        return (
            Limit("no_words", "min", self.min_document_words),
            Limit("too_many_words_removed", "max", self.max_removed_fraction),
        )

    def open_measure(self) -> MeasureFunction:
        """Loads the tables of characters."""
        load_tables()
        rules = line_rules(
            self.max_uppercase_fraction,
            self.max_digit_fraction,
            removes_counters=self.remove_counters,
            min_words=self.min_words,
            max_phrase_line_words=self.max_phrase_line_words,
        )
        return lambda batch: _measure(batch, rules)


def _measure(batch: pa.RecordBatch, rules: LineRules) -> FloatArray:
    texts = batch.column(TEXT)
    num_before = count_fasttext_words(texts)
    edited, _ = edit_lines(texts, rules)
    num_after = count_fasttext_words(edited)
    return np.column_stack([num_before.astype(np.float64), fraction(num_before - num_after, num_before)])
