import math

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.quality.dolma_gopher import DolmaGopher
from pipeline.execution.row_pass import open_alone
from pipeline.rule_values import RuleValues
from tests.golden.texts import golden_rows

TOP = "fraction_of_characters_in_most_common_ngram"
REPEATED = "fraction_of_characters_in_duplicate_ngrams"
ATTRIBUTES = {
    "too_few_words": "word_count",
    "too_many_words": "word_count",
    "words_too_short": "median_word_length",
    "words_too_long": "median_word_length",
    "too_many_symbol_words": "symbol_to_word_ratio",
    "too_few_alphabetic_words": "fraction_of_words_with_alpha_character",
    "too_few_stop_words": "required_word_count",
    "too_many_bullet_lines": "fraction_of_lines_starting_with_bullet_point",
    "too_many_ellipsis_lines": "fraction_of_lines_ending_with_ellipsis",
    "repeated_lines": "fraction_of_duplicate_lines",
    "repeated_line_chars": "fraction_of_characters_in_duplicate_lines",
}


@pytest.fixture(scope="module")
def golden():
    return golden_rows("dolma")


@pytest.fixture(scope="module")
def values(golden):
    """What is measured in the golden texts, a row each."""
    rules = DolmaGopher()
    batch = pa.record_batch([pa.array([row["text"] for row in golden], pa.large_string())], names=["text"])
    measured = open_alone(RuleValues(rule_set=rules))(batch)
    return np.column_stack([column.to_numpy(zero_copy_only=False) for column in measured.columns])


def expected_values(attributes):
    words = [attributes[name] for name in ATTRIBUTES.values()]
    top = [attributes[TOP].get(str(n), 0.0) for n in (2, 3, 4)]
    return [*words, *top, *(attributes[REPEATED].get(str(n), 0.0) for n in range(5, 11))]


def test_values_are_those_of_the_reference(golden, values):
    for row, found in zip(golden, values, strict=True):
        assert found.tolist() == expected_values(row["attributes"]), row["name"]


def judged(rules, text):
    return open_alone(rules)(pa.record_batch([pa.array([text], pa.large_string())], names=["text"]))


@pytest.mark.parametrize("index", range(len(DolmaGopher().rules())))
def test_a_value_equal_to_its_limit_is_kept_and_the_next_one_is_dropped(golden, values, index):
    limit = DolmaGopher().limits()[index]
    place = int(values[:, index].argmax())
    text, value = golden[place]["text"], float(values[place, index])
    assert value > 0
    beyond = math.nextafter(value, math.inf if limit.side == "min" else -math.inf)
    if limit.rule in {"too_few_words", "too_many_words", "too_few_stop_words"}:
        beyond = int(value) + (1 if limit.side == "min" else -1)
    inside, outside = (only(index, bound) for bound in (type(beyond)(value), beyond))
    assert judged(inside, text).keep.tolist() == [True]
    verdicts = judged(outside, text)
    assert verdicts.keep.tolist() == [False]
    assert outside.rules()[verdicts.rule[0]] == limit.rule
    assert (verdicts.value[0], verdicts.threshold[0]) == (value, beyond)


def only(index, bound):
    """The rules with this bound alone."""
    bounds = [None] * len(DolmaGopher().rules())
    bounds[index] = bound
    names = [name for name in DolmaGopher.model_fields if name.startswith(("min_", "max_"))]
    fields = dict(zip(names[:11], bounds[:11], strict=True))
    return DolmaGopher(
        **fields,
        max_top_ngram_char_fractions=tuple(bounds[11:14]),
        max_repeated_ngram_char_fractions=tuple(bounds[14:]),
    )


def test_an_empty_text_has_no_lines_and_no_words():
    assert judged(DolmaGopher(), "").keep.tolist() == [False]
    off = only(0, None)
    assert judged(off, "").keep.tolist() == [True]
    assert judged(off, "\n \n").keep.tolist() == [True]


@pytest.mark.parametrize(
    ("field", "value"), [("min_words", -1), ("stop_words", ("of the",)), ("max_top_ngram_char_fractions", (0.1, 0.1))]
)
def test_wrong_configuration_is_refused(field, value):
    with pytest.raises(ValidationError, match=field):
        DolmaGopher(**{field: value})
