"""Gopher's rules as Dolma measures and applies them."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from operators.quality.bounds import Count, LongNgramBounds, Ratio, StopWords, TopNgramBounds
from operators.quality.fraction import fraction
from operators.quality.gopher_quality import STOP_WORDS
from operators.quality.gopher_rules import ngram_limits
from operators.quality.word_rule_set import WordRuleSet
from operators.text.ngram_statistics import LONG_NGRAM_WORDS, TOP_NGRAM_WORDS
from operators.text.statistics import Counts, Measures
from operators.text.word_unit import WordUnit
from pipeline.operator import FloatArray
from pipeline.rule_set import Limit

_TOP: Final = tuple(f"top_{n}_gram_word_chars" for n in TOP_NGRAM_WORDS)
_REPEATED: Final = tuple((f"repeated_{n}_gram_chars", f"all_{n}_gram_chars") for n in LONG_NGRAM_WORDS)


class DolmaGopher(WordRuleSet):
    """Keeps documents that look like prose and do not repeat themselves: Gopher's rules in Dolma's variant.

    A bound of None turns its rule off; a value equal to its bound is kept. In an empty text everything is 0. A text
    with too few words for an n-gram has a fraction of 0, where the tagger writes none.

    Columns:
        Reads `text` (large_string), through `text_statistics`, and `language` (large_string) if `languages` is given.
        A verdict's value is what was measured; it is what the tagger writes.

    Determinism:
        EXACT, for one version of Python's Unicode data.

    Raises:
        ValidationError: at construction, for a negative bound, the wrong number of n-gram bounds, a stop word that
            holds whitespace, or a word unit that is not allowed.

    Source:
        Soldaini et al. 2024, arXiv 2402.00159, appendix on the Common Crawl subset; `gopher_v1` of allenai/dolma
        (python/dolma/taggers/gopher.py) with the limits of configs/dolma-v1_5/mixing/cc-head.yaml. There the names of
        the rules on the most frequent n-grams are misspelt, `most_common_2gram` for `2grams`, so that they never drop
        a document; here they do: set `max_top_ngram_char_fractions: [null, null, null]` to reproduce the release.
        Different from `gopher_quality` and `gopher_repetition`: the median of word lengths; words that hold `#` or
        U+2026 per word; bullets are `*` and `-` at the very start of a line, ellipses U+2026 at its very end; every
        piece between line feeds is a line, empty ones too; stop words count as often as they occur; all occurrences of
        what repeats count, not all but the first, held against the characters of words, for long n-grams against those
        of all n-grams of as many words.

    Cost:
        That of `text_statistics`, whose pass it shares with other rule sets.
    """

    name: ClassVar[str] = "dolma_gopher"
    tuned_on: ClassVar[tuple[WordUnit, ...]] = ("whitespace",)

    # every default: configs/dolma-v1_5/mixing/cc-head.yaml of allenai/dolma
    min_words: Count = 50
    max_words: Count = 100_000
    min_median_word_chars: Ratio = 3.0
    max_median_word_chars: Ratio = 10.0
    max_symbol_word_fraction: Ratio = 0.1
    min_alphabetic_word_fraction: Ratio = 0.8
    min_stop_words: Count = 2
    """How often words of `stop_words` must occur."""
    stop_words: StopWords = STOP_WORDS
    max_bullet_line_fraction: Ratio = 0.9
    max_ellipsis_line_fraction: Ratio = 0.3
    max_repeated_line_fraction: Ratio = 0.3
    max_repeated_line_char_fraction: Ratio = 0.3
    max_top_ngram_char_fractions: TopNgramBounds = (0.20, 0.18, 0.16)
    """For n-grams of 2, 3 and 4 words."""
    max_repeated_ngram_char_fractions: LongNgramBounds = (
        0.15, 0.14, 0.13, 0.12, 0.11, 0.10,
    )  # fmt: skip
    """For n-grams of 5 to 10 words."""

    def limits(self) -> tuple[Limit, ...]:
        """One rule a bound, in the order of the fields."""
        return (
            Limit("too_few_words", "min", self.min_words),
            Limit("too_many_words", "max", self.max_words),
            Limit("words_too_short", "min", self.min_median_word_chars),
            Limit("words_too_long", "max", self.max_median_word_chars),
            Limit("too_many_symbol_words", "max", self.max_symbol_word_fraction),
            Limit("too_few_alphabetic_words", "min", self.min_alphabetic_word_fraction),
            Limit("too_few_stop_words", "min", self.min_stop_words),
            Limit("too_many_bullet_lines", "max", self.max_bullet_line_fraction),
            Limit("too_many_ellipsis_lines", "max", self.max_ellipsis_line_fraction),
            Limit("repeated_lines", "max", self.max_repeated_line_fraction),
            Limit("repeated_line_chars", "max", self.max_repeated_line_char_fraction),
            *ngram_limits(self.max_top_ngram_char_fractions, self.max_repeated_ngram_char_fractions, kind="repeated"),
        )

    def statistics(self) -> tuple[str, ...]:
        """Counts of words, lines and what repeats."""
        return (
            "num_words",
            "word_chars",
            "median_word_chars",
            "num_symbol_words",
            "num_alphabetic_words",
            "num_stop_words",
            "num_chars",
            "num_newlines",
            "num_starred_feed_lines",
            "num_ellipsis_feed_lines",
            "num_repeated_feed_lines",
            "repeated_feed_line_chars",
            *_TOP,
            *(name for pair in _REPEATED for name in pair),
        )

    def statistic_settings(self) -> dict[str, Any]:  # Any: as the base class says
        """The stop words."""
        return {"stop_words": self.stop_words}

    def values(self, counts: Mapping[str, Counts | Measures]) -> Sequence[FloatArray | Counts]:
        """Counts, medians and fractions."""
        words, word_chars = counts["num_words"], counts["word_chars"]
        # the tagger counts no lines in an empty text
        lines = (counts["num_newlines"] + 1) * (counts["num_chars"] > 0)
        # where there are no words, it divides by 1
        line_chars = word_chars + (word_chars == 0)
        return (
            words,
            words,
            counts["median_word_chars"],
            counts["median_word_chars"],
            fraction(counts["num_symbol_words"], words),
            fraction(counts["num_alphabetic_words"], words),
            counts["num_stop_words"],
            fraction(counts["num_starred_feed_lines"], lines),
            fraction(counts["num_ellipsis_feed_lines"], lines),
            fraction(counts["num_repeated_feed_lines"], lines),
            fraction(counts["repeated_feed_line_chars"], line_chars),
            *(fraction(counts[name], word_chars) for name in _TOP),
            *(fraction(counts[part], counts[whole]) for part, whole in _REPEATED),
        )
