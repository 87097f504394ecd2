# ruff: noqa: RUF001 -- look-alike characters are what this file is about
import re
import string
import unicodedata

import numpy as np
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.normalize import FOLD_UNICODE_VERSION, word_hashes
from operators.text.normalized_characters import (
    Normalization,
    character_hashes,
    load_rule,
    normalize_characters,
    normalized_text,
    save_rule_table,
    words_of_characters,
)

DATATROVE, LOWERCASE, NONE = Normalization.DATATROVE, Normalization.LOWERCASE, Normalization.NONE


def in_unicode_3_2(character):
    """Characters old enough that every Python agrees with the shipped tables about them."""
    return unicodedata.ucd_3_2_0.category(character) not in {"Cn", "Cs"}


TEXT = st.text(
    st.sampled_from("aAzÀéσΣς 0123..,,٣४７/\t\n中ฟかガ한\u0301≠ß\x00\x01")
    | st.characters(exclude_categories=["Cs"]).filter(in_unicode_3_2),
    max_size=60,
)


def hashes_of_words(text, normalization):
    data = np.frombuffer(text.encode(), np.uint8)
    characters, words = np.empty(len(data) + 1, np.uint32), np.empty(len(data) + 1, np.uint64)
    num_characters = normalize_characters(data, 0, len(data), load_rule(normalization), characters)
    return words[: words_of_characters(characters, num_characters, words)].tolist()


@settings(deadline=None, derandomize=True)  # the first example compiles
@given(TEXT)
def test_words_of_characters_are_the_words_of_the_scan(text):
    assert hashes_of_words(text, DATATROVE) == word_hashes(text).tolist()


def plain_lowercase(text):
    text = text.replace("\x01", " ").replace("\x00", " ").lower().replace("ς", "σ").replace("i\u0307", "i")
    return re.sub(r"\s+", " ", text.translate(str.maketrans("", "", string.punctuation))).strip()


@settings(deadline=None, derandomize=True)
@given(TEXT)
def test_lowercase_is_the_rule_stated_plainly(text):
    text = text.replace("\u0307", "")  # the dot that lower case gives a dotted capital I, and the rule does not
    assert normalized_text(text, LOWERCASE) == plain_lowercase(text)


@settings(deadline=None, derandomize=True)
@given(TEXT)
def test_none_leaves_the_text_as_it_is(text):
    assert normalized_text(text, NONE) == text


@settings(deadline=None, derandomize=True)
@given(TEXT, st.sampled_from(Normalization))
def test_normalizing_twice_is_normalizing_once(text, normalization):
    once = normalized_text(text, normalization)
    assert normalized_text(once, normalization) == once


@pytest.mark.parametrize(
    ("text", "normalization", "expected"),
    [
        ("  Hello,\n WORLD! 3.14  ", DATATROVE, "hello world 0"),
        ("  Hello,\n WORLD! 3.14  ", LOWERCASE, "hello world 314"),
        ("don't x-y", DATATROVE, "don t x y"),
        ("don't x-y", LOWERCASE, "dont xy"),
        ("Café ΟΔΟΣ", DATATROVE, "cafe οδοσ"),
        ("Café ΟΔΟΣ", LOWERCASE, "café οδοσ"),
        ("中文。 字", DATATROVE, "中文 字"),
        ("中文。 字", LOWERCASE, "中文。 字"),
        (" ... ", DATATROVE, ""),
        (" ... ", LOWERCASE, ""),
        ("", NONE, ""),
    ],
)
def test_examples(text, normalization, expected):
    assert normalized_text(text, normalization) == expected


@settings(deadline=None, derandomize=True)
@given(st.text(st.sampled_from("aA.9é中ฟ \n\u3000\x01"), max_size=40))
def test_words_without_normalisation_are_runs_between_white_space(text):
    words = re.sub("([中ฟ])", r" \1 ", text.replace("\x01", " ")).split()
    assert hashes_of_words(text, NONE) == [hashes_of_words(word, NONE)[0] for word in words]
    assert len(set(hashes_of_words(text, NONE))) == len(set(words))


@settings(deadline=None, derandomize=True)
@given(TEXT, TEXT)
def test_reads_only_between_its_bounds(before, text):
    data = np.frombuffer((before + text + "1tail").encode(), np.uint8)
    start, stop = len(before.encode()), len((before + text).encode())
    for normalization in Normalization:
        guard = np.uint32(12345)
        out = np.full(stop - start + 1, guard)
        num = normalize_characters(data, start, stop, load_rule(normalization, verbatim=True), out)
        whole = np.empty(stop - start + 1, np.uint32)
        rule = load_rule(normalization, verbatim=True)
        assert num == normalize_characters(data[start:stop].copy(), 0, stop - start, rule, whole)
        assert out[:num].tolist() == whole[:num].tolist()
        assert out[-1] == guard


def test_characters_have_hashes_of_their_own():
    characters = np.arange(1, 0x3000, dtype=np.uint32)
    hashes = np.empty(len(characters), np.uint64)
    character_hashes(characters, len(characters), hashes)
    assert len(np.unique(hashes)) == len(characters)


@pytest.mark.parametrize(("normalization", "digest"), [(LOWERCASE, "d62a4a870c611a05"), (NONE, "34f69513bb64b949")])
def test_shipped_tables_are_frozen(normalization, digest):
    """Another table gives other signatures: raise SHINGLE_HASH_VERSION and the operators' versions with it."""
    assert xxhash.xxh3_64_hexdigest(load_rule(normalization).table.tobytes()) == digest


@pytest.mark.skipif(
    unicodedata.unidata_version != FOLD_UNICODE_VERSION,
    reason="this Python has another Unicode version than the shipped tables",
)
@pytest.mark.parametrize("normalization", [LOWERCASE, NONE])
def test_shipped_tables_are_what_the_rules_make(normalization, tmp_path):
    assert np.array_equal(load_rule(normalization).table, np.load(save_rule_table(normalization, tmp_path)))
