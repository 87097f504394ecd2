"""MAP-NEO's rules for Chinese documents: sentences, words, symbols, lines, variety and repetition of characters."""

from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import model_validator

from operators.quality.bounds import Count, LongNgramBounds, Ratio, TopNgramBounds
from operators.quality.fraction import fraction
from operators.quality.map_neo_counts import map_neo_counts
from operators.quality.word_rule_set import check_unit
from operators.text.character_ngrams import (
    DUPLICATE_NGRAM_CHARS,
    TOP_NGRAM_CHARS,
    Counts,
    character_ngram_counts,
)
from operators.text.word_unit import WordUnit
from pipeline.document import TEXT
from pipeline.operator import FloatArray
from pipeline.rule_set import Limit, MeasureFunction, RuleSet


class MapNeoQuality(RuleSet):
    r"""Keeps Chinese documents that look like prose: the rules for documents of MAP-NEO's Matrix corpus.

    Characters, digits, punctuation, lines and words are those of the text in the normal form NFKC; sentences, hashes,
    ellipses and n-grams those of the text as it is. N-grams are of characters, whitespace among them. A limit of None
    turns its rule off. A value equal to its limit is kept, but for `min_punctuation_fraction` and
    `min_distinct_char_fraction`, which must be exceeded.

    The published cascade is `full_width_to_half_width`, `map_neo_links`, this one, and `language_filter` with
    `min_score: 0.4`; behind deduplication `similar_lines`. Rules that look for ASCII marks expect the first of them.

    Columns:
        Reads `text` (large_string). Measures counts, shares, a mean length in characters and an entropy in nats.

    Determinism:
        EXACT, for one version of Python's and pyarrow's Unicode data.

    Raises:
        ValidationError: at construction, for a negative limit, the wrong number of n-gram limits, or a word unit that
            the limits were not tuned on.

    Source:
        Zhang et al. 2024, arXiv 2405.19327, appendix on Chinese data, as released: MAP-NEO, commit 81f3cad,
        `chinese_data_clean_pipeline/filter/filter.py` (`unify_format`, `self_defined_rules`, `duplicates_rules`).
        Where code and paper differ, the code decides, but for one named choice: of n-grams of 5 to 10 characters the
        paper judges the share of the text that they cover (`duplicate_ngram_chars: occurrences`), the code how many
        different characters they have (`released`), which is never more than half of the text, so that a limit of
        0.60 drops nothing. Different from the code: the share in brackets is taken here too, not before links and
        full-width marks are removed.

    Cost:
        Linear in bytes. With jieba words about 7 MB a CPU second; scratch of about 50 bytes per
        byte of the longest document in a batch.
    """

    name: ClassVar[str] = "map_neo_quality"

    # every default: MAP-NEO, filter.py, as above
    max_bracketed_fraction: Ratio = 0.1
    """Characters between U+3010 and U+3011."""
    min_sentences: Count = 2
    """Pieces between runs of `. ! ? ; "` and U+2026 that are not blank."""
    min_chars: Count = 50
    max_chars: Count = 10_000
    min_mean_word_chars: Ratio = 1.3
    max_mean_word_chars: Ratio = 10.0
    max_hash_fraction: Ratio = 0.1
    """Runs of `#` a character."""
    max_ellipsis_fraction: Ratio = 0.1
    """Runs of U+2026, or of two full stops or more, a character."""
    max_digit_fraction: Ratio = 0.3
    """Digits among the characters that are no punctuation."""
    max_folded_line_fraction: Ratio = 0.3
    """Lines that end with `readmore` or the Chinese for "unfold" and "more"."""
    max_bullet_line_fraction: Ratio = 0.9
    min_punctuation_fraction: Ratio = 0.0
    """ASCII marks among all characters; must be exceeded."""
    min_distinct_char_fraction: Ratio = 0.1
    """Different characters among all; must be exceeded."""
    min_entropy: Ratio = 3.0
    """Of the distribution of characters, in nats."""
    max_top_ngram_char_fractions: TopNgramBounds = (0.20, 0.18, 0.16)
    """For n-grams of 2, 3 and 4 characters: the repetitions of the most frequent one."""
    max_duplicate_ngram_char_fractions: LongNgramBounds = (
        0.60, 0.60, 0.60, 0.60, 0.60, 0.60,
    )  # fmt: skip
    """For n-grams of 5 to 10 characters."""
    duplicate_ngram_chars: Literal["released", "occurrences"] = "released"
    """What of the n-grams that occur more than once is counted: their different characters, or all that they cover."""
    word_unit: WordUnit = "jieba"
    """What a word is; see docs/filters.md."""
    allow_other_unit: bool = False
    """Whether `word_unit` may be one that the published limits were not made for."""

    @model_validator(mode="after")
    def _unit_is_tuned(self) -> "MapNeoQuality":
        check_unit("word_unit", self.word_unit, ("jieba",), allow_other_unit=self.allow_other_unit)
        return self

    def limits(self) -> tuple[Limit, ...]:
        """In the order of the fields, as released."""
        return (
            Limit("too_much_in_brackets", "max", self.max_bracketed_fraction),
            Limit("too_few_sentences", "min", self.min_sentences),
            Limit("too_few_chars", "min", self.min_chars),
            Limit("too_many_chars", "max", self.max_chars),
            Limit("words_too_short", "min", self.min_mean_word_chars),
            Limit("words_too_long", "max", self.max_mean_word_chars),
            Limit("too_many_hashes", "max", self.max_hash_fraction),
            Limit("too_many_ellipses", "max", self.max_ellipsis_fraction),
            Limit("too_many_digits", "max", self.max_digit_fraction),
            Limit("too_many_folded_lines", "max", self.max_folded_line_fraction),
            Limit("too_many_bullet_lines", "max", self.max_bullet_line_fraction),
            Limit("no_punctuation", "min", self.min_punctuation_fraction, inclusive=False),
            Limit("too_few_distinct_chars", "min", self.min_distinct_char_fraction, inclusive=False),
            Limit("entropy_too_low", "min", self.min_entropy),
            *(
                Limit(f"top_{n}_char_ngram", "max", limit)
                for n, limit in zip(TOP_NGRAM_CHARS, self.max_top_ngram_char_fractions, strict=True)
            ),
            *(
                Limit(f"duplicate_{n}_char_ngrams", "max", limit)
                for n, limit in zip(DUPLICATE_NGRAM_CHARS, self.max_duplicate_ngram_char_fractions, strict=True)
            ),
        )

    def open_measure(self) -> MeasureFunction:
        """The function that counts; it holds no state."""
        return self._measure

    def _measure(self, batch: pa.RecordBatch) -> FloatArray:
        texts = batch.column(TEXT)
        return np.column_stack([*self._document_values(texts), *self._ngram_values(texts)])

    def _document_values(self, texts: pa.Array) -> list[FloatArray]:
        counts = map_neo_counts(texts, self.word_unit)
        chars = counts.num_normal_chars
        word_chars = fraction(counts.num_word_chars, counts.num_words)
        return [
            fraction(counts.num_bracketed_chars, chars),
            counts.num_sentences.astype(np.float64),
            chars.astype(np.float64),
            chars.astype(np.float64),
            word_chars,
            word_chars,
            fraction(counts.num_hash_runs, counts.num_chars),
            fraction(counts.num_ellipses, counts.num_chars),
            fraction(counts.num_digits, counts.num_unpunctuated_chars),
            fraction(counts.num_folded_lines, counts.num_lines),
            fraction(counts.num_bullet_lines, counts.num_lines),
            fraction(counts.num_punctuation_marks, chars),
            fraction(counts.num_distinct_chars, chars),
            counts.entropy,
        ]

    def _ngram_values(self, texts: pa.Array) -> list[FloatArray]:
        counts = character_ngram_counts(texts)
        released = self.duplicate_ngram_chars == "released"
        duplicates: Counts = counts.distinct_duplicate_chars if released else counts.duplicate_chars
        tops = counts.top_repeats * np.array(TOP_NGRAM_CHARS)
        return [fraction(part, counts.num_chars) for part in (*tops.T, *duplicates.T)]
