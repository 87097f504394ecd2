"""What people read on a terminal: texts, ids and names of files come from anywhere, and must not command it.

Escape sequences move the cursor, set titles and answer as if somebody typed; square brackets are rich's own markup.
"""

from typing import Any, Final

from rich.console import Console
from rich.text import Text

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_LAYOUT: Final = frozenset("\n\t")


def printable(text: str) -> str:
    """The text with spaces for unusual ones, and a sign for every character that cannot be printed."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in _LAYOUT else " " if character.isspace() else _REPLACEMENT
        for character in text
    )


class PlainConsole(Console):
    """A console that shows every string, in tables too, as it is written and printable. Styles come by `style`."""

    def render_str(self, text: str, **options: Any) -> Text:  # Any: rich's options
        """The text that stands for a string, wherever it is printed."""
        return super().render_str(printable(text), **options | {"markup": False, "emoji": False})
