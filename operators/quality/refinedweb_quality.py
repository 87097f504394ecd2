"""RefinedWeb's rule for documents: how much of one would its corrections of lines remove?"""

from typing import ClassVar

import numpy as np
import pyarrow as pa

from operators.quality.bounds import Count, Fraction
from operators.quality.fraction import fraction
from operators.quality.refinedweb_line_limits import RefinedWebLineLimits
from operators.quality.refinedweb_line_rules import LineRules, edit_lines, load_tables
from operators.text.fasttext_words import count_fasttext_words
from pipeline.document import TEXT
from pipeline.operator import FloatArray
from pipeline.rule_set import Limit, MeasureFunction, RuleSet


class RefinedWebQuality(RefinedWebLineLimits, RuleSet):
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

    def limits(self) -> tuple[Limit, ...]:
        """Words of the document, then the share of them that would be removed."""
        return (
            Limit("no_words", "min", self.min_document_words),
            Limit("too_many_words_removed", "max", self.max_removed_fraction),
        )

    def open_measure(self) -> MeasureFunction:
        """Loads the tables of characters."""
        load_tables()
        rules = self.line_rules()
        return lambda batch: _measure(batch, rules)


def _measure(batch: pa.RecordBatch, rules: LineRules) -> FloatArray:
    texts = batch.column(TEXT)
    num_before = count_fasttext_words(texts)
    edited, _ = edit_lines(texts, rules)
    num_after = count_fasttext_words(edited)
    return np.column_stack([num_before.astype(np.float64), fraction(num_before - num_after, num_before)])
