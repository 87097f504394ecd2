"""The rules that FineWeb added to Gopher's and C4's: ends of lines, short lines, duplicated lines, lists."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from operators.quality.bounds import Ratio
from operators.quality.fraction import fraction
from operators.quality.word_rule_set import WordRuleSet
from operators.text.statistics import Counts, Measures
from operators.text.text_statistics import SHORT_LINE_CHARS
from operators.text.word_unit import WordUnit
from pipeline.operator import FloatArray
from pipeline.rule_set import Limit


class FineWebQuality(WordRuleSet):
    """Keeps documents whose lines read like prose, not like lists or menus: FineWeb's own rules.

    Lines are what stands between line feeds, if it is more than whitespace. A bound of None turns its rule off; a value
    equal to its bound is kept. A text without lines breaks the rule `empty_text`.

    Columns:
        Reads `text` (large_string), through `text_statistics`, and `language` (large_string) if `languages` is given.
        A verdict's value is the number of lines, or the fraction that was measured.

    Determinism:
        EXACT, for one version of Python's Unicode data.

    Raises:
        ValidationError: at construction, for a negative bound, or a word unit that is not allowed.

    Source:
        Penedo et al. 2024, arXiv 2406.17557, section 3.6, as in datatrove 0.10.1 (`FineWebQualityFilter`): a line is
        ended if its last character is one of 159 marks of sentence ends in any script, with nothing behind it, not
        even a space or quotation mark; the characters of duplicated lines are held against the text's without its line
        feeds; line feeds are counted against words, which are `treebank` for English. Different from it: where a text
        has lines but no words, its line feeds per word are 0 (there an error).

    Cost:
        That of `text_statistics`, whose pass it shares with other rule sets.
    """

    name: ClassVar[str] = "fineweb_quality"
    tuned_on: ClassVar[tuple[WordUnit, ...]] = ("treebank",)

    word_unit: WordUnit = "treebank"
    """What a word is; see docs/filters.md."""
    # every default: Penedo et al. 2024, section 3.6; the first is 0.12 in the paper and in the released code
    min_terminal_line_fraction: Ratio = 0.12
    """Lines that end in a mark of a sentence's end."""
    max_short_line_fraction: Ratio = 0.67
    short_line_chars: int = Field(default=SHORT_LINE_CHARS, ge=0)
    """Up to how many characters a line is short."""
    max_duplicate_line_char_fraction: Ratio = 0.01
    max_newlines_per_word: Ratio = 0.3

    def limits(self) -> tuple[Limit, ...]:
        """`empty_text`, then one rule a bound, in the order of the fields."""
        return (
            Limit("empty_text", "min", 1.0),
            Limit("too_few_terminal_lines", "min", self.min_terminal_line_fraction),
            Limit("too_many_short_lines", "max", self.max_short_line_fraction),
            Limit("duplicate_line_chars", "max", self.max_duplicate_line_char_fraction),
            Limit("too_many_newlines", "max", self.max_newlines_per_word),
        )

    def statistics(self) -> tuple[str, ...]:
        """Counts of lines, and of words."""
        return (
            "num_chars",
            "num_newlines",
            "num_text_lines",
            "num_terminal_text_lines",
            "num_short_text_lines",
            "duplicate_text_line_chars",
            "num_words",
        )

    def statistic_settings(self) -> dict[str, Any]:  # Any: as the base class says
        """Which lines are short."""
        return {"short_line_chars": self.short_line_chars}

    def values(self, counts: Mapping[str, Counts | Measures]) -> Sequence[FloatArray | Counts]:
        """Fractions of the lines and of the characters."""
        lines = counts["num_text_lines"]
        return (
            lines,
            fraction(counts["num_terminal_text_lines"], lines),
            fraction(counts["num_short_text_lines"], lines),
            fraction(counts["duplicate_text_line_chars"], counts["num_chars"] - counts["num_newlines"]),
            fraction(counts["num_newlines"], counts["num_words"]),
        )
