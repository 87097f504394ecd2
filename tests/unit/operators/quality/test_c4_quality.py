# ruff: noqa: RUF001 -- look-alike characters are what a rule is about
import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.quality.c4_lines import C4Lines
from operators.quality.c4_quality import C4Quality
from tests.golden_rows import golden_rows, is_result

LINES = {"c4": C4Lines(), "fineweb": C4Lines(require_terminal_punctuation=False)}
PROSE = "We walked to the mill. It was late.\n"


def batch_of(texts):
    field = pa.field("text", pa.large_string(), nullable=False)
    return pa.record_batch([pa.array(texts, pa.large_string())], schema=pa.schema([field]))


def dropped_by(operator, batch):
    verdicts = operator.open()(batch)
    return [None if keep else operator.rules()[rule] for keep, rule in zip(verdicts.keep, verdicts.rule, strict=True)]


@pytest.mark.parametrize("name", LINES)
def test_with_the_edit_of_lines_decisions_and_texts_are_those_of_the_reference(name):
    rows = golden_rows("c4")
    edited = LINES[name].open()(batch_of([row["input"] for row in rows])).columns
    found = dropped_by(C4Quality(), edited)
    assert dict(zip([row["name"] for row in rows], found, strict=True)) == {
        row["name"]: row[name].get("dropped_by") for row in rows
    }
    for row, rule, text in zip(rows, found, edited.column("text").to_pylist(), strict=True):
        assert rule is not None or is_result(text, row[name]), row["name"]


@pytest.mark.parametrize("rule", C4Quality().rules())
def test_each_threshold_has_a_golden_row_just_inside_and_just_outside(rule):
    by_name = {row["name"]: row["c4"] for row in golden_rows("c4")}
    assert by_name[f"{rule}: outside"] == {"dropped_by": rule}
    assert "dropped_by" not in by_name[f"{rule}: inside"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", [0, 0, 0]),
        (PROSE * 3, [0, 0, 6]),
        ("no end\nand no end", [0, 0, 2]),
        ("Lorem ipsum dolor. LOREM IPSUM.\nlorem\nipsum", [1, 0, 4]),
        ("{ a { b\r\n{ c\u2028}", [0, 2, 3]),
    ],
)
def test_values_are_counts_of_lines_and_sentences(text, values):
    assert C4Quality().open_measure()(batch_of([text])).tolist() == [values]


def test_a_rule_that_is_off_drops_nothing():
    text = "A { and lorem ipsum."
    assert dropped_by(C4Quality(), batch_of([text])) == ["lorem_ipsum"]
    assert dropped_by(C4Quality(max_lorem_ipsum_lines=None), batch_of([text])) == ["curly_bracket"]
    off = C4Quality(max_lorem_ipsum_lines=None, max_curly_bracket_lines=None, min_sentences=None)
    assert dropped_by(off, batch_of([text])) == [None]


def test_other_sentence_units_must_be_allowed():
    with pytest.raises(ValidationError, match="sentence_unit: expected the one that the limit was tuned on"):
        C4Quality(sentence_unit="terminal")
    operator = C4Quality(sentence_unit="cjk", allow_other_unit=True, min_sentences=2)
    assert dropped_by(operator, batch_of(["一。二！", "一二！"])) == [None, "too_few_sentences"]
