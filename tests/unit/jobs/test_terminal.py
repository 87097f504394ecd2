import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from jobs.terminal import PlainConsole, printable

HOSTILE = "\x1b]0;title\x07 \x1b[31m red \x9b5n [bold]bold[/bold] [link=file:///]x[/link] :smile: \u202egpj.exe \r over"


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert all(character.isprintable() or character in "\n\t" for character in shown)
    assert printable(shown) == shown


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_what_can_be_printed_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def printed(content: object) -> str:
    written = io.StringIO()
    console = PlainConsole(file=written, force_terminal=True, color_system=None, width=400, legacy_windows=False)
    console.print(content, highlight=False)
    return written.getvalue()


def in_table(text: str) -> Table:
    table = Table(text)
    table.add_row(text)
    return table


@pytest.mark.parametrize("wrap", [str, in_table])
def test_a_console_shows_markup_and_escapes_as_they_are_written(wrap: type) -> None:
    shown = printed(wrap(HOSTILE))
    assert [character for character in "\x1b\x07\x9b\r\u202e" if character in shown] == []
    assert "[bold]bold[/bold] [link=file:///]x[/link] :smile:" in shown


LONG = "a_name_of_a_rule_that_is_long_" * 5


def columns_of(environment: pytest.MonkeyPatch, columns: str | None, **options: object) -> int:
    """The longest line of a console for a table and a line of text."""
    environment.delenv("COLUMNS", raising=False)
    if columns is not None:
        environment.setenv("COLUMNS", columns)
    written = io.StringIO()
    console = PlainConsole(file=written, **options)
    console.print(in_table(LONG))
    console.print(" ".join([LONG] * 4))
    return max(map(len, written.getvalue().splitlines()))


def test_what_goes_into_a_file_is_neither_cut_nor_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    assert columns_of(monkeypatch, None) == 4 * len(LONG) + 3
    assert columns_of(monkeypatch, "90") == 90
    assert columns_of(monkeypatch, None, width=70) == 70
    assert columns_of(monkeypatch, None, force_terminal=True, color_system=None) < 4 * len(LONG)
