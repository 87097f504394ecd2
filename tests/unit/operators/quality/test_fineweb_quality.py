import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.quality.fineweb_quality import FineWebQuality
from operators.quality.gopher_quality import GopherQuality
from operators.quality.gopher_repetition import GopherRepetition
from operators.text.text_statistics import TextStatistics
from pipeline.execution.row_pass import open_alone
from pipeline.plan.derivation import derive
from tests.golden.texts import golden_rows

RULE_OF_REFERENCE = {
    "empty": "empty_text",
    "line_punct_ratio": "too_few_terminal_lines",
    "short_line_ratio": "too_many_short_lines",
    "char_dup_ratio": "duplicate_line_chars",
    "list_ratio": "too_many_newlines",
}
OTHERS = {"quality": GopherQuality(word_unit="treebank"), "repetition": GopherRepetition(word_unit="treebank")}


@pytest.fixture(scope="module")
def golden():
    return [row for row in golden_rows("fineweb") if "statistics" in row]


def batch_of(texts):
    return pa.record_batch([pa.array(texts, pa.large_string())], names=["text"])


def dropped_by(operator, texts):
    verdicts = open_alone(operator)(batch_of(texts))
    return [None if keep else operator.rules()[rule] for keep, rule in zip(verdicts.keep, verdicts.rule, strict=True)]


def test_statistics_are_those_of_the_reference(golden):
    operator = TextStatistics(statistics=tuple(golden[0]["statistics"]), word_unit="treebank")
    found = operator.open()(batch_of([row["text"] for row in golden]))
    for row, counts in zip(golden, zip(*found.columns, strict=True), strict=True):
        assert dict(zip(operator.statistics, [count.as_py() for count in counts], strict=True)) == row["statistics"], (
            row["name"]
        )


def test_decisions_are_those_of_the_reference(golden):
    found = dropped_by(FineWebQuality(), [row["text"] for row in golden])
    for row, rule in zip(golden, found, strict=True):
        assert rule == RULE_OF_REFERENCE.get(row["dropped_by"]["fineweb"]), row["name"]


@pytest.mark.parametrize("name", OTHERS)
def test_decisions_on_treebank_words_are_those_of_the_reference_as_it_comes(golden, name):
    found = dropped_by(OTHERS[name], [row["text"] for row in golden])
    for row, rule in zip(golden, found, strict=True):
        assert (rule is None) == (row["dropped_by"][name] is None), row["name"]


@pytest.mark.parametrize("rule", FineWebQuality().rules())
def test_each_threshold_has_a_golden_row_just_inside_and_just_outside(golden, rule):
    by_name = {row["name"]: row["dropped_by"]["fineweb"] for row in golden}
    assert by_name[f"{rule}: inside"] is None
    assert RULE_OF_REFERENCE[by_name[f"{rule}: outside"]] == rule


def test_a_verdict_says_what_was_measured_and_the_bound():
    text = "the letters of a line of text that ends here.\n" * 2
    verdicts = open_alone(FineWebQuality())(batch_of([text, "", "word"]))
    assert verdicts.value.tolist() == [0.5, 0.0, 0.0]
    assert verdicts.threshold.tolist() == [0.01, 1.0, 0.12]


def test_how_long_a_short_line_is_is_configuration():
    text = "a line of this length is long.\n"
    assert dropped_by(FineWebQuality(), [text]) == ["too_many_short_lines"]
    assert dropped_by(FineWebQuality(short_line_chars=29), [text]) == [None]


def test_its_words_are_those_that_the_limits_were_made_for():
    with pytest.raises(ValidationError, match="word_unit: expected one that the limits were tuned on"):
        FineWebQuality(word_unit="whitespace")
    with pytest.raises(ValidationError, match="max_newlines_per_word"):
        FineWebQuality(max_newlines_per_word=-1)


def test_one_pass_serves_the_rules_of_gopher_and_fineweb(golden):
    chain = (*OTHERS.values(), FineWebQuality())
    links = derive(chain)
    assert [link.is_derived for link in links] == [True, True, False, False, False]  # lines, then words
    batch = batch_of([row["text"] for row in golden])
    scans = [link.operator.open()(batch) for link in links[:2]]
    shared = pa.record_batch(
        [column for scan in scans for column in scan.columns],
        names=[name for scan in scans for name in scan.schema.names],
    )
    for rules in chain:
        alone = open_alone(rules)(batch)
        together = rules.open()(shared)
        np.testing.assert_array_equal(alone.keep, together.keep)
        np.testing.assert_array_equal(alone.value, together.value)
