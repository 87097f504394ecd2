"""Words as spaCy's blank English tokenizer finds them, by a kernel: the word unit `treebank`."""

from typing import Final

import numpy as np

from operators.text.characters import WHITESPACE, decode
from operators.text.hashing import WORD_MULTIPLIER
from operators.text.kernel import Bytes, kernel
from operators.text.treebank_chunks import split_chunk
from operators.text.treebank_rules import (
    TreebankRules,
)
from operators.text.whitespace_words import Words

CLASS_MASK: Final = 0xFF


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


@kernel
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


@kernel
def scan_treebank_words(data: Bytes, begin: np.uintp, end: np.uintp, rules: TreebankRules, words: Words) -> np.uintp:
    """Puts the words of `data[begin:end]` into `words` and returns how many they are."""
    num_words = np.uintp(0)
    chunk = begin
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        if rules.flags[code_point] & np.uint32(WHITESPACE):
            if i > chunk:
                num_words = put_chunk(data, chunk, i, rules, words, num_words)
            chunk = i + width
        i += width
    if end > chunk:
        num_words = put_chunk(data, chunk, end, rules, words, num_words)
    return num_words
