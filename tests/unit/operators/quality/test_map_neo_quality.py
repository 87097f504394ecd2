import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from operators.quality.full_width_to_half_width import FullWidthToHalfWidth
from operators.quality.map_neo_links import MapNeoLinks
from operators.quality.map_neo_quality import MapNeoQuality
from tests.unit.operators.quality.map_neo_golden import batch_of, edited, golden_documents, golden_rows


def judged(operator, text):
    """The broken rule and its value, or None."""
    verdicts = operator.open()(batch_of([text]))
    return None if verdicts.keep[0] else [operator.rules()[verdicts.rule[0]], verdicts.value[0]]


def compare(rows, texts):
    operator = MapNeoQuality()
    verdicts = operator.open()(batch_of(texts))
    for d, (row, text) in enumerate(zip(rows, texts, strict=True)):
        if not text:  # the reference takes no empty text
            assert not verdicts.keep[d]
            continue
        found = None if verdicts.keep[d] else operator.rules()[verdicts.rule[d]]
        assert found == (row["broken"] and row["broken"][0])
        if found:
            assert verdicts.value[d] == pytest.approx(row["broken"][1], rel=1e-12)


def test_decisions_are_those_of_the_reference():
    rows = golden_rows()
    compare(rows, [row["without_links"] for row in rows])


def test_decisions_on_documents_are_those_of_the_reference():
    rows, texts = golden_documents()
    compare(rows, edited(MapNeoLinks(), edited(FullWidthToHalfWidth(), texts)))


def test_ngrams_are_those_of_the_reference():
    rows = [row for row in golden_rows() if row["without_links"]]
    values = MapNeoQuality().open_measure()(batch_of([row["without_links"] for row in rows]))[:, 14:]
    sizes = np.array([len(row["without_links"]) for row in rows])
    tops = np.array([row["ngrams"] for row in rows]) / sizes[:, np.newaxis]
    np.testing.assert_array_equal(values, tops)


OFF = {
    name: None
    for name in MapNeoQuality.model_fields
    if name.startswith(("min_", "max_")) and not name.endswith("fractions")
} | {"max_top_ngram_char_fractions": (None,) * 3, "max_duplicate_ngram_char_fractions": (None,) * 6}
DEFAULTS = {name: MapNeoQuality.model_fields[name].default for name in OFF}
VARIED = "".join(chr(0x4E00 + i) for i in range(400))


def top(n):
    return "max_top_ngram_char_fractions", tuple(
        limit if index == n - 2 else None for index, limit in enumerate(DEFAULTS["max_top_ngram_char_fractions"])
    )


def repeated(n, times, total):
    """A text of `total` characters in which an n-gram stands `times` times, between others that stand once."""
    text = "".join("甲乙丙丁戊己庚辛壬癸"[:n] + VARIED[i] for i in range(times))
    return text + VARIED[times : times + total - len(text)]


@pytest.mark.parametrize(
    ("field", "inside", "outside"),
    [
        ("max_bracketed_fraction", "【一二】" + VARIED[:16], "【一二】" + VARIED[:15]),
        ("min_sentences", "一.二", "一."),
        ("min_chars", VARIED[:50], VARIED[:49]),
        ("max_chars", "一" * 10_000, "一" * 10_001),
        ("min_mean_word_chars", "我们 " * 3 + "我 " * 7, "我们 " * 2 + "我 " * 7),
        ("max_mean_word_chars", "abcdefghij", "abcdefghijk"),
        ("max_hash_fraction", "#" + VARIED[:9], "#" + VARIED[:8]),
        ("max_ellipsis_fraction", "…" + VARIED[:9], "…" + VARIED[:8]),
        ("max_digit_fraction", "123" + VARIED[:7], "123" + VARIED[:6]),
        ("max_folded_line_fraction", "更多\n" * 3 + "一\n" * 7, "更多\n" * 3 + "一\n" * 6),
        ("max_bullet_line_fraction", "•一\n" * 9 + "一\n", "•一\n" * 10),
        ("min_punctuation_fraction", "一.", "一。"),
        ("min_distinct_char_fraction", "一" * 18 + "二", "一" * 19 + "二"),
        ("min_entropy", VARIED[:21], VARIED[:20]),
        (top(2), repeated(2, 11, 100), repeated(2, 12, 100)),
        (top(3), repeated(3, 7, 100), repeated(3, 8, 100)),
        (top(4), repeated(4, 5, 100), repeated(4, 6, 100)),
    ],
)
def test_each_limit_from_both_sides(field, inside, outside):
    name, limit = field if isinstance(field, tuple) else (field, DEFAULTS[field])
    operator = MapNeoQuality(**(OFF | {name: limit}))
    assert judged(operator, inside) is None
    assert judged(operator, outside) is not None


@pytest.mark.parametrize("n", range(5, 11))
@pytest.mark.parametrize(("count", "limit", "num_counted"), [("released", 0.25, 1), ("occurrences", 0.6, 2)])
def test_limits_of_duplicate_ngrams_from_both_sides(n, count, limit, num_counted):
    limits = tuple(limit if index == n - 5 else None for index in range(6))
    operator = MapNeoQuality(**(OFF | {"max_duplicate_ngram_char_fractions": limits, "duplicate_ngram_chars": count}))
    pair = VARIED[:n] + "x" + VARIED[:n]
    num_chars = math.ceil(num_counted * n / limit)  # the fewest that keep the share within the limit
    assert judged(operator, pair + VARIED[100 : 100 + num_chars - len(pair)]) is None
    assert judged(operator, pair + VARIED[100 : 100 + num_chars - 1 - len(pair)]) is not None


@settings(deadline=None, derandomize=True)
@given(st.text(st.sampled_from("ab一二"), max_size=60))
def test_what_the_released_code_counts_is_never_more_than_half(text):
    values = MapNeoQuality().open_measure()(batch_of([text]))[0, -6:]
    assert (values <= 0.5).all()


def test_other_units_are_refused_unless_allowed():
    with pytest.raises(ValidationError, match="word_unit"):
        MapNeoQuality(word_unit="script")
    assert MapNeoQuality(word_unit="script", allow_other_unit=True).rules() == MapNeoQuality().rules()


def test_an_empty_text_is_dropped_and_an_empty_batch_is_not_judged():
    assert judged(MapNeoQuality(), "") == ["too_few_sentences", 0]
    assert len(MapNeoQuality().open()(batch_of([])).keep) == 0
