"""What is no text goes; words stay apart."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.repair.control_characters import CONTROL_RANGES, PRIVATE_USE_RANGES, ControlCharacters
from tests.unit.operators.repair.texts import repaired

PRIVATE = "\ue000\uf8ff\U000f0000\U0010fffd"


@pytest.mark.parametrize(
    ("text", "expected", "size"),
    [
        ("plain\ttext\n", "plain\ttext\n", 0),
        ("a\x00b\x07c\x7f\x9bd", "abcd", 4),
        ("line\r\nline\rline\r", "line\nline\nline\n", 3),
        ("a\r\r\nb", "a\n\nb", 2),
        ("a\vb\fc\x1cd\x1de\x1ef\x85g", "a\nb\nc\nd\ne\nf\ng", 6),
        ("a\x1fb", "a b", 1),
        ("\u200bjoin\u200d\u202e\ufeff中é", "\u200bjoin\u200d\u202e\ufeff中é", 0),
        ("", "", 0),
    ],
)
def test_control_characters(text: str, expected: str, size: int):
    assert repaired(ControlCharacters(), text, "next") == ([expected, "next"], [[size, 0, 0], [0, 0, 0]])


def test_private_use_and_replacement_characters_are_choices():
    text = f"a{PRIVATE}b\ufffdc"
    assert repaired(ControlCharacters(), text) == (["ab\ufffdc"], [[0, 4, 0]])
    assert repaired(ControlCharacters(private_use=False), text) == ([text], [[0, 0, 0]])
    assert repaired(ControlCharacters(replacement_character=True), text) == (["abc"], [[0, 4, 1]])


def test_the_ranges_are_the_categories_of_unicode():
    for category, ranges in (("Cc", CONTROL_RANGES), ("Co", PRIVATE_USE_RANGES)):
        inside = {code_point for first, last in ranges for code_point in range(first, last + 1)}
        assert inside == {c for c in range(0x110000) if unicodedata.category(chr(c)) == category}


@given(st.lists(st.text(st.characters(codec="utf-8") | st.sampled_from("\r\n\t\0\x85\ue000\ufffd")), max_size=4))
def test_what_remains_is_what_is_no_control_character(texts: list[str]):
    results, sizes = repaired(ControlCharacters(replacement_character=True), *texts)
    for text, result, size in zip(texts, results, sizes, strict=True):
        gone = [c for c in text if (unicodedata.category(c) in ("Cc", "Co") and c not in "\n\t") or c == "\ufffd"]
        assert sum(size) == len(gone)
        assert not [c for c in result if unicodedata.category(c) in ("Cc", "Co") and c not in "\n\t"]
        assert "".join(result.split()) == "".join("".join(c for c in text if c not in gone).split())
        assert len(result.splitlines()) <= len(text.splitlines())
    assert repaired(ControlCharacters(replacement_character=True), *results)[0] == results
