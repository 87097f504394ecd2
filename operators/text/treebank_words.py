"""Words as spaCy's blank English tokenizer finds them, by a kernel: the word unit `treebank`.

Source: spaCy 3.8.18, as datatrove 0.10.1 splits English with it (words of whitespace are dropped). The words are the
same but for one thing: spaCy looks for words in a row that make up a special case, such as an emoticon, across
whitespace, too, and does not join them then, nor any of them with others; here whitespace is a border. Of 1,963,000
words of five collections of English prose, reference pages and proposals, 5 differ for that. Its `IS_ALPHA` defect, for
which datatrove removes that string from a text, is not repeated either.
"""

from typing import Final

import numpy as np

from operators.text.characters import WHITESPACE, decode
from operators.text.treebank_affixes import FULL_STOP, PLUS, find_case, last_character
from operators.text.treebank_chunks import split_chunk
from operators.text.treebank_rules import (
    AFTER_DIGIT,
    BEFORE_PERIOD,
    DIGIT,
    ENDING,
    INNER,
    PREFIX,
    QUOTE,
    SELDOM_SHIFT,
    SUFFIX,
    TreebankRules,
)
from operators.text.whitespace_words import Words
from pipeline.hashing import WORD_MULTIPLIER
from pipeline.kernel import Bytes, borrowing_kernel, inline_kernel

CLASS_MASK: Final = 0xFF

WORD_DIVISOR: Final = np.uint64(pow(int(WORD_MULTIPLIER), -1, 1 << 64))
"""Undoes the multiplication by WORD_MULTIPLIER: a word's hash without its last letter."""


def treebank_words_for(max_bytes: int) -> Words:
    """Room for the words of a document of `max_bytes`, each of which may be a word."""
    capacity = max_bytes + 1
    return Words(
        hashes=np.empty(capacity, np.uint64),
        num_chars=np.empty(capacity, np.uint32),
        classes=np.empty(capacity, np.uint8),
        ends=np.empty(capacity, np.uint32),
        joins=np.empty(capacity, np.uint16),
    )


@borrowing_kernel
def put_chunk(
    data: Bytes, begin: np.uintp, end: np.uintp, rules: TreebankRules, words: Words, num_words: np.uintp
) -> np.uintp:
    """Appends the words of the chunk `data[begin:end]` to `words`; returns how many there are then."""
    num_found = split_chunk(data, begin, end, rules, words.ends, words.joins)
    i = begin
    for k in range(num_found):
        word_end = begin + np.uintp(words.ends[np.uintp(k)])
        word_hash = np.uint64(0)
        num_chars = np.uint32(0)
        seen = np.uint32(0)
        while i < word_end:
            code_point, width = decode(data, i)
            word_hash = (word_hash + np.uint64(code_point) + np.uint64(1)) * WORD_MULTIPLIER
            num_chars += np.uint32(1)
            seen |= rules.flags[code_point]
            i += width
        words.hashes[num_words] = word_hash
        words.num_chars[num_words] = num_chars
        words.classes[num_words] = np.uint8(seen & np.uint32(CLASS_MASK))
        num_words += np.uintp(1)
    return num_words


@inline_kernel
def put_word(
    word_hash: np.uint64, num_chars: np.uint32, seen: np.uint32, words: Words, num_words: np.uintp
) -> np.uintp:
    """Appends a word to `words`; returns how many there are then."""
    words.hashes[num_words] = word_hash
    words.num_chars[num_words] = num_chars
    words.classes[num_words] = np.uint8(seen & np.uint32(CLASS_MASK))
    return num_words + np.uintp(1)


@inline_kernel
def is_simple(inner: np.uint32, last: np.uint32) -> bool:
    """Whether characters, no prefix among the first, are one word, unless a special case is in it.

    `inner` has the flags of all but the last. Digits and quotes make a word of what is mostly the end of one.
    """
    may_end = last & np.uint32(SUFFIX | INNER) == 0
    is_ending = inner & np.uint32(DIGIT | QUOTE) != 0 and last & np.uint32(ENDING | AFTER_DIGIT) != 0
    return bool(inner & np.uint32(INNER) == 0 and may_end and not is_ending)


