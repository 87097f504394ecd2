"""How CCNet writes lines before its language models see them."""

import unicodedata
from functools import lru_cache
from typing import Final

PUNCTUATION: Final = {
    # full-width and ideographic marks
    0xFF0C: ",", 0x3001: ",", 0x3002: ".", 0xFF0E: ". ", 0xFF1A: ":", 0x2236: ":", 0xFF1B: ";", 0xFF1F: "?",
    0xFF01: "!", 0xFF05: "%", 0xFF5E: "~", 0xFF08: "(", 0xFF09: ")", 0x3010: "[", 0x3011: "]", 0x3008: "<",
    0x3009: ">",
    # quotation marks
    0x201E: '"', 0x201C: '"', 0x201D: '"', 0x00AB: '"', 0x00BB: '"', 0x300C: '"', 0x300D: '"', 0x300A: '"',
    0x300B: '"', 0x00B4: "'", 0x2019: "'",
    # dashes, and what stands for them
    0x2013: "-", 0x2014: " - ", 0x2501: "-", 0x25BA: "-", 0x2026: "...",
}  # fmt: skip
"""CCNet's table, `text_normalizer.py`. It has U+FF11 too, which is a digit, and so 0 by then."""


class _Characters(dict[int, str]):
    """What becomes of a character of decomposed text; filled as characters are met."""

    def __missing__(self, code_point: int) -> str:
        character = chr(code_point)
        category = unicodedata.category(character)
        if category == "Mn" or (category == "Cc" and character != "\n"):
            written = ""
        elif category == "Nd":
            written = "0"
        else:
            written = PUNCTUATION.get(code_point, character)
        self[code_point] = written
        return written


@lru_cache(maxsize=1)
def _characters() -> _Characters:
    return _Characters()


def normalized_lines(text: str) -> list[str]:
    """The lines of a text that are not blank: lower case, without accents, digits as 0, plain punctuation."""
    decomposed = unicodedata.normalize("NFD", text.lower())
    lines = (line.strip() for line in decomposed.translate(_characters()).split("\n"))
    return [line for line in lines if line]
