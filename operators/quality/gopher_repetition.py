"""The repetition rules of Gopher: duplicate lines and paragraphs, frequent and duplicate word n-grams."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from operators.quality.bounds import LongNgramBounds, Ratio, TopNgramBounds
from operators.quality.fraction import fraction
from operators.quality.gopher_rules import (
    NGRAM_STATISTICS,
    ngram_limits,
    ngram_values,
)
from operators.quality.word_rule_set import WordRuleSet
from operators.text.statistics import Counts, Measures
from operators.text.word_unit import WordUnit
from pipeline.operator import FloatArray
from pipeline.rule_set import Limit


class GopherRepetition(WordRuleSet):
    """Keeps documents that do not repeat themselves: the repetition rules of Gopher, as datatrove reads them.

    N-grams are of words. All fractions of characters are of the whole text's characters. A bound of None turns its
    rule off; a value equal to its bound is kept. An empty text breaks the rule `empty_text`; in a text of whitespace
    alone no n-gram rule breaks.

    Columns:
        Reads `text` (large_string), through `text_statistics`, and `language` (large_string) if `languages` is given.
        A verdict's value is the fraction that was measured.

    Determinism:
        EXACT, for one version of Python's Unicode data.

    Raises:
        ValidationError: at construction, for a negative bound, the wrong number of n-gram bounds, or a word
            unit that is not allowed.

    Source:
        Rae et al. 2021, arXiv 2112.11446, table A1, in the variant of datatrove 0.10.1 (`GopherRepetitionFilter`);
        its words are `treebank` for English, DCLM's are `whitespace`. The variant decides what the paper leaves open:
        lines are split at runs of line feeds, paragraphs at runs of two or more; the top n-gram counts with one space
        between words; after a duplicate n-gram counting goes on behind it. Different from it: n-grams are equal if
        their words are, while datatrove joins the words of long n-grams without spaces, so that it also finds
        "ab c" in "a bc": its fractions differ in about one of 1,500 technical documents.

    Cost:
        That of `text_statistics`, whose pass it shares with other rule sets.
    """

    name: ClassVar[str] = "gopher_repetition"
    tuned_on: ClassVar[tuple[WordUnit, ...]] = ("whitespace", "treebank")
    num_text_rules: ClassVar[int] = 5

    # every default: Rae et al. 2021, table A1
    max_duplicate_paragraph_fraction: Ratio = 0.30
    max_duplicate_paragraph_char_fraction: Ratio = 0.20
    max_duplicate_line_fraction: Ratio = 0.30
    max_duplicate_line_char_fraction: Ratio = 0.20
    max_top_ngram_char_fractions: TopNgramBounds = (0.20, 0.18, 0.16)
    """For n-grams of 2, 3 and 4 words."""
    max_duplicate_ngram_char_fractions: LongNgramBounds = (
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
            *ngram_limits(self.max_top_ngram_char_fractions, self.max_duplicate_ngram_char_fractions),
        )

    def statistics(self) -> tuple[str, ...]:
        """Counts of what repeats."""
        return (
            "num_chars",
            "num_paragraphs",
            "num_duplicate_paragraphs",
            "duplicate_paragraph_chars",
            "num_run_lines",
            "num_duplicate_run_lines",
            "duplicate_run_line_chars",
            *NGRAM_STATISTICS,
        )

    def values(self, counts: Mapping[str, Counts | Measures]) -> Sequence[FloatArray | Counts]:
        """Fractions of the paragraphs, the lines and the characters."""
        chars = counts["num_chars"]
        return (
            chars,
            fraction(counts["num_duplicate_paragraphs"], counts["num_paragraphs"]),
            fraction(counts["duplicate_paragraph_chars"], chars),
            fraction(counts["num_duplicate_run_lines"], counts["num_run_lines"]),
            fraction(counts["duplicate_run_line_chars"], chars),
            *ngram_values(counts),
        )
