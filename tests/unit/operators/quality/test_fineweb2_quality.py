import math

import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.quality.fineweb2_quality import FineWeb2Quality
from pipeline.execution.row_pass import open_alone
from pipeline.rule_values import RuleValues
from tests.golden.texts import golden_rows

RULE_OF_REFERENCE = {
    "empty": "empty_text",
    "dup_line_frac": "duplicate_lines",
    **{f"top_{n}_gram": f"top_{n}_word_ngram" for n in (2, 3, 4)},
    **{f"duplicated_{n}_n_grams": f"duplicate_{n}_word_ngrams" for n in range(5, 11)},
    "line_punct_ratio": "too_few_terminal_lines",
    "char_dup_ratio": "duplicate_line_chars",
    "list_ratio": "too_many_newlines",
    "gopher_short_doc": "too_few_words",
    "gopher_long_doc": "too_many_words",
    "gopher_below_avg_threshold": "words_too_short",
    "gopher_above_avg_threshold": "words_too_long",
    "gopher_too_many_hashes": "too_many_hashes",
    "gopher_too_many_ellipsis": "too_many_ellipses",
    "gopher_too_many_bullets": "too_many_bullet_lines",
    "gopher_too_many_end_ellipsis": "too_many_ellipsis_lines",
    "gopher_below_alpha_threshold": "too_few_alphabetic_words",
    "gopher_enough_stop_words": "too_few_stop_words",
}
WHITESPACE = {"word_unit": "whitespace", "allow_other_unit": True}
TEXT = (
    "- the 的 年 #one… two three four five\n12 the 的 年 #one… two three four five six seven\nthe end…\nthe end。\n" * 2
)
"""Something of all that is measured."""


def judged(rules, text):
    return open_alone(rules)(pa.record_batch([pa.array([text], pa.large_string())], names=["text"]))


def test_decisions_are_those_of_the_reference():
    rules = FineWeb2Quality(**WHITESPACE)
    seen = set()
    for row in golden_rows("fineweb"):
        if "fineweb2" in row["dropped_by"]:
            verdicts = judged(rules, row["text"])
            found = None if verdicts.keep[0] else rules.rules()[verdicts.rule[0]]
            assert found == RULE_OF_REFERENCE.get(row["dropped_by"]["fineweb2"]), row["name"]
            seen.add(found)
    assert len(seen) >= 9


def test_rules_stand_in_the_order_of_the_reference():
    assert FineWeb2Quality().rules() == tuple(RULE_OF_REFERENCE.values())


@pytest.mark.parametrize("index", range(1, len(FineWeb2Quality().rules())))
def test_a_value_equal_to_its_limit_is_kept_and_the_next_one_is_dropped(index):
    limit = FineWeb2Quality().limits()[index]
    measured = FineWeb2Quality(**WHITESPACE)
    batch = pa.record_batch([pa.array([TEXT], pa.large_string())], names=["text"])
    value = open_alone(RuleValues(rule_set=measured))(batch).column(index)[0].as_py()
    assert value > 0
    is_count = limit.rule in {"too_few_words", "too_many_words", "too_few_stop_words"}
    towards = math.inf if limit.side == "min" else -math.inf
    beyond = int(value) + int(math.copysign(1, towards)) if is_count else math.nextafter(value, towards)
    assert judged(only(index, int(value) if is_count else value), TEXT).keep.tolist() == [True]
    verdicts = judged(only(index, beyond), TEXT)
    assert verdicts.keep.tolist() == [False]
    assert measured.rules()[verdicts.rule[0]] == limit.rule
    assert (verdicts.value[0], verdicts.threshold[0]) == (value, beyond)


def only(index, bound):
    """The rules with this bound alone."""
    bounds = [None] * len(FineWeb2Quality().rules())
    bounds[index] = bound
    names = [name for name in FineWeb2Quality.model_fields if name.startswith(("min_", "max_"))]
    single = [name for name in names if "ngram" not in name]
    return FineWeb2Quality(
        **WHITESPACE,
        **dict(zip(single, [bounds[1], *bounds[11:]], strict=True)),
        max_top_ngram_char_fractions=tuple(bounds[2:5]),
        max_duplicate_ngram_char_fractions=tuple(bounds[5:11]),
    )


def test_its_words_are_those_of_jieba():
    text = "我们在这里讨论语言模型的训练数据它们来自网络和书籍。" * 4
    assert FineWeb2Quality().derives()[-1].word_unit == "jieba"
    verdicts = judged(only(11, None).model_copy(update={"word_unit": "jieba", "min_words": 1000}), text)
    assert 40 <= verdicts.value[0] <= 80  # 100 characters of two words or three each five


@pytest.mark.parametrize("text", ["", " ", "\n\u3000\n"])
def test_texts_without_lines_are_dropped_even_with_every_bound_off(text):
    rules = only(1, None)
    assert judged(rules, text).keep.tolist() == [False]
    assert judged(rules, "的").keep.tolist() == [True]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("min_words", -1),
        ("stop_words", ("的 年",)),
        ("word_unit", "treebank"),
        ("max_top_ngram_char_fractions", (0.1,)),
    ],
)
def test_wrong_configuration_is_refused(field, value):
    with pytest.raises(ValidationError, match=field):
        FineWeb2Quality(**{field: value})


def test_a_language_needs_stop_words():
    with pytest.raises(ValidationError, match="stop_words: expected words; found none; min_stop_words: null"):
        FineWeb2Quality(stop_words=())
