"""How a chunk, the text between whitespace, is split into `treebank` words.

As spaCy does: special cases, and affixes from both sides until neither side has one, then what stands within; at last
words in a row that make up a special case are joined to it. Words are told by where they end. Letters are: W words.
"""

from typing import Final

import numpy as np

from operators.text.characters import decode
from operators.text.treebank_affixes import FULL_STOP, find_case, hash_more, infix_bytes, prefix_bytes, suffix_bytes
from operators.text.treebank_rules import INNER, MAX_CASE_BYTES, MAX_JOINED, OTHER_BYTE, TreebankRules, slot_of
from operators.text.treebank_urls import is_url
from operators.text.whitespace_words import Ends, Joins
from pipeline.kernel import Bytes, borrowing_kernel, inline_kernel

TAKEN: Final = 1
JOINED_SHIFT: Final = 12


@borrowing_kernel
def split_chunk(
    data: Bytes, begin: np.uintp, end: np.uintp, rules: TreebankRules, ends: Ends, joins: Joins
) -> np.uintp:
    """Puts the ends of the words of `data[begin:end]`, which is not empty, into `ends`; returns how many they are.

    There must be room for a word of each byte. `joins` is scratch of the same size.
    """
    num_words = np.uintp(0)
    behind = np.uintp(ends.shape[0])  # suffixes are put at the back, the last of the chunk first
    i = begin
    stop = end
    case = np.uintp(0)
    while i < stop:
        case = find_case(data, i, stop, rules)
        if case > np.uintp(0):
            break
        prefix = prefix_bytes(data, i, stop, rules.flags)
        rest = i + prefix
        if prefix > np.uintp(0) and rest < stop:
            case = find_case(data, rest, stop, rules)
            if case > np.uintp(0):
                ends[num_words] = np.uint32(rest - begin)
                num_words += np.uintp(1)
                i = rest
                break
        suffix = np.uintp(0)
        if rest < stop:
            suffix = suffix_bytes(data, rest, stop, rules)
        if suffix > np.uintp(0):
            behind -= np.uintp(1)
            ends[behind] = np.uint32(stop - begin)
            if stop - suffix > i:
                case = find_case(data, i, stop - suffix, rules)
                if case > np.uintp(0):
                    stop -= suffix
                    break
        if prefix == np.uintp(0) and suffix == np.uintp(0):
            break
        if prefix > np.uintp(0):
            ends[num_words] = np.uint32(rest - begin)
            num_words += np.uintp(1)
        i = rest
        stop -= suffix
    if case > np.uintp(0):
        num_words = put_case(np.uint32(i - begin), case, rules, ends, num_words)
    elif i < stop:
        num_words = split_inside(data, begin, i, stop, rules, ends, num_words)
    for k in range(behind, np.uintp(ends.shape[0])):
        ends[num_words] = ends[np.uintp(k)]
        num_words += np.uintp(1)
    if num_words > np.uintp(1) and find_joins(data, begin, num_words, rules, ends, joins):
        return join_cases(data, begin, num_words, rules, ends, joins)
    return num_words


@inline_kernel
def put_case(first: np.uint32, case: np.uintp, rules: TreebankRules, ends: Ends, num_words: np.uintp) -> np.uintp:
    """Appends the ends of the parts of a special case that begins at byte `first` of the chunk."""
    slot = case - np.uintp(1)
    end = first
    part = np.uintp(0)
    while rules.parts[slot, part] > np.uint8(0):
        end = np.uint32(end + np.uint32(rules.parts[slot, part]))
        ends[num_words] = end
        num_words += np.uintp(1)
        part += np.uintp(1)
    return num_words


@borrowing_kernel
def split_inside(
    data: Bytes,
    chunk_begin: np.uintp,
    begin: np.uintp,
    end: np.uintp,
    rules: TreebankRules,
    ends: Ends,
    num_words: np.uintp,
) -> np.uintp:
    """Appends the ends of the words of `data[begin:end]`, which has no affix; a URL stays whole."""
    flags = rules.flags
    word = begin
    before = np.uint32(0)
    may_be_url = True
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        found = flags[code_point]
        if found & np.uint32(INNER):
            length = infix_bytes(data, i, end, before, flags)
            if length > np.uintp(0):
                if may_be_url and has_full_stop(data, begin, end) and is_url(data, begin, end, flags):
                    break
                may_be_url = False
                # what stands at the very beginning is left with what follows it
                if i > begin:
                    if i > word:
                        ends[num_words] = np.uint32(i - chunk_begin)
                        num_words += np.uintp(1)
                    word = i + length
                    ends[num_words] = np.uint32(word - chunk_begin)
                    num_words += np.uintp(1)
                i += length
                before = found
                continue
        before = found
        i += width
    if word < end:
        ends[num_words] = np.uint32(end - chunk_begin)
        num_words += np.uintp(1)
    return num_words


