"""docs/operators.md: it is up to date, and says what the code says."""

from pathlib import Path
from typing import ClassVar, Literal

import pyarrow as pa
import pytest
from pydantic import Field

from jobs.document_operators import _operator_section, _row, document_operators
from operators.catalogue import COMPOSITES, OPERATORS
from pipeline.operator import FileRef, Filter, FilterFunction

PAGE = Path(__file__).parents[3] / "docs" / "operators.md"


class Sample(Filter):
    """Keeps something.

    A second paragraph.

    Columns:
        text: read.
        score, other: read; and this line
            goes on.

    Cost:
        None.
    """

    name: ClassVar[str] = "sample"
    version: ClassVar[int] = 7

    limit: int | None = Field(default=3, ge=1, lt=10)
    """How much. None: no
    limit."""
    side: Literal["left", "right"]
    file: FileRef
    pair: tuple[float, float] = (0.5, 1)
    files: dict[str, FileRef]

    def requires(self) -> pa.Schema:
        return pa.schema([])

    def rules(self) -> tuple[str, ...]:
        return ("first", "second")

    def open(self) -> FilterFunction:
        raise NotImplementedError


def test_the_committed_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == "\n".join(document_operators()) + "\n", (
        "run `python -m jobs.document_operators > docs/operators.md`"
    )


def test_everything_has_a_section():
    headings = [line.removeprefix("## ") for line in document_operators() if line.startswith("## ")]
    assert headings == [*OPERATORS, *COMPOSITES]


def test_every_table_row_has_four_cells_or_three():
    rows = [line for line in document_operators() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {4, 5}


def test_a_section_holds_docstring_rules_and_fields():
    lines = list(_operator_section(Sample))
    assert lines[3].startswith("Filter; exact; version 7; ")
    for expected in (
        "Keeps something.",
        "- text: read.",
        "- score, other: read; and this line",
        "  goes on.",
        "**Cost.** None.",
        "**Rules**, in the order in which they are judged: `first`, `second`",
        "| `limit` | integer, at least 1, below 10 or null | `3` | How much. None: no limit. |",
        '| `side` | `"left"` or `"right"` | required |  |',
        "| `file` | file | required |  |",
        "| `pair` | list of 2: number | `[0.5, 1]` |  |",
        "| `files` | mapping to file | required |  |",
    ):
        assert expected in lines


@pytest.mark.parametrize(("cell", "expected"), [("a|b", "| a\\|b |"), ("a\n  b", "| a b |")])
def test_a_cell_cannot_break_the_table(cell, expected):
    assert _row(cell) == expected
