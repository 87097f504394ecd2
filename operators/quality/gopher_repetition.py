"""The repetition rules of Gopher: duplicate lines and paragraphs, frequent and duplicate word n-grams."""

from typing import Annotated, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from operators.quality.fraction import fraction
from operators.text.repetition import DUPLICATE_NGRAM_WORDS, TOP_NGRAM_WORDS, repetition_counts
from pipeline.document import TEXT
from pipeline.operator import FloatArray
from pipeline.rule_set import Limit, MeasureFunction, RuleSet

Fraction = Annotated[float, Field(ge=0)] | None


class GopherRepetition(RuleSet):
    """Keeps documents that do not repeat themselves: the repetition rules of Gopher, as datatrove reads them.

    Words are runs between Unicode whitespace, n-grams are of words. All fractions of characters are of the whole
    text's characters. A bound of None turns its rule off; a value equal to its bound is kept. An empty text breaks
    the rule `empty_text`; in a text of whitespace alone no n-gram rule breaks.

    Columns:
        Reads `text` (large_string). A verdict's value is the fraction that was measured.

    Determinism:
        EXACT, for one version of Python's Unicode data.

    Raises:
        ValidationError: at construction, for a negative bound or the wrong number of n-gram bounds.

    Source:
        Rae et al. 2021, arXiv 2112.11446, table A1, in the variant of datatrove 0.10.1 (`GopherRepetitionFilter`),
        with whitespace words for its language-dependent ones. The variant decides what the paper leaves open: lines
        are split at runs of line feeds, paragraphs at runs of two or more; the top n-gram counts with one space
        between words; after a duplicate n-gram counting goes on behind it. Different from it: n-grams are equal if
        their words are, while datatrove joins the words of long n-grams without spaces, so that it also finds
        "ab c" in "a bc": its fractions differ in about one of 1,500 technical documents.

    Cost:
        Linear in bytes; memory of up to 45 bytes per byte of the longest document in a batch for the worst text
        (words of one letter), about 10 for prose.
    """

    name: ClassVar[str] = "gopher_repetition"

    # every default: Rae et al. 2021, table A1
    max_duplicate_paragraph_fraction: Fraction = 0.30
    max_duplicate_paragraph_char_fraction: Fraction = 0.20
    max_duplicate_line_fraction: Fraction = 0.30
    max_duplicate_line_char_fraction: Fraction = 0.20
    max_top_ngram_char_fractions: tuple[Fraction, Fraction, Fraction] = (0.20, 0.18, 0.16)
    """For n-grams of 2, 3 and 4 words."""
    max_duplicate_ngram_char_fractions: tuple[Fraction, Fraction, Fraction, Fraction, Fraction, Fraction] = (
        0.15, 0.14, 0.13, 0.12, 0.11, 0.10,
    )  # fmt: skip
    """For n-grams of 5 to 10 words."""

    def limits(self) -> tuple[Limit, ...]:
        """`empty_text`, then one rule a bound, in the order of the fields."""
        return (
            Limit("empty_text", "min", 1.0),
            Limit("duplicate_paragraphs", "max", self.max_duplicate_paragraph_fraction),
            Limit("duplicate_paragraph_chars", "max", self.max_duplicate_paragraph_char_fraction),
            Limit("duplicate_lines", "max", self.max_duplicate_line_fraction),
            Limit("duplicate_line_chars", "max", self.max_duplicate_line_char_fraction),
            *(
                Limit(f"top_{n}_word_ngram", "max", limit)
                for n, limit in zip(TOP_NGRAM_WORDS, self.max_top_ngram_char_fractions, strict=True)
            ),
            *(
                Limit(f"duplicate_{n}_word_ngrams", "max", limit)
                for n, limit in zip(DUPLICATE_NGRAM_WORDS, self.max_duplicate_ngram_char_fractions, strict=True)
            ),
        )

    def open_measure(self) -> MeasureFunction:
        """The function that counts; it holds no state."""
        return self._measure

    def _measure(self, batch: pa.RecordBatch) -> FloatArray:
        counts = repetition_counts(batch.column(TEXT))
        chars = counts.num_chars
        ngram_chars = (*counts.top_ngram_chars.T, *counts.duplicate_ngram_chars.T)
        return np.column_stack(
            [
                chars.astype(np.float64),
                fraction(counts.num_duplicate_paragraphs, counts.num_paragraphs),
                fraction(counts.duplicate_paragraph_chars, chars),
                fraction(counts.num_duplicate_lines, counts.num_lines),
                fraction(counts.duplicate_line_chars, chars),
                *(fraction(part, chars) for part in ngram_chars),
            ]
        )
