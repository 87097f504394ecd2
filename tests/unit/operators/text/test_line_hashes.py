import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.text.characters import character_classes
from operators.text.line_hashes import BLOCK, hash_numbers, hash_units
from pipeline.document import TEXT_TYPE
from tests.line_oracle import PIECES, keys_of

TEXTS = st.lists(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), max_size=5)


def found(texts, unit="line", min_words=1, exempt=(), offset=0):
    """{ordinal: hash} of each text."""
    column = pa.array(["before 1"] * offset + list(texts), TEXT_TYPE).slice(offset)
    is_exempt = np.array([number in exempt for number in range(len(texts))], np.bool_)
    units = hash_units(column, is_exempt, unit=unit, min_words=min_words)
    ends = np.cumsum(units.num_units)
    assert len(units.hashes) == len(units.ordinals) == (ends[-1] if len(texts) else 0)
    return [
        dict(zip(units.ordinals[end - num : end].tolist(), units.hashes[end - num : end].tolist(), strict=True))
        for end, num in zip(ends, units.num_units, strict=True)
    ]


@pytest.mark.parametrize("unit", ["line", "paragraph"])
@given(texts=TEXTS, min_words=st.integers(1, 4), offset=st.integers(0, 2))
def test_units_have_equal_hashes_where_words_and_numbers_are_equal(unit, texts, min_words, offset):
    hashes = found(texts, unit, min_words, offset=offset)
    keys = [keys_of(text, unit, min_words) for text in texts]
    assert [set(one) for one in hashes] == [set(one) for one in keys]
    pairs = {(key, one[ordinal]) for one, known in zip(hashes, keys, strict=True) for ordinal, key in known.items()}
    assert len(pairs) == len({key for key, _ in pairs}) == len({value for _, value in pairs})


def test_what_is_not_letters_or_digits_makes_no_difference():
    one, other = found(["Accept all Cookies: 12 of 3,5!", "* accept  ALL\tcookies 12, of (3.5)"])
    assert one == other


@pytest.mark.parametrize(
    ("one", "other"),
    [("page 12", "page 13"), ("a 1 23", "a 12 3"), ("1,5", "1 5"), ("year \u0661", "year \u0662"), ("a b", "b a")],
)
def test_numbers_and_order_make_a_difference(one, other):
    first, second = found([one, other])
    assert first != second


def test_documents_of_code_have_none():
    assert found(["one two", "one two"], exempt={1})[1] == {}


def test_no_documents_have_none():
    assert found([]) == []


DIGITS = ("a", "1", "22", "\u0663", "\uff14", "\U0001d7d5", "é", "中", " ", "x" * 31, "y" * 32, "中" * 11)


def number_hash(text):
    data = np.frombuffer(text.encode(), np.uint8)
    return hash_numbers(data, np.uintp(0), np.uintp(len(data)), character_classes())


@given(texts=st.lists(st.lists(st.sampled_from(DIGITS), max_size=8).map("".join), min_size=2, max_size=12))
def test_numbers_are_found_wherever_blocks_begin(texts):
    numbers = {tuple(re.findall(r"\d+", text)) for text in texts}
    assert len({number_hash(text) for text in texts}) == len(numbers)


@pytest.mark.parametrize("before", range(2 * BLOCK + 1))
def test_a_number_hashes_the_same_anywhere(before):
    assert number_hash("x" * before + "12 ٣ a") == number_hash("12,٣")
    assert number_hash("é" * before + "12 ٣ a") == number_hash("12,٣")
