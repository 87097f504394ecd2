from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pydantic import ValidationError

from pipeline.rule_set import Limit, RuleSet, judge


class Length(RuleSet):
    """Between `least` and `most` characters."""

    name: ClassVar[str] = "length"
    least: float | None = 2
    most: float | None = 4

    def limits(self):
        return (Limit("short", "min", self.least), Limit("long", "max", self.most))

    def open_measure(self):
        def measure(batch):
            lengths = pc.utf8_length(batch["text"]).to_numpy().astype(np.float64)
            return np.column_stack([lengths, lengths])

        return measure


def documents(*texts, languages=None):
    columns = {"text": pa.array(texts, pa.large_string())}
    if languages is not None:
        columns["language"] = pa.array(languages, pa.large_string())
    return pa.RecordBatch.from_pydict(columns)


def test_the_first_broken_limit_decides_and_a_value_equal_to_its_limit_is_kept():
    low = np.array([1.0, 2.0, 0.5, 2.0, np.nan])
    high = np.array([9.0, 9.5, 9.5, 9.0, np.nan])
    verdicts = judge(np.column_stack([low, high]), [Limit("low", "min", 1.0), Limit("high", "max", 9.0)])
    assert verdicts.keep.tolist() == [True, False, False, True, True]
    assert verdicts.rule[~verdicts.keep].tolist() == [1, 0]
    assert verdicts.rule.dtype == np.int16
    np.testing.assert_array_equal(verdicts.value, [np.nan, 9.5, 0.5, np.nan, np.nan])
    np.testing.assert_array_equal(verdicts.threshold, [np.nan, 9.0, 1.0, np.nan, np.nan])


@pytest.mark.parametrize(("side", "kept"), [("min", [False, False, True]), ("max", [True, False, False])])
def test_a_limit_that_is_not_inclusive_drops_a_value_equal_to_it(side, kept):
    values = np.array([[0.5], [1.0], [1.5]])
    assert judge(values, [Limit("strict", side, 1.0, inclusive=False)]).keep.tolist() == kept


def test_a_limit_of_none_is_off():
    verdicts = judge(np.array([[0.0, 3.0]]), [Limit("off", "min", None), Limit("most", "max", 2.0)])
    assert verdicts.rule.tolist() == [1]


def test_a_rule_set_names_its_rules_and_judges_the_text():
    rules = Length()
    assert rules.rules() == ("short", "long")
    assert rules.requires().names == ["text"]
    verdicts = rules.open()(documents("a", "ab", "abcd", "abcde"))
    assert verdicts.keep.tolist() == [False, True, True, False]
    assert verdicts.threshold[[0, 3]].tolist() == [2.0, 4.0]


def test_documents_of_other_languages_pass_unjudged_and_unmeasured():
    rules = Length(languages=("en", "de"))
    assert rules.requires().names == ["text", "language"]
    batch = documents("a", "a", "a", "abc", languages=["en", "fr", None, "de"])
    assert rules.open()(batch).keep.tolist() == [False, True, True, True]
    np.testing.assert_array_equal(rules.open_values()(batch)[:, 0], [1.0, np.nan, np.nan, 3.0])
    assert rules.open()(documents("a", "b", languages=["fr", "fr"])).keep.all()


@pytest.mark.parametrize("languages", [(), ("",), ("en", "en")])
def test_languages_are_distinct_labels(languages):
    with pytest.raises(ValidationError, match="expected distinct labels"):
        Length(languages=languages)
