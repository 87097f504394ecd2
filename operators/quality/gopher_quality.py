"""The quality rules of Gopher: word counts, word lengths, symbols, bullet and ellipsis lines, letters, stop words."""

from typing import Annotated, ClassVar, Final

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator

from operators.quality.fraction import fraction
from operators.text.statistics import quality_counts
from pipeline.document import TEXT
from pipeline.operator import FloatArray
from pipeline.rule_set import Limit, MeasureFunction, RuleSet

Count = Annotated[int, Field(ge=0)] | None
Fraction = Annotated[float, Field(ge=0)] | None

STOP_WORDS: Final = ("the", "be", "to", "of", "and", "that", "have", "with")
"""Rae et al. 2021, appendix A1.1."""


class GopherQuality(RuleSet):
    """Keeps documents that look like prose: the quality rules of Gopher, as datatrove reads them.

    Words are runs between Unicode whitespace. A bound of None turns its rule off; a value equal to its bound is kept.
    An empty text has no words, and everything measured in it is 0.

    Columns:
        Reads `text` (large_string). A verdict's value is the count, mean or ratio that was measured.

    Determinism:
        EXACT, for one version of Python's Unicode data.

    Raises:
        ValidationError: at construction, for a negative bound or a stop word that holds whitespace.

    Source:
        Rae et al. 2021, arXiv 2112.11446, appendix A1.1, in the variant of datatrove 0.10.1
        (`GopherQualityFilter`), with whitespace words for its language-dependent ones. The variant decides what
        the paper leaves open: words of symbols alone are left out of the word count and mean length, not out of the
        ratios; the mean, not the median, of word lengths; bullets are `-` and U+2022; stop words are distinct and as
        written. Different from it: where a text has no content words, the mean word length is 0 (there not a number).

    Cost:
        Linear in bytes; scratch of up to 7 bytes per byte of the longest document in a batch.
    """

    name: ClassVar[str] = "gopher_quality"

    # every default: Rae et al. 2021, appendix A1.1 "Quality filtering"
    min_words: Count = 50
    max_words: Count = 100_000
    min_mean_word_chars: Fraction = 3.0
    max_mean_word_chars: Fraction = 10.0
    max_hashes_per_word: Fraction = 0.1
    max_ellipses_per_word: Fraction = 0.1
    max_bullet_line_fraction: Fraction = 0.9
    max_ellipsis_line_fraction: Fraction = 0.3
    min_alphabetic_word_fraction: Fraction = 0.8
    min_stop_words: Count = 2
    """Distinct words of `stop_words` that must occur."""
    stop_words: tuple[str, ...] = STOP_WORDS

    @field_validator("stop_words")
    @classmethod
    def _words_only(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for word in value:
            if word.split() != [word]:
                raise ValueError(f"stop_words: expected words without whitespace; found {word!r}; no text can hold it")
        if len(set(value)) != len(value):
            raise ValueError(f"stop_words: expected distinct words; found repetitions among {len(value)} words")
        return value

    def limits(self) -> tuple[Limit, ...]:
        """One rule a bound, in the order of the fields."""
        return (
            Limit("too_few_words", "min", self.min_words),
            Limit("too_many_words", "max", self.max_words),
            Limit("words_too_short", "min", self.min_mean_word_chars),
            Limit("words_too_long", "max", self.max_mean_word_chars),
            Limit("too_many_hashes", "max", self.max_hashes_per_word),
            Limit("too_many_ellipses", "max", self.max_ellipses_per_word),
            Limit("too_many_bullet_lines", "max", self.max_bullet_line_fraction),
            Limit("too_many_ellipsis_lines", "max", self.max_ellipsis_line_fraction),
            Limit("too_few_alphabetic_words", "min", self.min_alphabetic_word_fraction),
            Limit("too_few_stop_words", "min", self.min_stop_words),
        )

    def open_measure(self) -> MeasureFunction:
        """The function that counts; it holds no state."""
        return self._measure

    def _measure(self, batch: pa.RecordBatch) -> FloatArray:
        counts = quality_counts(batch.column(TEXT), self.stop_words)
        word_chars = fraction(counts.content_chars, counts.num_content_words)
        return np.column_stack(
            [
                counts.num_content_words.astype(np.float64),
                counts.num_content_words.astype(np.float64),
                word_chars,
                word_chars,
                fraction(counts.num_hashes, counts.num_words),
                fraction(counts.num_ellipses, counts.num_words),
                fraction(counts.num_bullet_lines, counts.num_lines),
                fraction(counts.num_ellipsis_lines, counts.num_lines),
                fraction(counts.num_alphabetic_words, counts.num_words),
                counts.num_stop_words.astype(np.float64),
            ]
        )
