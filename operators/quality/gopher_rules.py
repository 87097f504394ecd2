"""Gopher's rules, as far as several rule sets judge by them: what they need counted, measure, and hold it against."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from operators.quality.bounds import LongNgramBounds, TopNgramBounds
from operators.quality.fraction import fraction
from operators.quality.word_rule_set import WordRuleSet
from operators.text.ngram_statistics import LONG_NGRAM_WORDS, TOP_NGRAM_WORDS
from operators.text.statistics import Counts, Measures
from pipeline.operator import FloatArray
from pipeline.rule_set import Limit

NGRAM_STATISTICS: Final = (
    *(f"top_{n}_gram_chars" for n in TOP_NGRAM_WORDS),
    *(f"duplicate_{n}_gram_chars" for n in LONG_NGRAM_WORDS),
)

_PROSE_BOUNDS: Final[tuple[tuple[str, Literal["min", "max"], str], ...]] = (
    ("too_few_words", "min", "min_words"),
    ("too_many_words", "max", "max_words"),
    ("words_too_short", "min", "min_mean_word_chars"),
    ("words_too_long", "max", "max_mean_word_chars"),
    ("too_many_hashes", "max", "max_hashes_per_word"),
    ("too_many_ellipses", "max", "max_ellipses_per_word"),
    ("too_many_bullet_lines", "max", "max_bullet_line_fraction"),
    ("too_many_ellipsis_lines", "max", "max_ellipsis_line_fraction"),
    ("too_few_alphabetic_words", "min", "min_alphabetic_word_fraction"),
    ("too_few_stop_words", "min", "min_stop_words"),
)
"""(rule, side, the field that holds the bound) of the quality rules."""


def prose_limits(rules: WordRuleSet) -> tuple[Limit, ...]:
    """Limits of the quality rules, from the fields of a rule set that has them."""
    return tuple(Limit(rule, side, getattr(rules, field)) for rule, side, field in _PROSE_BOUNDS)


def prose_statistics(stop_words: str = "num_distinct_stop_words") -> tuple[str, ...]:
    """What `prose_values` reads; `stop_words` is how they are counted."""
    return (
        "num_words",
        "num_content_words",
        "content_word_chars",
        "num_hashes",
        "num_ellipses",
        "num_lines",
        "num_bullet_lines",
        "num_ellipsis_lines",
        "num_alphabetic_words",
        stop_words,
    )


def prose_values(
    counts: Mapping[str, Counts | Measures], stop_words: str = "num_distinct_stop_words"
) -> tuple[FloatArray | Counts, ...]:
    """Counts, means and ratios in the order of `prose_limits`."""
    words, content_words = counts["num_words"], counts["num_content_words"]
    word_chars = fraction(counts["content_word_chars"], content_words)
    return (
        content_words,
        content_words,
        word_chars,
        word_chars,
        fraction(counts["num_hashes"], words),
        fraction(counts["num_ellipses"], words),
        fraction(counts["num_bullet_lines"], counts["num_lines"]),
        fraction(counts["num_ellipsis_lines"], counts["num_lines"]),
        fraction(counts["num_alphabetic_words"], words),
        counts[stop_words],
    )


def ngram_limits(top: TopNgramBounds, long: LongNgramBounds, kind: str = "duplicate") -> tuple[Limit, ...]:
    """Limits of the rules on n-grams: the most frequent short one, then long ones that occur again."""
    shorts = (Limit(f"top_{n}_word_ngram", "max", bound) for n, bound in zip(TOP_NGRAM_WORDS, top, strict=True))
    longs = (Limit(f"{kind}_{n}_word_ngrams", "max", bound) for n, bound in zip(LONG_NGRAM_WORDS, long, strict=True))
    return (*shorts, *longs)


def ngram_values(counts: Mapping[str, Counts | Measures]) -> Sequence[FloatArray]:
    """Shares of the text's characters, in the order of `ngram_limits`."""
    return [fraction(counts[name], counts["num_chars"]) for name in NGRAM_STATISTICS]
