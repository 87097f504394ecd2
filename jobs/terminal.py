"""What people read on a terminal: texts, ids and names of files come from anywhere, and must not command it.

Escape sequences move the cursor, set titles and answer as if somebody typed; square brackets are rich's own markup.
"""

import os
from typing import Any, Final

from rich.console import Console
from rich.text import Text

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_LAYOUT: Final = frozenset("\n\t")
_UNCUT_WIDTH: Final = 10_000
"""More than any table takes; tables are as wide as what is in them."""


def printable(text: str) -> str:
    """The text with spaces for unusual ones, and a sign for every character that cannot be printed."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in _LAYOUT else " " if character.isspace() else _REPLACEMENT
        for character in text
    )


class PlainConsole(Console):
    """A console that shows every string, in tables too, as it is written and printable. Styles come by `style`.

    Where nobody looks at a terminal, no line is wrapped and no cell cut, unless COLUMNS says how wide lines may be.
    """

    def __init__(self, **options: Any) -> None:  # Any: rich's options
        super().__init__(**options)
        if not self.is_terminal and "width" not in options and "COLUMNS" not in os.environ:
            self.width = _UNCUT_WIDTH

    def render_str(self, text: str, **options: Any) -> Text:  # Any: rich's options
        """The text that stands for a string, wherever it is printed."""
        return super().render_str(printable(text), **options | {"markup": False, "emoji": False})
