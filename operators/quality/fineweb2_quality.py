"""The rules of FineWeb-2, whose limits and stop words each language has of its own."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from operators.quality.bounds import Count, LongNgramBounds, Ratio, StopWords, TopNgramBounds
from operators.quality.fraction import fraction
from operators.quality.gopher_rules import (
    NGRAM_STATISTICS,
    ngram_limits,
    ngram_values,
    prose_limits,
    prose_statistics,
    prose_values,
)
from operators.quality.word_rule_set import WordRuleSet
from operators.text.statistics import Counts, Measures
from operators.text.word_unit import WordUnit
from pipeline.operator import FloatArray
from pipeline.rule_set import Limit

MANDARIN_STOP_WORDS: Final = (
    "的", "年", "在", "月", "是", "和", "日", "了", "於", "·", "為",
    "有", "被", "人", "中", "为", "他", "與", "後", "也", "而", "由",
)  # fmt: skip
"""configs/cmn_Hani.yml of huggingface/fineweb-2."""


class FineWeb2Quality(WordRuleSet):
    """Keeps documents that FineWeb-2 keeps: rules on repetition, lines and words, in this order, for one language.

    The defaults are those of Mandarin. `python -m jobs.fineweb2_rules FILE` prints the settings of another language
    from FineWeb-2's own file for it; a recipe has one such rule set a language, limited by `languages`. A bound of None
    turns its rule off; a value equal to its bound is kept. A text without a line that is more than whitespace breaks
    the rule `empty_text`.

    Columns:
        Reads `text` (large_string), through `text_statistics`, and `language` (large_string) if `languages` is given.
        A verdict's value is what was measured.

    Determinism:
        EXACT, for one version of Python's Unicode data.

    Raises:
        ValidationError: at construction, for a negative bound, the wrong number of n-gram bounds, a stop word that
            holds whitespace, or a word unit that is not allowed.

    Source:
        Penedo et al. 2025, arXiv 2506.20920; fineweb-2-pipeline.py and configs/cmn_Hani.yml of huggingface/fineweb-2.
        The rules are those of `gopher_repetition` without the ones on paragraphs and on the characters of duplicated
        lines, of `fineweb_quality` without the one on short lines, and of `gopher_quality`. FineWeb-2 chose limits and
        stop words with each language's own word splitter, for Mandarin the one that the unit `jieba` is.

    Cost:
        That of `text_statistics`, whose pass it shares with other rule sets of the same language.
    """

    name: ClassVar[str] = "fineweb2_quality"
    tuned_on: ClassVar[tuple[WordUnit, ...]] = ("jieba",)

    word_unit: WordUnit = "jieba"
    """What a word is; see docs/filters.md."""
    # defaults with a comment: fineweb-2-pipeline.py; others: configs/cmn_Hani.yml
    max_duplicate_line_fraction: Ratio = 0.287
    max_top_ngram_char_fractions: TopNgramBounds = (0.256, 0.201, 0.171)
    """For n-grams of 2, 3 and 4 words."""
    max_duplicate_ngram_char_fractions: LongNgramBounds = (
        0.198, 0.182, 0.167, 0.154, 0.14, 0.127,
    )  # fmt: skip
    """For n-grams of 5 to 10 words."""
    min_terminal_line_fraction: Ratio = 0.106
    max_duplicate_line_char_fraction: Ratio = 0.1  # the pipeline's
    max_newlines_per_word: Ratio = 0.178
    min_words: Count = 50  # datatrove's, which the pipeline leaves, as the next
    max_words: Count = 100_000
    min_mean_word_chars: Ratio = 1.0
    max_mean_word_chars: Ratio = 5.0
    max_hashes_per_word: Ratio = 0.1  # datatrove's, as the next three
    max_ellipses_per_word: Ratio = 0.1
    max_bullet_line_fraction: Ratio = 0.9
    max_ellipsis_line_fraction: Ratio = 0.3
    min_alphabetic_word_fraction: Ratio = 0.735
    min_stop_words: Count = 2  # the pipeline's
    """How many different words of `stop_words` must occur."""
    stop_words: StopWords = MANDARIN_STOP_WORDS

    def limits(self) -> tuple[Limit, ...]:
        """`empty_text`, then one rule a bound, in the order of the fields."""
        return (
            Limit("empty_text", "min", 1.0),
            Limit("duplicate_lines", "max", self.max_duplicate_line_fraction),
            *ngram_limits(self.max_top_ngram_char_fractions, self.max_duplicate_ngram_char_fractions),
            Limit("too_few_terminal_lines", "min", self.min_terminal_line_fraction),
            Limit("duplicate_line_chars", "max", self.max_duplicate_line_char_fraction),
            Limit("too_many_newlines", "max", self.max_newlines_per_word),
            *prose_limits(self),
        )

    def statistics(self) -> tuple[str, ...]:
        """Counts of characters, lines, words and what repeats."""
        return (
            "num_chars",
            "num_newlines",
            "num_run_lines",
            "num_duplicate_run_lines",
            "num_text_lines",
            "num_terminal_text_lines",
            "duplicate_text_line_chars",
            *prose_statistics(),
            *NGRAM_STATISTICS,
        )

    def statistic_settings(self) -> dict[str, Any]:  # Any: as the base class says
        """The stop words."""
        return {"stop_words": self.stop_words}

    def values(self, counts: Mapping[str, Counts | Measures]) -> Sequence[FloatArray | Counts]:
        """Counts, means and fractions."""
        newlines = counts["num_newlines"]
        return (
            counts["num_text_lines"],
            fraction(counts["num_duplicate_run_lines"], counts["num_run_lines"]),
            *ngram_values(counts),
            fraction(counts["num_terminal_text_lines"], counts["num_text_lines"]),
            fraction(counts["duplicate_text_line_chars"], counts["num_chars"] - newlines),
            fraction(newlines, counts["num_words"]),
            *prose_values(counts),
        )
