"""The quality rules of Gopher: word counts, word lengths, symbols, bullet and ellipsis lines, letters, stop words."""

from typing import Annotated, ClassVar, Final

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator

from operators.quality.bounds import Bound, first_broken, fraction
from operators.text.statistics import QualityCounts, quality_counts
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.operator import Filter, FilterFunction, Verdicts

Count = Annotated[int, Field(ge=0)] | None
Fraction = Annotated[float, Field(ge=0)] | None

STOP_WORDS: Final = ("the", "be", "to", "of", "and", "that", "have", "with")
"""Rae et al. 2021, appendix A1.1."""


class GopherQuality(Filter):
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

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE)])

    def rules(self) -> tuple[str, ...]:
        """One rule a bound, in the order of the fields."""
        return (
            "too_few_words",
            "too_many_words",
            "words_too_short",
            "words_too_long",
            "too_many_hashes",
            "too_many_ellipses",
            "too_many_bullet_lines",
            "too_many_ellipsis_lines",
            "too_few_alphabetic_words",
            "too_few_stop_words",
        )

    def open(self) -> FilterFunction:
        """The function that counts and judges; it holds no state."""
        return self._judge

    def _judge(self, batch: pa.RecordBatch) -> Verdicts:
        counts = quality_counts(batch.column(TEXT), self.stop_words)
        return first_broken(self._bounds(counts), batch.num_rows)

    def _bounds(self, counts: QualityCounts) -> list[Bound]:
        content_words = counts.num_content_words.astype(np.float64)
        word_chars = fraction(counts.content_chars, counts.num_content_words)
        hashes = fraction(counts.num_hashes, counts.num_words)
        ellipses = fraction(counts.num_ellipses, counts.num_words)
        bullet_lines = fraction(counts.num_bullet_lines, counts.num_lines)
        ellipsis_lines = fraction(counts.num_ellipsis_lines, counts.num_lines)
        alphabetic = fraction(counts.num_alphabetic_words, counts.num_words)
        stop_words = counts.num_stop_words.astype(np.float64)
        return [
            Bound(content_words, "min", self.min_words),
            Bound(content_words, "max", self.max_words),
            Bound(word_chars, "min", self.min_mean_word_chars),
            Bound(word_chars, "max", self.max_mean_word_chars),
            Bound(hashes, "max", self.max_hashes_per_word),
            Bound(ellipses, "max", self.max_ellipses_per_word),
            Bound(bullet_lines, "max", self.max_bullet_line_fraction),
            Bound(ellipsis_lines, "max", self.max_ellipsis_line_fraction),
            Bound(alphabetic, "min", self.min_alphabetic_word_fraction),
            Bound(stop_words, "min", self.min_stop_words),
        ]
