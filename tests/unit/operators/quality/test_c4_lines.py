import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from operators.quality.c4_lines import C4Lines
from tests.golden_rows import golden_rows, is_result

SETTINGS = {
    "c4": C4Lines(),
    "lines": C4Lines(),
    "fineweb": C4Lines(require_terminal_punctuation=False),
    "fineweb_lines": C4Lines(require_terminal_punctuation=False),
    "line_rules_alone": C4Lines(remove_citations=False, spare_lorem_ipsum=False, spare_curly_brackets=False),
}
PHRASES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")


def edited(operator, texts):
    field = pa.field("text", pa.large_string(), nullable=False)
    edits = operator.open()(pa.record_batch([pa.array(texts, pa.large_string())], schema=pa.schema([field])))
    return edits.columns.column("text").to_pylist(), edits


def sizes_of(operator, text):
    _, edits = edited(operator, [text])
    return {rule: int(size) for rule, size in zip(operator.rules(), edits.sizes[0], strict=True) if size}


def by_definition(text):
    """C4's rules as they are published, a line after the other."""
    kept = []
    for line in map(str.strip, text.splitlines()):
        without = re.sub(r"\[\d*\]|\[edit\]|\[citation needed\]", "", line)
        lower = without.lower()
        is_seen = "lorem ipsum" in lower or ("{" in without and "javascript" not in lower)
        if (
            max(map(len, line.split()), default=0) <= 20
            and without.endswith((".", "?", "!", '"', "'"))
            and not without.endswith("...")
            and len(line.split()) >= 3
            and (is_seen or not any(phrase in lower for phrase in (*PHRASES, "javascript")))
        ):
            kept.append(without)
    return "\n".join(kept).strip()


@pytest.mark.parametrize("name", SETTINGS)
def test_texts_that_the_reference_keeps_are_left_as_it_leaves_them(name):
    rows = [row for row in golden_rows("c4") if "dropped_by" not in row[name]]
    found, _ = edited(SETTINGS[name], [row["input"] for row in rows])
    assert len(rows) > 20
    for row, text in zip(rows, found, strict=True):
        assert is_result(text, row[name]), row["name"]


PIECES = (
    "a", "word ", "two words ", ".", "...", "?", '"', "'", "!", ",", "\n", "\r\n", "\r", "\u2028", "\x85", " ",
    "\u3000",
    "[1]", "[", "]", "[edit]", "[citation needed]", "[٣]", "javascript", "JavaScript ", "lorem ipsum ", "{",
    "use cookies", "Privacy Policy", "coo\u212aie policy", "x" * 21, "é" * 20, "terms of use", "中文", "İ",
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=30).map("".join), max_size=4))
def test_lines_are_those_of_the_definition_and_every_edit_is_told(texts):
    found, edits = edited(C4Lines(max_word_chars=20), texts)
    assert found == [by_definition(text) for text in texts]
    assert edits.edited.tolist() == [text != before for text, before in zip(found, texts, strict=True)]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("a " + "x" * 1001 + " b.", "long_word"),
        ("no mark at the end", "no_terminal_mark"),
        ("an ellipsis at the end...", "no_terminal_mark"),
        ("two words.", "too_few_words"),
        ("please enable JavaScript now.", "javascript"),
        ("read our Privacy Policy now.", "policy"),
        ("as was shown[12] there[edit].", "citations"),
        ("  spaces around the line.  ", "whitespace"),
    ],
)
def test_the_rule_that_edits_a_line_counts_it(line, rule):
    text = f"We walked to the old mill.\n{line}\nIt stood by the river."
    assert sizes_of(C4Lines(), text) == {rule: 2 if rule == "citations" else 1}


@pytest.mark.parametrize("text", ["We walked to the mill.\n", "\nWe walked to the mill.", "We walked \r\nto the mill."])
def test_line_breaks_that_go_are_told(text):
    operator = C4Lines(require_terminal_punctuation=False, min_words=None)
    assert sizes_of(operator, text) == {"whitespace": 1}


@pytest.mark.parametrize(
    ("line", "stays"),
    [
        ("lorem ipsum in javascript.", True),
        ("lorem ipsum of a privacy policy.", True),
        ("a { of a privacy policy.", True),
        ("a { of some javascript.", False),
        ("the lorem ipsum without end", False),
    ],
)
def test_lines_that_a_rule_for_documents_must_see_stay(line, stays):
    assert edited(C4Lines(), [line])[0] == [line if stays else ""]
    alone = C4Lines(spare_lorem_ipsum=False, spare_curly_brackets=False)
    assert edited(alone, [line])[0] == [""]


def test_settings_of_tensorflow_datasets():
    operator = C4Lines(min_words=5, end_marks=(".", "?", "!", '"'), count_words_without_citations=True)
    text = "We walked to the mill.\nThey said 'it is late'\nOne two [1] three four.\nOne two three [1] four five."
    assert edited(operator, [text])[0] == ["We walked to the mill.\nOne two three  four five."]


@pytest.mark.parametrize("marks", [(), ("..",), (" ",), (".", ".")])
def test_end_marks_must_be_distinct_characters(marks):
    with pytest.raises(ValidationError, match="end_marks: expected distinct single characters"):
        C4Lines(end_marks=marks)


@pytest.mark.parametrize("text", ["x" * 3_000_000, "[1" * 1_500_000, "a\n" * 1_500_000, "use " * 750_000])
def test_long_texts_of_one_kind_are_read_in_linear_time(text):
    assert edited(C4Lines(), [text])[0] == [""]
