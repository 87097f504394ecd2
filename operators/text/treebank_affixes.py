"""What `treebank` words part from the beginning, the end and the inside of a chunk: one rule of spaCy's a branch.

Every function tells the bytes of one match, 0 where there is none. Each looks at a bounded number of characters, or at
a run of full stops that its caller then parts as a whole, so that splitting is linear.
"""

from typing import Final

import numpy as np

from operators.text.characters import decode
from operators.text.treebank_rules import (
    AFTER_DIGIT,
    BEFORE_PERIOD,
    DIGIT,
    ENDING,
    INFIX,
    LETTER,
    LOWER,
    MAX_CASE_BYTES,
    PREFIX,
    QUOTE,
    SUFFIX,
    UPPER,
    Flags,
    TreebankRules,
    slot_of,
)
from pipeline.hashing import WORD_MULTIPLIER
from pipeline.kernel import Bytes, borrowing_kernel, inline_kernel

DOLLAR: Final = 0x24
APOSTROPHE: Final = 0x27
ASTERISK: Final = 0x2A
PLUS: Final = 0x2B
COMMA: Final = 0x2C
HYPHEN: Final = 0x2D
FULL_STOP: Final = 0x2E
CARET: Final = 0x5E
DEGREE: Final = 0xB0
EN_DASH: Final = 0x2013
EM_DASH: Final = 0x2014
RIGHT_QUOTE: Final = 0x2019
ELLIPSIS: Final = 0x2026
TILDE: Final = 0x7E
RELATIONS: Final = (0x2F, 0x3A, 0x3C, 0x3D, 0x3E)
"""`/:<=>`"""

MAX_UNIT_BYTES: Final = 10
"""Of the longest unit, which is Arabic."""


@inline_kernel
def is_digit(byte: np.uint8) -> bool:
    """Whether the byte is one of 0 to 9."""
    return bool(np.uint8(0x30) <= byte <= np.uint8(0x39))


@borrowing_kernel
def last_character(data: Bytes, begin: np.uintp, end: np.uintp) -> np.uintp:
    """Where the last character of `data[begin:end]` begins; `end` where there is none."""
    if begin == end:
        return end
    i = end - np.uintp(1)
    while (data[i] & np.uint8(0xC0)) == np.uint8(0x80):
        i -= np.uintp(1)
    return i


@borrowing_kernel
def hash_more(word_hash: np.uint64, data: Bytes, begin: np.uintp, end: np.uintp) -> np.uint64:
    """The hash of a word that goes on with `data[begin:end]`; of one that begins there, from 0."""
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        word_hash = (word_hash + np.uint64(code_point) + np.uint64(1)) * WORD_MULTIPLIER
        i += width
    return word_hash


@borrowing_kernel
def find_case(data: Bytes, begin: np.uintp, end: np.uintp, rules: TreebankRules) -> np.uintp:
    """The slot of the special case `data[begin:end]` plus one; 0 where it is none."""
    num_bytes = end - begin
    if num_bytes > np.uintp(MAX_CASE_BYTES) or not rules.case_sizes[data[begin]] >> np.uint32(num_bytes) & np.uint32(1):
        return np.uintp(0)
    return slot_of(hash_more(np.uint64(0), data, begin, end), rules.cases)


@borrowing_kernel
def full_stops(data: Bytes, begin: np.uintp, end: np.uintp) -> np.uintp:
    """How many full stops `data[begin:end]` begins with."""
    i = begin
    while i < end and data[i] == np.uint8(FULL_STOP):
        i += np.uintp(1)
    return i - begin


@borrowing_kernel
def prefix_bytes(data: Bytes, begin: np.uintp, end: np.uintp, flags: Flags) -> np.uintp:
    """Bytes that are a word at the beginning of `data[begin:end]`, which is not empty."""
    code_point, width = decode(data, begin)
    second = begin + np.uintp(1)
    if flags[code_point] & np.uint32(PREFIX):
        if code_point == np.uint32(PLUS) and second < end and is_digit(data[second]):
            return np.uintp(0)
        return width
    if code_point == np.uint32(FULL_STOP):
        num_stops = full_stops(data, begin, end)
        return num_stops if num_stops > np.uintp(1) else np.uintp(0)
    is_a_or_c = code_point == np.uint32(0x41) or code_point == np.uint32(0x43)
    if is_a_or_c and second < end and data[second] == np.uint8(DOLLAR):
        return np.uintp(2)
    is_u = code_point == np.uint32(0x55)
    if is_u and end - begin > np.uintp(2) and data[second] == np.uint8(0x53):
        return np.uintp(3) if data[second + np.uintp(1)] == np.uint8(DOLLAR) else np.uintp(0)
    return np.uintp(0)


@borrowing_kernel
def final_stop_bytes(data: Bytes, begin: np.uintp, end: np.uintp, flags: Flags) -> np.uintp:
    """As `suffix_bytes`, for a full stop as the last character."""
    stop = end - np.uintp(1)
    while stop > begin and data[stop - np.uintp(1)] == np.uint8(FULL_STOP):
        stop -= np.uintp(1)
    if end - stop > np.uintp(1):
        return end - stop
    last = last_character(data, begin, stop)
    if last == stop:
        return np.uintp(0)
    code_point, _ = decode(data, last)
    found = flags[code_point]
    if found & np.uint32(BEFORE_PERIOD):
        return np.uintp(1)
    before = last_character(data, begin, last)
    if before == last:
        return np.uintp(0)
    earlier, _ = decode(data, before)
    if found & flags[earlier] & np.uint32(UPPER):
        return np.uintp(1)
    is_degree = code_point == np.uint32(0x46) or code_point == np.uint32(0x43) or code_point == np.uint32(0x4B)
    return np.uintp(1) if is_degree and earlier == np.uint32(DEGREE) else np.uintp(0)


