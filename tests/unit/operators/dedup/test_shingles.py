import doctest

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.dedup import shingles as shingles_module
from operators.dedup.shingles import SHINGLE_HASH_VERSION, Unit, shingle_hashes, token_shingle_hashes
from operators.text.normalize import word_hashes
from operators.text.normalized_characters import Normalization, normalized_text
from pipeline.document import TEXT_TYPE

FROZEN = {
    "datatrove": [[3112313031, 1443365880], [657857802]],
    "lowercase": [[2372812644, 3473394497], [2053576714]],
    "none": [[3386769082, 521564184], [2071939780, 3998154442]],
}
FROZEN_TOKENS = [2341041628, 3823096049]

TEXT = st.text(st.sampled_from("ab cd 1.,\n中éÉ"), max_size=80)

MASK = (1 << 64) - 1


def mixed(value):
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & MASK
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & MASK
    return value ^ value >> 33


def plain_shingle_hashes(words, ngram):
    """Shingles one by one in Python's integers, from the hashes of their units."""
    length = min(len(words), ngram)
    hashes = []
    for start in range(len(words) - length + 1 if words else 0):
        value = 0
        for word in words[start : start + length]:
            value = (value * 0xD6E8FEB86659FD93 + word) & MASK
        hashes.append(mixed(value) >> 32)
    return hashes


@settings(deadline=None, derandomize=True, max_examples=50)
@given(TEXT, st.integers(1, 6))
def test_rolling_shingles_equal_shingles_one_by_one(text, ngram):
    assert shingle_hashes(text, ngram).tolist() == plain_shingle_hashes(word_hashes(text).tolist(), ngram)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(TEXT, st.integers(1, 30), st.sampled_from(Normalization))
def test_shingles_of_characters(text, ngram, normalization):
    units = [mixed(ord(letter) * 0x9E3779B97F4A7C15 & MASK) for letter in normalized_text(text, normalization)]
    found = shingle_hashes(text, ngram, unit=Unit.CHARACTER, normalization=normalization)
    assert found.tolist() == plain_shingle_hashes(units, ngram)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.lists(st.integers(0, 2**32 - 1), max_size=30), st.integers(1, 6))
def test_shingles_of_tokens(ids, ngram):
    units = [mixed((token + 1) * 0x9E3779B97F4A7C15 & MASK) for token in ids]
    assert token_shingle_hashes(np.array(ids, np.uint32), ngram).tolist() == plain_shingle_hashes(units, ngram)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(TEXT, st.sampled_from(Normalization))
def test_words_depend_on_the_normalised_text_alone(text, normalization):
    once = normalized_text(text, normalization)
    found = shingle_hashes(text, 2, normalization=normalization)
    assert found.tolist() == shingle_hashes(once, 2, normalization=normalization).tolist()


def test_shingle_hashes_are_frozen():
    """Other values need another SHINGLE_HASH_VERSION: people keep these and mix them with datasketch's sketches."""
    assert SHINGLE_HASH_VERSION == 1
    assert shingle_hashes("The quick brown fox, 3.5 years old, jumps.").tolist() == [
        1355162029,
        2596685230,
        3119204145,
        3277466156,
    ]
    assert shingle_hashes("Müßig: 中文 ไทย").tolist() == [3563646546, 1336450234]


def test_shingle_hashes_of_other_settings_are_frozen():
    """As above."""
    text = "The 1st, ÉTÉ"
    found = {
        normalization: [
            shingle_hashes(text, 2, normalization=normalization).tolist(),
            shingle_hashes(text, 11, unit=Unit.CHARACTER, normalization=normalization).tolist(),
        ]
        for normalization in Normalization
    }
    assert found == FROZEN
    assert token_shingle_hashes(np.array([7, 50256, 0], np.uint32), 2).tolist() == FROZEN_TOKENS


def test_documented_example_runs():
    names = {"pa": pa, "TEXT_TYPE": TEXT_TYPE}
    results = doctest.testmod(shingles_module, raise_on_error=True, extraglobs=names)
    assert results.attempted == 7


def test_refuses_ngrams_without_units():
    with pytest.raises(ValueError, match="expected ngram >= 1; found 0"):
        shingle_hashes("text", 0)


def test_refuses_tokens_of_a_text():
    with pytest.raises(ValueError, match="use token_shingle_hashes"):
        shingle_hashes("text", unit="token")


@pytest.mark.parametrize("wrong", [{"unit": "line"}, {"normalization": "nfc"}])
def test_refuses_what_it_does_not_know(wrong):
    with pytest.raises(ValueError, match="is not a valid"):
        shingle_hashes("text", **wrong)