@borrowing_kernel
def is_alone(
    data: Bytes, chunk: np.uintp, prefix_end: np.uintp, last: np.uintp, end: np.uintp, rules: TreebankRules
) -> bool:
    """Whether the prefix `data[chunk:prefix_end]` is a word: neither a second nor a special case goes on with it."""
    if end - prefix_end > np.uintp(1):
        code_point, _ = decode(data, prefix_end)
        if rules.flags[code_point] & np.uint32(PREFIX):
            return False
    is_case = find_case(data, chunk, end, rules) > np.uintp(0) or find_case(data, chunk, last, rules) > np.uintp(0)
    return not is_case


@borrowing_kernel
def scan_treebank_words(data: Bytes, begin: np.uintp, end: np.uintp, rules: TreebankRules, words: Words) -> np.uintp:
    """Puts the words of `data[begin:end]` into `words` and returns how many they are.

    Most chunks are a word with no more than a prefix of one character and a suffix of one character, and are told so
    while they are read. `split_chunk` takes the others.
    """
    flags = rules.flags
    seldom = rules.cases.seldom
    num_words = np.uintp(0)
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        found = flags[code_point]
        if found & np.uint32(WHITESPACE):
            i += width
            continue
        chunk = i
        prefix = np.uint32(0)
        prefix_hash = np.uint64(0)
        if found & np.uint32(PREFIX) and code_point != np.uint32(PLUS):
            prefix = found
            prefix_hash = (np.uint64(code_point) + np.uint64(1)) * WORD_MULTIPLIER
            i += width
        prefix_end = i
        word_hash = np.uint64(0)
        num_chars = np.uint32(0)
        seen = before = last = np.uint32(0)  # flags of all characters but the last, of the last but one, of the last
        while i < end:
            code_point, width = decode(data, i)
            found = flags[code_point]
            if found & np.uint32(WHITESPACE):
                break
            seen |= last
            before = last
            last = found
            word_hash = (word_hash + np.uint64(code_point) + np.uint64(1)) * WORD_MULTIPLIER
            num_chars += np.uint32(1)
            i += width
        if num_chars == np.uint32(0):
            num_words = put_word(prefix_hash, np.uint32(1), prefix, words, num_words)
            continue
        stop_parts = before & np.uint32(BEFORE_PERIOD) != 0 and data[i - np.uintp(1)] == np.uint8(FULL_STOP)
        has_suffix = num_chars > np.uint32(1) and (last & np.uint32(SUFFIX) != 0 or stop_parts)
        is_plain = num_chars == np.uint32(1) or is_simple(seen, before if has_suffix else last)
        is_plain = is_plain and seldom[word_hash >> np.uint64(SELDOM_SHIFT)] == np.uint8(0)
        last_begin = i
        letter = shorter_hash = np.uint64(0)
        if has_suffix:
            last_begin = last_character(data, prefix_end, i)
            code_point, _ = decode(data, last_begin)
            letter = np.uint64(code_point) + np.uint64(1)
            shorter_hash = word_hash * WORD_DIVISOR - letter
            is_plain = is_plain and seldom[shorter_hash >> np.uint64(SELDOM_SHIFT)] == np.uint8(0)
        if is_plain and prefix != np.uint32(0):
            is_plain = is_alone(data, chunk, prefix_end, last_begin, i, rules)
        if not is_plain:
            num_words = put_chunk(data, chunk, i, rules, words, num_words)
            continue
        if prefix != np.uint32(0):
            num_words = put_word(prefix_hash, np.uint32(1), prefix, words, num_words)
        if has_suffix:
            num_words = put_word(shorter_hash, num_chars - np.uint32(1), seen, words, num_words)
            num_words = put_word(letter * WORD_MULTIPLIER, np.uint32(1), last, words, num_words)
        else:
            num_words = put_word(word_hash, num_chars, seen | last, words, num_words)
    return num_words