@borrowing_kernel
def unit_bytes(data: Bytes, begin: np.uintp, end: np.uintp, rules: TreebankRules) -> np.uintp:
    """Bytes of the unit or currency that `data[begin:end]` ends in, behind a digit."""
    i = end
    while i > begin and end - i <= np.uintp(MAX_UNIT_BYTES):
        if is_digit(data[i - np.uintp(1)]):
            is_unit = i < end and slot_of(hash_more(np.uint64(0), data, i, end), rules.units) > np.uintp(0)
            return end - i if is_unit else np.uintp(0)
        i -= np.uintp(1)
    return np.uintp(0)


@borrowing_kernel
def suffix_bytes(data: Bytes, begin: np.uintp, end: np.uintp, rules: TreebankRules) -> np.uintp:
    """Bytes that are a word at the end of `data[begin:end]`, which is not empty; of several words, the longest."""
    last = last_character(data, begin, end)
    code_point, width = decode(data, last)
    found = rules.flags[code_point]
    if code_point == np.uint32(FULL_STOP):
        return final_stop_bytes(data, begin, end, rules.flags)
    if not found & np.uint32(SUFFIX | AFTER_DIGIT | ENDING):
        return np.uintp(0)
    before = last_character(data, begin, last)
    if before == last:
        return width if found & np.uint32(SUFFIX) else np.uintp(0)
    earlier, earlier_width = decode(data, before)
    if found & np.uint32(SUFFIX):
        is_pair = code_point == np.uint32(ELLIPSIS) and earlier == np.uint32(ELLIPSIS)
        return width + earlier_width if is_pair else width
    if (code_point | np.uint32(0x20)) == np.uint32(0x73) and (
        earlier == np.uint32(APOSTROPHE) or earlier == np.uint32(RIGHT_QUOTE)
    ):
        return width + earlier_width
    if found & np.uint32(AFTER_DIGIT) and rules.flags[earlier] & np.uint32(DIGIT):
        return width
    return unit_bytes(data, begin, end, rules) if found & np.uint32(ENDING) else np.uintp(0)


@inline_kernel
def is_arithmetic(code_point: np.uint32) -> bool:
    """Whether it is one of `+-*^`."""
    is_sign = code_point == np.uint32(PLUS) or code_point == np.uint32(HYPHEN)
    return bool(is_sign or code_point == np.uint32(ASTERISK) or code_point == np.uint32(CARET))


@borrowing_kernel
def hyphen_bytes(data: Bytes, i: np.uintp, end: np.uintp, flags: Flags) -> np.uintp:
    """Bytes of a hyphen or dash at byte `i` that a letter follows."""
    code_point, width = decode(data, i)
    max_length = 1
    if code_point == np.uint32(HYPHEN):
        max_length = 3
    elif code_point == np.uint32(EM_DASH):
        max_length = 2
    elif code_point != np.uint32(EN_DASH) and code_point != np.uint32(TILDE):
        return np.uintp(0)
    behind = i
    for _ in range(max_length):
        behind += width
        if behind >= end:
            return np.uintp(0)
        follower, _ = decode(data, behind)
        if flags[follower] & np.uint32(LETTER):
            return behind - i
        if follower != code_point:
            return np.uintp(0)
    return np.uintp(0)


@borrowing_kernel
def infix_bytes(data: Bytes, i: np.uintp, end: np.uintp, before: np.uint32, flags: Flags) -> np.uintp:
    """Bytes that are a word within a chunk at byte `i`, behind a character with the flags `before` (0: none)."""
    code_point, width = decode(data, i)
    if flags[code_point] & np.uint32(INFIX):
        return width
    if code_point == np.uint32(FULL_STOP):
        num_stops = full_stops(data, i, end)
        if num_stops > np.uintp(1):
            return num_stops
    behind = i + width
    if behind >= end:
        return np.uintp(0)
    follower, _ = decode(data, behind)
    after = flags[follower]
    is_word = False
    if code_point == np.uint32(FULL_STOP):
        is_word = before & np.uint32(LOWER | QUOTE) != 0 and after & np.uint32(UPPER | QUOTE) != 0
    elif code_point == np.uint32(COMMA):
        is_word = before & after & np.uint32(LETTER) != 0
    elif before & np.uint32(DIGIT) and is_arithmetic(code_point):
        is_word = after & np.uint32(DIGIT) != 0 or follower == np.uint32(HYPHEN)
    if not is_word and code_point < np.uint32(0x40) and before & np.uint32(LETTER | DIGIT):
        for relation in RELATIONS:
            is_word |= code_point == np.uint32(relation) and after & np.uint32(LETTER) != 0
    if is_word:
        return width
    return hyphen_bytes(data, i, end, flags) if before & np.uint32(LETTER | DIGIT) else np.uintp(0)
