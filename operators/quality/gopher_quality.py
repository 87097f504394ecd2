"""The quality rules of Gopher: word counts, word lengths, symbols, bullet and ellipsis lines, letters, stop words."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal

from operators.quality.bounds import Count, Ratio, StopWords
from operators.quality.gopher_rules import prose_limits, prose_statistics, prose_values
from operators.quality.word_rule_set import WordRuleSet
from operators.text.statistics import Counts, Measures
from operators.text.word_unit import WordUnit
from pipeline.operator import FloatArray
from pipeline.rule_set import Limit

STOP_WORDS: Final = ("the", "be", "to", "of", "and", "that", "have", "with")
"""Rae et al. 2021, appendix A1.1."""


class GopherQuality(WordRuleSet):
    """Keeps documents that look like prose: the quality rules of Gopher, as datatrove reads them.

    A bound of None turns its rule off; a value equal to its bound is kept. An empty text has no words, and everything
    measured in it is 0.

    Columns:
        Reads `text` (large_string), through `text_statistics`, and `language` (large_string) if `languages` is given.
        A verdict's value is the count, mean or ratio that was measured.

    Determinism:
        EXACT, for one version of Python's Unicode data.

    Raises:
        ValidationError: at construction, for a negative bound, a stop word that holds whitespace, or a word unit that
            is not allowed.

    Source:
        Rae et al. 2021, arXiv 2112.11446, appendix A1.1, in the variant of datatrove 0.10.1
        (`GopherQualityFilter`); its words are `treebank` for English, `whitespace` is how DCLM counts them. The
        variant decides what the paper leaves open: words of symbols alone are left out of the word count and mean
        length, not out of the ratios; the mean, not the median, of word lengths; bullets are `-` and U+2022; stop
        words are distinct and as written. `stop_word_count: occurrences` is the rule as DCLM applies it (Li et al.
        2024, arXiv 2406.11794, `stop_word_filter` of mlfoundations/dclm with `count_unique: false`): every occurrence
        counts, in whatever case. Different from datatrove: where a text has no content words, the mean word length is
        0 (there not a number).

    Cost:
        That of `text_statistics`, whose pass it shares with other rule sets.
    """

    name: ClassVar[str] = "gopher_quality"
    tuned_on: ClassVar[tuple[WordUnit, ...]] = ("whitespace", "treebank")

    # every default: Rae et al. 2021, appendix A1.1 "Quality filtering"
    min_words: Count = 50
    max_words: Count = 100_000
    min_mean_word_chars: Ratio = 3.0
    max_mean_word_chars: Ratio = 10.0
    max_hashes_per_word: Ratio = 0.1
    max_ellipses_per_word: Ratio = 0.1
    max_bullet_line_fraction: Ratio = 0.9
    max_ellipsis_line_fraction: Ratio = 0.3
    min_alphabetic_word_fraction: Ratio = 0.8
    min_stop_words: Count = 2
    """How many of `stop_words` must occur."""
    stop_words: StopWords = STOP_WORDS
    """English ones; other languages need their own, as FineWeb-2 has them for each."""
    stop_word_count: Literal["distinct", "occurrences"] = "distinct"
    """`distinct`: different stop words, as written. `occurrences`: all of them, in whatever case."""

    def limits(self) -> tuple[Limit, ...]:
        """One rule a bound, in the order of the fields."""
        return prose_limits(self)

    def statistics(self) -> tuple[str, ...]:
        """Counts of words, symbols and lines."""
        return prose_statistics(self._stop_words)

    def statistic_settings(self) -> dict[str, Any]:  # Any: as the base class says
        """The stop words."""
        return {"stop_words": self.stop_words}

    def values(self, counts: Mapping[str, Counts | Measures]) -> Sequence[FloatArray | Counts]:
        """Counts, means and ratios."""
        return prose_values(counts, self._stop_words)

    @property
    def _stop_words(self) -> str:
        return "num_distinct_stop_words" if self.stop_word_count == "distinct" else "num_cased_stop_words"
