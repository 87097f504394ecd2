import re

import pytest

from operators.text.regex_classes import ALPHANUMERIC, DECIMAL, DIGIT, SPACE, UPPERCASE, WORD, regex_classes

CHARACTERS = "aA_0٣²½Ⅷⅷ \u00a0\u2028\u0301é中-\0İ\U0001f600ǅ"


@pytest.mark.parametrize("character", CHARACTERS)
def test_classes_are_those_of_python(character):
    found = int(regex_classes()[ord(character)])
    expected = {
        WORD: re.match(r"\w", character),
        DECIMAL: re.match(r"\d", character),
        SPACE: re.match(r"\s", character),
        ALPHANUMERIC: character.isalnum(),
        DIGIT: character.isdigit(),
        UPPERCASE: character.isupper(),
    }
    assert {bit: bool(found & bit) for bit in expected} == {bit: bool(is_one) for bit, is_one in expected.items()}


def test_every_code_point_agrees_on_words():
    classes = regex_classes()
    words = {match.start() for match in re.finditer(r"\w", "".join(map(chr, range(0xD800))))}
    assert words == {int(k) for k in range(0xD800) if classes[k] & WORD}


def test_the_table_cannot_be_written():
    with pytest.raises(ValueError, match="read-only"):
        regex_classes()[0] = 1
