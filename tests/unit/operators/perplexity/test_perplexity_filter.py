"""Limits by language."""

import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.perplexity.perplexity_filter import PerplexityFilter


def rows(*pairs: tuple[float | None, str | None]) -> pa.RecordBatch:
    perplexities, languages = zip(*pairs, strict=True)
    return pa.record_batch(
        {"perplexity": pa.array(perplexities, pa.float32()), "language": pa.array(languages, pa.large_string())}
    )


def test_limits_hold_for_their_language_alone():
    operator = PerplexityFilter(max_perplexity={"en": 500, "de": 800}, min_perplexity={"en": 20})
    pairs = [
        (500.0, "en"), (500.5, "en"), (20.0, "en"), (19.5, "en"), (700.0, "de"), (1.0, "de"), (9000.0, "fr"),
        (9000.0, None), (None, "en"),
    ]  # fmt: skip
    verdicts = operator.open()(rows(*pairs))
    assert verdicts.keep.tolist() == [True, False, True, False, True, True, True, True, True]
    assert operator.rules() == ("max_perplexity_de", "max_perplexity_en", "min_perplexity_en")
    dropped = [(verdicts.rule[row], verdicts.value[row], verdicts.threshold[row]) for row in (1, 3)]
    assert dropped == [(1, 500.5, 500.0), (2, 19.5, 20.0)]


def test_languages_may_be_restricted_further():
    operator = PerplexityFilter(max_perplexity={"en": 5, "de": 5}, languages=("de",))
    assert operator.open()(rows((9.0, "en"), (9.0, "de"))).keep.tolist() == [True, False]
    assert operator.requires().names == ["perplexity", "language"]


def test_limits_that_say_nothing_are_refused():
    with pytest.raises(ValidationError, match="expected a limit of one language at least; found none"):
        PerplexityFilter()
    with pytest.raises(ValidationError, match="min_perplexity of 'en': expected at most 5"):
        PerplexityFilter(max_perplexity={"en": 5}, min_perplexity={"en": 6})
