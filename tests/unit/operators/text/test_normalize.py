# ruff: noqa: RUF001 -- look-alike characters are what this file is about
import re
import string
import sys
import unicodedata

import numpy as np
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.normalize import (
    FOLD_UNICODE_VERSION,
    load_folding,
    max_words,
    save_fold_table,
    scan_words,
    word_hashes,
)

MASK = (1 << 64) - 1
NUMBER = re.compile(r"\d+([.,]\d+)?")
OTHER_PUNCTUATION = "´«»\u2013\u2014\u2019“”„…\u2236━►、。〈〉《》「」【】！％（），．：；？～"
UNSPACED = re.compile(
    "["
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f"  # Thai and Lao, Burmese, Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff"  # radicals, kana, bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U0001aff0-\U0001b16f\U00020000-\U0003ffff"  # ideographs, kana
    "]"
)


def is_separator(character):
    return (
        character.isspace()
        or unicodedata.category(character) == "Cc"
        or character in string.punctuation
        or character in OTHER_PUNCTUATION
    )


def without_marks(character):
    """NFD without nonspacing marks, but for characters that fall into several or into punctuation."""
    bases = [part for part in unicodedata.normalize("NFD", character) if unicodedata.category(part) != "Mn"]
    keeps_itself = len(bases) > 1 or any(is_separator(base) for base in bases)
    return character if keeps_itself else "".join(bases)


def plain_words(text):
    """The rule on whole strings, step by step, without tables."""
    lowered = text.lower().replace("ς", "\u03c3")
    numbered = NUMBER.sub("0", lowered)
    spaced = "".join(" " if is_separator(character) else character for character in numbered)
    unmarked = "".join(map(without_marks, spaced))
    return UNSPACED.sub(lambda match: f" {match[0]} ", unmarked).split()


def mixed(value):
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & MASK
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & MASK
    return value ^ value >> 33


def plain_hash(word):
    """The word hash in Python's integers."""
    value = 0
    for character in word:
        letter = mixed(ord(character) * 0x9E3779B97F4A7C15 & MASK)
        value = (value + letter) * 0xD1342543DE82EF95 & MASK
    return mixed(value)


def plain_hashes(text):
    return [plain_hash(word) for word in plain_words(text)]


def in_unicode_3_2(character):
    """Characters old enough that every Python agrees with the shipped table about them."""
    return unicodedata.ucd_3_2_0.category(character) not in {"Cn", "Cs"}


OLD_CHARACTERS = st.characters(exclude_categories=["Cs"]).filter(in_unicode_3_2)
TEXT = st.text(st.sampled_from("aAzÀéσΣ 0123..,,٣४７/\t\n中ฟかガ한\u0301\u0e31≠ß") | OLD_CHARACTERS, max_size=60)


@settings(deadline=None, derandomize=True)  # the first example compiles
@given(TEXT)
def test_equals_the_rule_stated_plainly(text):
    assert word_hashes(text).tolist() == plain_hashes(text)


def test_every_character_of_the_basic_plane():
    characters = [chr(code_point) for code_point in range(0x10000)]
    text = "x".join(f"{character} " for character in characters if in_unicode_3_2(character))
    assert word_hashes(text).tolist() == plain_hashes(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  \n\t\x00\x85 ", []),
        ("... --- !!!", []),
        ("Hello, WORLD!", ["hello", "world"]),
        ("don't", ["don", "t"]),
        ("3.14 and 1,000 and 1.2.3", ["0", "and", "0", "and", "0", "0"]),
        ("1,000,000", ["0", "0"]),
        ("7. end", ["0", "end"]),
        ("a1b22c333", ["a0b0c0"]),
        ("١٢٫٥", ["0٫0"]),
        ("١٢.٥", ["0"]),
        ("1.٥ 1.a", ["0", "0", "a"]),
        ("１２", ["0"]),
        ("Café cafe\u0301", ["cafe", "cafe"]),
        ("\u0301 \u0301x", ["x"]),
        ("1\u03012", ["00"]),
        ("ΟΔΟΣ οδος", ["οδοσ", "οδοσ"]),
        ("İstanbul", ["istanbul"]),
        ("a≠b =", ["a≠b"]),
        ("한국어 텍스트", ["한국어", "텍스트"]),
        ("中文abc字", ["中", "文", "abc", "字"]),
        ("3年前", ["0", "年", "前"]),
        ("ガ", ["カ"]),
        ("ไทย", ["ไ", "ท", "ย"]),
        ("\U00020000\U0001f600", ["\U00020000", "\U0001f600"]),
        ("x" * 64, ["x" * 64]),
    ],
)
def test_examples(text, words):
    assert word_hashes(text).tolist() == [plain_hash(word) for word in words]


def test_a_run_of_equal_letters_does_not_cancel():
    runs = [int(word_hashes("b" * length)[0]) for length in range(1, 300)]
    assert len(set(runs)) == len(runs)


@settings(deadline=None, derandomize=True)  # the first example compiles
@given(TEXT, TEXT)
def test_scans_only_between_its_bounds(before, text):
    data = np.frombuffer((before + text + "tail").encode(), np.uint8)
    start, stop = len(before.encode()), len((before + text).encode())
    guard = np.uint64(12345)
    out = np.full(max_words(stop - start) + 1, guard)
    num_words = scan_words(data, start, stop, load_folding(), out)
    assert out[:num_words].tolist() == word_hashes(text).tolist()
    assert out[-1] == guard


@pytest.mark.parametrize("text", ["a " * 40, "a中" * 40, "中" * 80, "1中" * 40, "\ud55c " * 30, " " * 80])
def test_max_words_is_enough_where_words_are_dense(text):
    data = np.frombuffer(text.encode(), np.uint8)
    guard = np.uint64(12345)
    out = np.full(max_words(len(data)) + 1, guard)
    scan_words(data, 0, len(data), load_folding(), out)
    assert out[-1] == guard


def test_shipped_table_is_frozen():
    """Another table gives other signatures: raise SHINGLE_HASH_VERSION and the operators' versions with it."""
    assert xxhash.xxh3_64_hexdigest(load_folding().table.tobytes()) == "4d68ad5ffd994239"


@pytest.mark.skipif(
    unicodedata.unidata_version != FOLD_UNICODE_VERSION,
    reason=f"Python {sys.version_info[:2]} has another Unicode version than the shipped table",
)
def test_shipped_table_is_what_the_rule_makes(tmp_path):
    saved = np.load(save_fold_table(tmp_path))
    assert np.array_equal(load_folding().table, saved)
