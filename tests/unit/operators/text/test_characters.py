import sys

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.characters import (
    ALPHABETIC,
    CONTENT,
    DECIMAL,
    HASH_OR_ELLIPSIS,
    LOWERCASE,
    NUM_CODE_POINTS,
    SYMBOL_RANGES,
    TERMINAL,
    TERMINAL_RANGES,
    UPPERCASE,
    WHITESPACE,
    character_classes,
    count_characters,
    decode,
    document_text,
    longest_text,
    skip_whitespace,
    skip_whitespace_back,
)
from pipeline.kernel import Bytes, kernel

EDGE_CHARACTERS = "\0\x1c\x1f \x7f\x80\x85\xa0\xff\u07ff\u0800\u2028\u3000\ud7ff\ue000\uffff\U00010000\U0010ffff"
texts = st.text(st.one_of(st.sampled_from(EDGE_CHARACTERS), st.characters(exclude_categories=["Cs"])))


@kernel
def decode_all(data: Bytes, out: np.ndarray) -> np.uintp:
    num_chars = np.uintp(0)
    i = np.uintp(0)
    while i < np.uintp(data.shape[0]):
        code_point, width = decode(data, i)
        out[num_chars] = code_point
        num_chars += np.uintp(1)
        i += width
    return num_chars


def bytes_of(text: str) -> Bytes:
    return np.frombuffer(text.encode(), np.uint8)


def test_classes_are_those_of_str():
    classes = character_classes()
    terminal = {code for first, last in TERMINAL_RANGES for code in range(first, last + 1)}
    symbols = {code for first, last in SYMBOL_RANGES for code in range(first, last + 1)} | terminal
    assert len(classes) == NUM_CODE_POINTS == sys.maxunicode + 1
    for code in range(NUM_CODE_POINTS):
        character = chr(code)
        expected = WHITESPACE if character.isspace() else 0 if code in symbols else CONTENT
        if character.isalpha():
            expected |= ALPHABETIC
        if character.isdecimal():
            expected |= DECIMAL
        if character.isupper():
            expected |= UPPERCASE
        elif character.islower() or character.istitle():
            expected |= LOWERCASE
        if character in "#\u2026":
            expected |= HASH_OR_ELLIPSIS
        if code in terminal:
            expected |= TERMINAL
        if classes[code] != expected:
            raise AssertionError((hex(code), int(classes[code]), expected))


def test_combining_marks_are_content_and_no_letters():
    for mark in "\u0301\u0e34\u094d":
        assert character_classes()[ord(mark)] == CONTENT


def test_table_is_shared_and_read_only():
    assert character_classes() is character_classes()
    assert not character_classes().flags.writeable


@settings(deadline=None, derandomize=True)
@given(texts)
def test_decode_and_count_agree_with_python(text):
    data = bytes_of(text)
    out = np.zeros(len(text) + 1, np.uint32)
    num_chars = decode_all(data, out)
    assert out[:num_chars].tolist() == [ord(character) for character in text]
    assert count_characters(data, np.uintp(0), np.uintp(len(data))) == len(text)


@settings(deadline=None, derandomize=True)
@given(texts, st.text(st.sampled_from(" \n\u2003\x85\u3000")), st.text(st.sampled_from(" \r\u2028\x1f")))
def test_skipping_whitespace_is_strip(middle, before, after):
    text = before + middle + after
    data = bytes_of("<" + text + ">")
    begin, end = np.uintp(1), np.uintp(len(data) - 1)  # the neighbours must not be looked at
    first = skip_whitespace(data, begin, end, character_classes())
    last = skip_whitespace_back(data, begin, end, character_classes())
    assert bytes(data[first:end]).decode() == text.lstrip()
    assert bytes(data[begin:last]).decode() == text.rstrip()


def test_document_text_has_one_type_for_empty_and_sliced_arrays():
    array = pa.array(["ab", "", "cde"], pa.large_string())
    for part in (array, array[1:], array[:0], pa.array(["", ""], pa.large_string())):
        data, offsets = document_text(part)
        assert not data.flags.writeable
        assert not offsets.flags.writeable
        found = [bytes(data[offsets[d] : offsets[d + 1]]).decode() for d in range(len(part))]
        assert found == part.to_pylist()
        assert longest_text(offsets) == max(map(len, found), default=0)
