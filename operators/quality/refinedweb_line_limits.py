"""The limits of RefinedWeb's corrections of lines, as fields of the operators that apply or count them."""

from operators.quality.bounds import Count, Fraction
from operators.quality.refinedweb_line_rules import LineRules, line_rules
from pipeline.operator import Operator


class RefinedWebLineLimits(Operator):
    """Fields that an edit of lines and the judgement of its extent have in common.

    Every default: Penedo et al. 2023, arXiv 2306.01116, appendix G.2; where that gives no number, DCLM's
    dclm_baseline_refinedweb.yaml.
    """

    max_uppercase_fraction: Fraction = 0.5
    """Share of a line's characters that may be capital letters; more removes it."""
    max_digit_fraction: Fraction = 0.999999
    """Share of a line's characters that may be digits; the default removes lines of digits alone."""
    remove_counters: bool = True
    min_words: Count = 2
    """Words of a line."""
    max_phrase_line_words: Count = 10
    """Words up to which phrases are cut out of a line; None leaves them in all lines."""

    def line_rules(self) -> LineRules:
        """The limits as kernels read them."""
        return line_rules(
            self.max_uppercase_fraction,
            self.max_digit_fraction,
            removes_counters=self.remove_counters,
            min_words=self.min_words,
            max_phrase_line_words=self.max_phrase_line_words,
        )
