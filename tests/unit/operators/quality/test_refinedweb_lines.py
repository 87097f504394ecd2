import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.quality.refinedweb_lines import RefinedWebLines
from tests.golden_rows import golden_rows, is_result

PROSE = "It was late and they went home by the river."


def edited(operator, texts):
    field = pa.field("text", pa.large_string(), nullable=False)
    edits = operator.open()(pa.record_batch([pa.array(texts, pa.large_string())], schema=pa.schema([field])))
    return edits.columns.column("text").to_pylist(), edits


def test_texts_are_left_as_the_reference_leaves_them_and_every_edit_is_told():
    rows = golden_rows("refinedweb")
    found, edits = edited(RefinedWebLines(), [row["input"] for row in rows])
    for row, text in zip(rows, found, strict=True):
        assert is_result(text, row), row["name"]
    assert edits.edited.tolist() == [text != row["input"] for row, text in zip(rows, found, strict=True)]


@pytest.mark.parametrize("rule", ["upper_case", "digits", "too_few_words", "too_many_words_removed"])
def test_each_threshold_has_a_golden_row_just_inside_and_just_outside(rule):
    names = {row["name"] for row in golden_rows("refinedweb")}
    assert {f"{rule}: inside", f"{rule}: outside"} <= names


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("NEWS AND Views", "upper_case"),
        ("2024", "digits"),
        ("1.2K likes", "counter"),
        ("Menu", "too_few_words"),
        ("3 items in cart now", "items_in_cart"),
        ("The rest read more...", "read_more"),
        ("Sign-in to go on", "sign_in"),
    ],
)
def test_the_rule_that_edits_a_line_counts_it_and_can_be_turned_off(line, rule):
    text = f"{PROSE}\n{line}\n{PROSE}"
    _, edits = edited(RefinedWebLines(), [text])
    assert dict(zip(RefinedWebLines().rules(), edits.sizes[0], strict=True)) == {
        name: name == rule for name in RefinedWebLines().rules()
    }
    off = RefinedWebLines(
        max_uppercase_fraction=None,
        max_digit_fraction=None,
        remove_counters=False,
        min_words=None,
        max_phrase_line_words=None,
    )
    assert edited(off, [text])[0] == [text]


def test_ends_are_stripped_and_blank_lines_between_stay():
    found, edits = edited(RefinedWebLines(), [f"\n \n{PROSE}\n\n\n{PROSE} \n\n"])
    assert found == [f"{PROSE}\n\n\n{PROSE}"]
    assert edits.sizes[0].tolist() == [0, 0, 0, 0, 0, 0, 0, 1]


def test_a_share_above_one_is_refused():
    with pytest.raises(ValidationError, match="max_uppercase_fraction"):
        RefinedWebLines(max_uppercase_fraction=1.5)


@pytest.mark.parametrize("text", ["X" * 3_000_000, "a\n" * 1_500_000, "Ä1 " * 1_000_000 + "\n" + "\n" * 1_000_000])
def test_long_texts_of_one_kind_are_read_in_linear_time(text):
    found = edited(RefinedWebLines(), [text])[0][0]
    assert found == ("" if " " not in text else text.strip())
