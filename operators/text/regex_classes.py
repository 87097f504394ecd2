r"""The classes of characters that regular expressions and single-character tests of Python know, as one table.

Beside `operators.text.characters`, for rules that were published as regular expressions over `\w`, `\d` and `\s`.
"""

from functools import lru_cache
from typing import Final

import numpy as np

from operators.text.characters import NUM_CODE_POINTS, Classes

WORD: Final = 1
r"""`\w`: letters, digits and other numbers of any script, and the underscore."""
ALPHANUMERIC: Final = 2
"""`str.isalnum`."""
DECIMAL: Final = 4
r"""`\d`, `str.isdecimal`."""
DIGIT: Final = 8
"""`str.isdigit`: decimal digits, and superscript ones and the like."""
SPACE: Final = 16
r"""`\s`, `str.isspace`."""
UPPERCASE: Final = 32
"""`str.isupper`."""


@lru_cache(maxsize=1)
def regex_classes() -> Classes:
    """The class bits of every code point, (0x110000,) uint8. One shared table: read it only."""
    characters = np.arange(NUM_CODE_POINTS, dtype=np.uint32).view("<U1")
    classes = np.zeros(NUM_CODE_POINTS, np.uint8)
    alphanumeric = np.strings.isalnum(characters)
    classes[alphanumeric] = WORD | ALPHANUMERIC
    classes[ord("_")] |= WORD
    classes[np.strings.isdecimal(characters)] |= DECIMAL
    classes[np.strings.isdigit(characters)] |= DIGIT
    classes[np.strings.isspace(characters)] |= SPACE
    classes[np.strings.isupper(characters)] |= UPPERCASE
    classes.flags.writeable = False
    return classes
