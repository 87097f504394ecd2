"""What is shared keeps its order: limits and what is measured against them stand in the same places."""

import numpy as np

from operators.quality.fineweb2_quality import FineWeb2Quality
from operators.quality.gopher_quality import GopherQuality
from operators.quality.gopher_rules import (
    NGRAM_STATISTICS,
    ngram_limits,
    ngram_values,
    prose_limits,
    prose_statistics,
    prose_values,
)


def numbered(names):
    """Each statistic with a number of its own."""
    return {name: np.array([float(2 + place)]) for place, name in enumerate(names)}


def test_a_bound_of_none_turns_its_own_rule_off():
    for rules in (GopherQuality(max_words=None), FineWeb2Quality(max_words=None)):
        assert [limit.rule for limit in prose_limits(rules) if limit.limit is None] == ["too_many_words"]


def test_each_limit_of_prose_meets_what_it_is_about():
    counts = numbered(prose_statistics("stops"))
    measured = dict(
        zip((limit.rule for limit in prose_limits(GopherQuality())), prose_values(counts, "stops"), strict=True)
    )
    assert measured["too_few_words"] == measured["too_many_words"] == counts["num_content_words"]
    assert measured["too_many_ellipses"] == counts["num_ellipses"] / counts["num_words"]
    assert measured["too_many_bullet_lines"] == counts["num_bullet_lines"] / counts["num_lines"]
    assert measured["too_few_stop_words"] == counts["stops"]


def test_each_limit_on_ngrams_meets_the_ngrams_of_its_length():
    limits = ngram_limits((0.2, 0.3, 0.4), (0.5, 0.6, 0.7, 0.8, 0.9, 1.0), "repeated")
    values = ngram_values(numbered((*NGRAM_STATISTICS, "num_chars")))
    assert len(limits) == len(values) == len(NGRAM_STATISTICS)
    for limit, name in zip(limits, NGRAM_STATISTICS, strict=True):
        assert limit.rule.split("_")[1] == name.split("_")[1]
    assert [limit.limit for limit in limits][:4] == [0.2, 0.3, 0.4, 0.5]
    assert np.all(np.diff(np.concatenate(values)) > 0)
