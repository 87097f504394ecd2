from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.quality.word_rule_set import WordRuleSet, check_unit
from pipeline.execution.row_pass import open_alone
from pipeline.rule_set import Limit


class Words(WordRuleSet):
    """Two words or more, of which some are alphabetic."""

    name: ClassVar[str] = "words"
    tuned_on: ClassVar = ("whitespace",)

    def limits(self):
        return (Limit("few", "min", 2), Limit("symbols", "min", 1))

    def statistics(self):
        return ("num_words", "num_alphabetic_words")

    def values(self, counts):
        return (counts["num_words"], counts["num_alphabetic_words"])


def batch_of(texts, **columns):
    return pa.RecordBatch.from_pydict(
        {"text": pa.array(texts, pa.large_string())}
        | {name: pa.array(values, pa.large_string()) for name, values in columns.items()}
    )


def test_it_judges_what_it_derives():
    rules = Words()
    assert rules.requires().names == []
    assert [annotator.adds().names for annotator in rules.derives()] == [
        ["whitespace.num_words", "whitespace.num_alphabetic_words"]
    ]
    verdicts = open_alone(rules)(batch_of(["a b", "a", "1 2", ""]))
    assert verdicts.keep.tolist() == [True, False, False, False]
    np.testing.assert_array_equal(verdicts.value, [np.nan, 1, 0, 0])


def test_documents_of_other_languages_are_not_scanned():
    rules = Words(languages=("en",))
    assert rules.derives()[0].languages == ("en",)
    verdicts = open_alone(rules)(batch_of(["a", "a"], language=["de", "en"]))
    assert verdicts.keep.tolist() == [True, False]


def test_a_unit_that_the_limits_were_not_tuned_on_must_be_allowed():
    with pytest.raises(ValidationError, match="word_unit: expected one that the limits were tuned on"):
        Words(word_unit="treebank")
    rules = Words(word_unit="treebank", allow_other_unit=True)
    assert open_alone(rules)(batch_of(["cat.", "cat"])).keep.tolist() == [True, False]
    check_unit("sentence_unit", "spacy", ("spacy",), allow_other_unit=False)