@inline_kernel
def has_full_stop(data: Bytes, begin: np.uintp, end: np.uintp) -> bool:
    """Whether there is one, as in every URL: hosts have it between their labels."""
    found = False
    for k in range(begin, end):
        found |= data[np.uintp(k)] == np.uint8(FULL_STOP)
    return bool(found)


@inline_kernel
def ascii_byte(byte: np.uint8) -> np.uintp:
    """The index of the byte in `joined_pairs`."""
    return np.uintp(min(byte, np.uint8(OTHER_BYTE)))


@borrowing_kernel
def find_joins(
    data: Bytes, begin: np.uintp, num_words: np.uintp, rules: TreebankRules, ends: Ends, joins: Joins
) -> bool:
    """Marks in `joins` where words in a row make up a special case; whether there is one."""
    found = False
    first = begin
    for k in range(num_words):
        word = np.uintp(k)
        joins[word] = np.uint16(0)
        second = begin + np.uintp(ends[word])
        if word + np.uintp(1) == num_words or not rules.joined_pairs[ascii_byte(data[first]), ascii_byte(data[second])]:
            first = second
            continue
        marks = np.uint16(0)
        text_hash = np.uint64(0)
        last = first
        for n in range(MAX_JOINED):
            if word + np.uintp(n) == num_words:
                break
            next_last = begin + np.uintp(ends[word + np.uintp(n)])
            if next_last - first > np.uintp(MAX_CASE_BYTES):
                break
            text_hash = hash_more(text_hash, data, last, next_last)
            last = next_last
            if n > 0 and is_join(first - begin, word, np.uintp(n + 1), slot_of(text_hash, rules.cases), rules, ends):
                marks |= np.uint16(2 << n)
                found = True
        joins[word] = marks
        first = second
    return found


@inline_kernel
def is_join(
    first: np.uintp, word: np.uintp, num_joined: np.uintp, case: np.uintp, rules: TreebankRules, ends: Ends
) -> bool:
    """Whether words in a row that begin at byte `first` of the chunk are just those that are joined to the case."""
    if case == np.uintp(0):
        return False
    slot = case - np.uintp(1)
    end = np.uint32(first)
    for k in range(num_joined):
        end = np.uint32(end + np.uint32(rules.joined[slot, np.uintp(k)]))
        if ends[word + np.uintp(k)] != end:
            return False
    return bool(rules.joined[slot, num_joined] == np.uint8(0))


@borrowing_kernel
def join_cases(
    data: Bytes, begin: np.uintp, num_words: np.uintp, rules: TreebankRules, ends: Ends, joins: Joins
) -> np.uintp:
    """Joins the words that `find_joins` marked: the longest rows first, then the first, each word once."""
    for shorter in range(MAX_JOINED - 1):
        n = np.uintp(MAX_JOINED - shorter)
        for k in range(num_words):
            word = np.uintp(k)
            if not joins[word] & np.uint16(1 << n):
                continue
            last = word + n - np.uintp(1)
            if not (joins[word] | joins[last]) & np.uint16(TAKEN):
                joins[word] |= np.uint16(n << np.uintp(JOINED_SHIFT))
            for j in range(word, last + np.uintp(1)):
                joins[np.uintp(j)] |= np.uint16(TAKEN)
    num_kept = np.uintp(0)
    first = np.uint32(0)
    word = np.uintp(0)
    while word < num_words:
        num_joined = max(np.uintp(joins[word] >> np.uint16(JOINED_SHIFT)), np.uintp(1))
        end = ends[word + num_joined - np.uintp(1)]
        if num_joined > np.uintp(1):
            case = find_case(data, begin + np.uintp(first), begin + np.uintp(end), rules)
            num_kept = put_case(first, case, rules, ends, num_kept)
        else:
            ends[num_kept] = end
            num_kept += np.uintp(1)
        first = end
        word += num_joined
    return num_kept
