# ruff: noqa: RUF001 -- look-alike characters are what the rules are about
import numpy as np
import pytest

from operators.text.treebank_affixes import infix_bytes, prefix_bytes, suffix_bytes
from operators.text.treebank_rules import treebank_rules


def prefix(text: str) -> str:
    data = np.frombuffer(text.encode(), np.uint8)
    length = prefix_bytes(data, np.uintp(0), np.uintp(len(data)), treebank_rules().flags)
    return text.encode()[:length].decode()


def suffix(text: str) -> str:
    data = np.frombuffer(text.encode(), np.uint8)
    length = suffix_bytes(data, np.uintp(0), np.uintp(len(data)), treebank_rules())
    return text.encode()[len(data) - int(length) :].decode()


def infix(before: str, rest: str) -> str:
    data = np.frombuffer((before + rest).encode(), np.uint8)
    flags = treebank_rules().flags
    begin = np.uintp(len(before.encode()))
    length = infix_bytes(data, begin, np.uintp(len(data)), flags[ord(before)] if before else np.uint32(0), flags)
    return rest.encode()[:length].decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(a", "("), ("...a", "..."), (".a", ""), ("+a", "+"), ("+1", ""), ("+", "+"), ("-a", ""), ("US$5", "US$"),
        ("USA", ""), ("US", ""), ("U", ""), ("C$", "C$"), ("A$5", "A$"), ("B$5", ""), ("€5", "€"), ("……a", "…"),
        ("“a", "“"), ("@a", ""), ("#a", "#"), ("©a", "©"),
    ],
)  # fmt: skip
def test_prefix_is_that_of_spacy(text, expected):
    assert prefix(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a)", ")"), ("a...", "..."), ("..", ".."), ("a.", "."), ("A.", ""), ("AB.", "."), ("aB.", ""), ("1.", "."),
        ('".', "."), ("%.", "."), ("|.", "."), ("/.", ""), (".", ""), ("°F.", "."), ("x……", "……"), ("x…", "…"),
        ("a's", "'s"), ("a’S", "’S"), ("'s", "'s"), ("as", ""), ("s", ""), ("1+", "+"), ("a+", ""), ("5$", "$"),
        ("5US$", "US$"), ("a$", ""), ("10km", "km"), ("5km/h", "km/h"), ("5m²", "m²"), ("km", ""),
        ("akm", ""), ("5%", "%"), ("5x", ""), ("5اكواب", "اكواب"), ("a—", "—"), ("1°", "°"), ("b\u0301.", ""),
    ],
)  # fmt: skip
def test_suffix_is_that_of_spacy(text, expected):
    assert suffix(text) == expected


@pytest.mark.parametrize(
    ("before", "rest", "expected"),
    [
        ("", "…a", "…"), ("a", "...b", "..."), ("a", ".B", "."), ("a", ".b", ""), ("A", ".B", ""), ("a", '."', "."),
        ("", ".B", ""), ("a", ",b", ","), ("1", ",b", ""), ("a", ",1", ""), ("a", "-b", "-"), ("1", "-b", "-"),
        ("a", "--b", "--"), ("a", "---b", "---"), ("a", "----b", ""), ("a", "——b", "——"), ("a", "———b", ""),
        ("a", "–b", "–"), ("a", "~b", "~"), ("a", "-1", ""), ("1", "-1", "-"), ("1", "--1", "-"), ("1", "*2", "*"),
        ("1", "^-2", "^"), ("1", "*a", ""), ("1", "/a", "/"), ("a", "/b", "/"), ("a", "/1", ""), ("1", "<a", "<"),
        ("_", "/b", ""), ("a", ":", ""), ("", "/a", ""), ("(", "☃)", "☃"), ("a", "+b", ""),
    ],
)  # fmt: skip
def test_infix_is_that_of_spacy(before, rest, expected):
    assert infix(before, rest) == expected
