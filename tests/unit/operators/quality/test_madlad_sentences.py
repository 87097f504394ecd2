import pytest
from pydantic import ValidationError

from operators.quality.madlad_sentences import MadladSentences
from tests.unit.operators.quality.map_neo_golden import batch_of

GOOD = "This is an ordinary sentence. "
BAD = "Facebook has an ordinary sentence. "


def judged(text, **fields):
    operator = MadladSentences(**fields)
    verdicts = operator.open()(batch_of([text]))
    return None if verdicts.keep[0] else operator.rules()[verdicts.rule[0]]


@pytest.mark.parametrize(
    ("fields", "inside", "outside", "rule"),
    [
        ({}, GOOD * 5, GOOD * 4, "too_few_sentences"),
        ({}, GOOD * 8 + BAD * 2, GOOD * 8 + BAD * 3, "questionable_sentences"),
        ({"keep_at_limit": False}, GOOD * 9 + BAD, GOOD * 8 + BAD * 2, "questionable_sentences"),
        ({"max_list_case_fraction": 0.1}, GOOD * 9 + "A " * 12, GOOD * 8 + "Aa " * 12, "list_case_sentences"),
        ({"max_abnormal_length_fraction": 0.1}, GOOD * 9 + "Tiny.", GOOD * 8 + "Tiny.", "abnormal_length_sentences"),
        ({"max_technical_fraction": 0.1}, GOOD * 9 + "{}" * 12, GOOD * 8 + "{}" * 12, "technical_sentences"),
        ({"max_cursed_fraction": 0.1}, GOOD * 9 + BAD, GOOD * 8 + BAD, "cursed_sentences"),
    ],
)
def test_each_limit_from_both_sides(fields, inside, outside, rule):
    assert judged(inside, **fields) is None
    assert judged(outside, **fields) == rule


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ("abnormal_length", "a" * 18),
        ("abnormal_length", "a" * 500),
        ("technical", "{(+/)}" + "a" * 20),
        ("cursed", "a sentence with an mp3 in it"),
        ("list_case", "Aa Ab Ac Ad Ae Af Ag ah ai aj ak al"),
    ],
)
def test_sentences_are_questionable_by_the_rules_asked_for(rules, sentence):
    text = GOOD * 4 + f"{sentence}. " * 2
    assert judged(text) == "questionable_sentences"
    assert judged(text, sentence_rules=(rules,)) == "questionable_sentences"
    others = {"list_case", "abnormal_length", "technical", "cursed"} - {rules}
    assert judged(text, sentence_rules=tuple(others)) is None


@pytest.mark.parametrize(
    ("sentence", "is_kept"),
    [("a" * 19, True), ("a" * 499, True), ("{" * 4 + "a" * 15, True), ("Aa Ab Ac ad ae af ag", True)],
)
def test_sentences_at_the_bounds_are_not_questionable(sentence, is_kept):
    assert (judged(GOOD * 4 + f"{sentence}. " * 2) is None) == is_kept


def test_olmo3_reads_most_patterns_as_text():
    text = GOOD * 4 + "This is an ordinary sentence of Vol.3 in a row. "
    assert judged(text, max_cursed_fraction=0) == "cursed_sentences"
    assert judged(text, max_cursed_fraction=0, cursed_patterns="olmo3") is None


@pytest.mark.parametrize("rules", [(), ("cursed", "cursed"), ("language",)])
def test_other_rules_are_refused(rules):
    with pytest.raises(ValidationError, match="sentence_rules"):
        MadladSentences(sentence_rules=rules)
