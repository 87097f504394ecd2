"""docs/hostile-input.md is what the cases say."""

from pathlib import Path

from tests.hostile.page import page

PAGE = Path(__file__).parents[2] / "docs" / "hostile-input.md"


def test_the_committed_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == "\n".join(page()) + "\n", (
        "run `python -m tests.hostile.page > docs/hostile-input.md`"
    )
