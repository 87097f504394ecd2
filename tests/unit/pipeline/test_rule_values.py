"""A rule set in two halves: values in columns, and limits that are applied to them later."""

import pickle
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from pipeline.errors import PlanError
from pipeline.fingerprint import fingerprint, operator_identity
from pipeline.rule_values import (
    JudgeValues,
    RuleValues,
    carried,
    check_values,
    value_columns,
    what_changes,
    what_turns_on,
)
from tests.sample_operators import Shape

TEXTS = ["", "lamp", "a b\nc d\ne", "paper " * 30, "bread salt wool " * 12]


def documents(languages=None):
    columns = {"text": pa.array(TEXTS, pa.large_string())}
    if languages is not None:
        columns["language"] = pa.array(languages, pa.large_string())
    return pa.RecordBatch.from_pydict(columns)


def annotated(rule_set, batch):
    new = RuleValues(rule_set=rule_set).open()(batch)
    return pa.RecordBatch.from_pydict({name: part[name] for part in (batch, new) for name in part.schema.names})


def verdicts(operator, batch):
    found = operator.open()(batch)
    return repr([found.keep.tolist(), found.rule.tolist(), found.value.tolist(), found.threshold.tolist()])


def test_values_become_columns_and_what_was_not_measured_is_null():
    rule_set = Shape(languages=("en",))
    columns = RuleValues(rule_set=rule_set).open()(documents(["en", "de", None, "en", "en"]))
    assert columns.schema == value_columns(rule_set)
    assert columns.schema.names[:2] == ["shape.too_short", "shape.too_many_words"]
    assert columns["shape.too_many_words"].to_pylist() == [1, None, None, 31, 37]
    assert columns["shape.too_much_of_a_letter"].null_count == 3, "of an empty text there is no fraction"


@pytest.mark.parametrize(
    "limits",
    [{}, {"min_chars": 4}, {"min_chars": None}, {"max_words": 5, "max_lines": 0}, {"max_letter_fraction": 0.0}],
)
@pytest.mark.parametrize("languages", [None, ("en",)])
def test_judging_values_is_judging_texts(limits, languages):
    batch = documents(["en", "de", None, "en", "en"])
    wanted = Shape(**limits, languages=languages)
    judge = JudgeValues(rule_set=wanted)
    given = annotated(Shape(), batch)
    read = given.select(judge.requires().names)
    assert "text" not in read.schema.names
    assert verdicts(judge, read) == verdicts(wanted, batch)
    assert not np.all(judge.open()(read).keep)


def test_both_halves_are_named_for_their_rule_set():
    measuring, judging = RuleValues(rule_set=Shape()), JudgeValues(rule_set=Shape())
    assert (measuring.title, judging.title) == ("annotate.shape", "judge.shape")
    assert carried(measuring) == carried(judging) == Shape()
    assert carried(Shape()) is None
    assert measuring.requires() == Shape().requires()
    assert pickle.loads(pickle.dumps(judging)) == judging


def test_the_identity_of_a_half_holds_that_of_its_rule_set():
    class Newer(Shape):
        version = 2

    def identity(rule_set):
        return operator_identity(RuleValues(rule_set=rule_set), {})

    assert identity(Shape())["fields"]["rule_set"] == operator_identity(Shape(), {})
    identities = [identity(Shape()), identity(Newer()), identity(Shape(letter="e")), identity(Shape(min_chars=3))]
    assert len(set(map(fingerprint, identities))) == 4


def test_languages_stand_in_the_rule_set():
    assert JudgeValues(rule_set=Shape(languages=("en",))).requires().names[-1] == "language"
    with pytest.raises(ValidationError, match="expected them among the fields of the rule set"):
        JudgeValues(rule_set=Shape(), languages=("en",))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"min_chars": 3, "max_words": None}),
        ({"letter": "e"}, {"letter": "e", "max_lines": 9}),
        ({}, {"languages": ("en",)}),
        ({"languages": ("en", "de")}, {"languages": ("en",)}),
    ],
)
def test_other_limits_and_fewer_languages_may_be_judged(before, after):
    check_values(JudgeValues(rule_set=Shape(**after)), [RuleValues(rule_set=Shape(**before))])
    check_values(JudgeValues(rule_set=Shape(**after)), [])


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            {},
            {"letter": "e"},
            r"^judge\.shape: .*letter was 'a', is 'e', and is no limit: values differ; measure anew$",
        ),
        ({"languages": ("en",)}, {}, r"languages was \['en'\], is None, and is no limit"),
        ({"max_lines": None}, {}, r"rules \['too_many_lines'\] were off when values were measured"),
    ],
)
def test_values_of_other_settings_are_refused(before, after, message):
    with pytest.raises(PlanError, match=message):
        check_values(JudgeValues(rule_set=Shape(**after)), [RuleValues(rule_set=Shape(**before))])


class Listed(Shape):
    """Its letter turns a rule on."""

    name = "listed"

    def limits(self):
        return tuple(replace(limit, limit=limit.limit if self.letter else None) for limit in super().limits())


def test_a_field_that_is_measured_with_is_no_limit_though_it_turns_a_rule_on():
    assert "letter was '', is 'a', and is no limit" in what_changes(Listed(letter=""), Listed())
    assert what_changes(Listed(), Listed(min_chars=None, max_words=3)) is None


def test_a_rule_that_was_off_and_is_on_is_told():
    assert what_turns_on(Shape(max_lines=None, max_words=None), Shape(max_words=None)) == ("too_many_lines",)
    assert what_turns_on(Shape(), Shape(max_words=None)) == ()
