"""Lines of symbols go, as the published formatter removes them."""
# ruff: noqa: RUF001 -- look-alike characters are what the tests are about

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from operators.repair.symbol_lines import SymbolLines
from operators.text.characters import SYMBOL_RANGES
from tests.unit.operators.repair.texts import repaired

PIPES = SymbolLines(symbols="|", leave="blank_lines")


@pytest.mark.parametrize(
    ("text", "expected", "num_lines"),
    [
        ("text\n---\nmore\n", "text\nmore\n", 1),
        ("text\n* * *\n ... \nmore", "text\nmore", 2),
        ("text\n---", "text", 1),
        ("text\n---\n", "text\n", 1),
        ("text\r\n---\r\nmore\r\n", "text\r\nmore\r\n", 1),
        ("text\r\n===", "text", 1),
        ("---", "", 1),
        ("\n \n\t\n", "\n \n\t\n", 0),
        ("a|b\n|\t|\n- 1 -\n中。\n", "a|b\n|\t|\n- 1 -\n中。\n", 0),
        ("。，\n»\n", "", 2),
        ("", "", 0),
    ],
)
def test_lines_of_symbols_go(text: str, expected: str, num_lines: int):
    assert repaired(SymbolLines(), text, "next") == ([expected, "next"], [[num_lines], [0]])


def test_a_run_may_leave_blank_lines():
    assert repaired(PIPES, "a\n|\n| |\nb\n---\n|\n") == (["a\n\n\nb\n---\n\n\n"], [[3]])
    assert repaired(PIPES, *["|"] * 50) == (["\n"] * 50, [[1]] * 50)


def test_no_symbols_are_refused():
    with pytest.raises(ValidationError, match="at least 1 character"):
        SymbolLines(symbols="")


def published(text: str, symbols: set[str], replacement: str) -> str:
    """The published rule over lines that line feeds end, for texts that end in no line feed."""
    lines, inside = [], False
    for line in text.split("\n"):
        is_symbols = bool(line.strip()) and set(line) <= symbols | {" "}
        if not is_symbols:
            lines.append(line)
        elif replacement and not inside:
            lines.append(replacement)
        inside = is_symbols
    return "\n".join(lines)


LINES = st.text(st.sampled_from("|-. a中。\t"), max_size=4)


@given(st.lists(st.lists(LINES, max_size=5).map("\n".join), max_size=4))
def test_equal_to_the_published_rule(texts: list[str]):
    texts = [text for text in texts if text and not text.endswith("\n")]
    symbols = {chr(code_point) for first, last in SYMBOL_RANGES for code_point in range(first, last + 1)}
    assert repaired(SymbolLines(), *texts)[0] == [published(text, symbols, "") for text in texts]
    assert repaired(PIPES, *texts)[0] == [published(text, {"|"}, "\n") for text in texts]
