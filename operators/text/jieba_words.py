"""Chinese words as jieba finds them, by kernels: the word unit `jieba`.

jieba cuts a text into blocks of Han characters, ASCII letters, digits and `+#&._%-`; every other character is a word.
In a block it takes the most probable sequence of words of its dictionary, and where that leaves several single
characters in a row, a hidden Markov model joins those that are Han. The words here are those of jieba 0.42.1
(`jieba.cut` with its defaults), without its words of whitespace; tests compare them. Time is linear in the text: no
word of the dictionary has more than 16 characters.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.text.characters import WHITESPACE, Classes, character_classes, decode, document_text, longest_text
from operators.text.jieba_tables import (
    FIRST_HAN,
    LAST_HAN,
    NO_NODE,
    JiebaTables,
    Scores,
    find_child,
    jieba_tables,
)
from operators.text.split_words import Breaks
from pipeline.kernel import Bytes, Offsets, inline_kernel, kernel

CodePoints = npt.NDArray[np.uint32]

STATE_B: Final = 0
STATE_E: Final = 1
STATE_M: Final = 2
STATE_S: Final = 3
"""A character that begins, ends, or is inside a word, or is one by itself."""

# jieba's log probabilities of the first state, and of one state after another (finalseg/prob_start.py, prob_trans.py)
START_B: Final = -0.26268660809250016
START_S: Final = -1.4652633398537678
NO_START: Final = -3.14e100
B_TO_E: Final = -0.51082562376599
B_TO_M: Final = -0.916290731874155
E_TO_B: Final = -0.5897149736854513
E_TO_S: Final = -0.8085250474669937
M_TO_E: Final = -0.33344856811948514
M_TO_M: Final = -1.2603623820268226
S_TO_B: Final = -0.7211965654669841
S_TO_S: Final = -0.6658631448798212

FULL_STOP: Final = 0x2E
PERCENT: Final = 0x25


class JiebaScratch(NamedTuple):
    """Memory for the blocks of documents up to a length. Letters are: N characters of a block."""

    code_points: CodePoints  # (N,)
    scores: Scores  # (N + 1,) of the best words from each character on
    ends: npt.NDArray[np.uint32]  # (N,) where the best word that begins at a character ends
    previous: npt.NDArray[np.uint8]  # (N, 4) the best state before each state


def jieba_scratch_for(max_bytes: int) -> JiebaScratch:
    """Scratch for documents of up to `max_bytes`. Pages that no document needs are never touched."""
    return JiebaScratch(
        code_points=np.empty(max_bytes, np.uint32),
        scores=np.empty(max_bytes + 1, np.float64),
        ends=np.empty(max_bytes, np.uint32),
        previous=np.empty((max_bytes, 4), np.uint8),
    )


@inline_kernel
def is_han(code_point: np.uint32) -> bool:
    """Whether jieba takes a character for Han."""
    return bool(code_point >= np.uint32(FIRST_HAN) and code_point <= np.uint32(LAST_HAN))


@inline_kernel
def is_letter_or_digit(code_point: np.uint32) -> bool:
    """Whether a character of a block is one of a-z, A-Z and 0-9."""
    lower = code_point | np.uint32(0x20)
    is_letter = lower >= np.uint32(0x61) and lower <= np.uint32(0x7A)
    return bool(is_letter or (code_point >= np.uint32(0x30) and code_point <= np.uint32(0x39)))


@kernel
def find_best_words(num_chars: np.uintp, tables: JiebaTables, scratch: JiebaScratch) -> None:
    """Fills `scores` and `ends`, from the end back: the most probable words, of equals the longer."""
    code_points = scratch.code_points
    scores = scratch.scores
    scores[num_chars] = 0.0
    for k in range(num_chars):
        first = num_chars - np.uintp(1) - np.uintp(k)
        best = 0.0
        best_end = np.uintp(0)
        node = np.uintp(tables.first_nodes[code_points[first]])
        end = first + np.uintp(1)
        while node != np.uintp(NO_NODE):
            word_score = tables.scores[node - np.uintp(1)]
            if word_score < 0.0:
                score = word_score + scores[end]
                if best_end == np.uintp(0) or score >= best:
                    best = score
                    best_end = end
            if end == num_chars:
                break
            slot = find_child(node, code_points[end], tables.keys)
            node = np.uintp(NO_NODE) if tables.keys[slot] == np.uint64(0) else slot + np.uintp(1)
            end += np.uintp(1)
        if best_end == np.uintp(0):
            best = tables.unknown_score + scores[first + np.uintp(1)]
            best_end = first + np.uintp(1)
        scores[first] = best
        scratch.ends[first] = np.uint32(best_end)


@kernel
def is_word(first: np.uintp, end: np.uintp, tables: JiebaTables, code_points: CodePoints) -> bool:
    """Whether `code_points[first:end]`, which is not empty, is in the dictionary."""
    node = np.uintp(tables.first_nodes[code_points[first]])
    for k in range(first + np.uintp(1), end):
        if node == np.uintp(NO_NODE):
            return False
        slot = find_child(node, code_points[np.uintp(k)], tables.keys)
        node = np.uintp(NO_NODE) if tables.keys[slot] == np.uint64(0) else slot + np.uintp(1)
    return bool(node != np.uintp(NO_NODE) and tables.scores[node - np.uintp(1)] < 0.0)


@kernel
def mark_ends_of_han(first: np.uintp, end: np.uintp, tables: JiebaTables, scratch: JiebaScratch) -> None:
    """Marks in `ends`, with 1, the characters of a run of Han at which the model's best words end, the others with 0.

    jieba decides between equal probabilities by the state's letter; so do the comparisons here.
    """
    previous = scratch.previous
    han = np.uintp(scratch.code_points[first] - np.uint32(FIRST_HAN))
    b = START_B + tables.emissions[han, STATE_B]
    e = NO_START + tables.emissions[han, STATE_E]
    m = NO_START + tables.emissions[han, STATE_M]
    s = START_S + tables.emissions[han, STATE_S]
    for k in range(first + np.uintp(1), end):
        c = np.uintp(k)
        han = np.uintp(scratch.code_points[c] - np.uint32(FIRST_HAN))
        emission = tables.emissions[han, STATE_B]
        b_from_e, b_from_s = e + E_TO_B + emission, s + S_TO_B + emission
        emission = tables.emissions[han, STATE_E]
        e_from_b, e_from_m = b + B_TO_E + emission, m + M_TO_E + emission
        emission = tables.emissions[han, STATE_M]
        m_from_b, m_from_m = b + B_TO_M + emission, m + M_TO_M + emission
        emission = tables.emissions[han, STATE_S]
        s_from_e, s_from_s = e + E_TO_S + emission, s + S_TO_S + emission
        previous[c, STATE_B] = np.uint8(STATE_S if b_from_s >= b_from_e else STATE_E)
        previous[c, STATE_E] = np.uint8(STATE_M if e_from_m >= e_from_b else STATE_B)
        previous[c, STATE_M] = np.uint8(STATE_M if m_from_m >= m_from_b else STATE_B)
        previous[c, STATE_S] = np.uint8(STATE_S if s_from_s >= s_from_e else STATE_E)
        b = max(b_from_e, b_from_s)
        e = max(e_from_b, e_from_m)
        m = max(m_from_b, m_from_m)
        s = max(s_from_e, s_from_s)
    state = np.uint8(STATE_S if s >= e else STATE_E)
    c = end - np.uintp(1)
    while True:
        scratch.ends[c] = np.uint32(state == np.uint8(STATE_S) or state == np.uint8(STATE_E))
        if c == first:
            return
        state = previous[c, state]
        c -= np.uintp(1)


@kernel
def end_of_ascii_word(first: np.uintp, end: np.uintp, code_points: CodePoints) -> np.uintp:
    """Where the word ends that begins at an ASCII character: of letters and digits, or of others."""
    c = first
    if not is_letter_or_digit(code_points[c]):
        while c < end and not is_letter_or_digit(code_points[c]) and not is_han(code_points[c]):
            c += np.uintp(1)
        return c
    while c < end and is_letter_or_digit(code_points[c]):
        c += np.uintp(1)
    if c < end and code_points[c] == np.uint32(FULL_STOP):
        d = c + np.uintp(1)
        while d < end and code_points[d] >= np.uint32(0x30) and code_points[d] <= np.uint32(0x39):
            d += np.uintp(1)
        if d > c + np.uintp(1):
            c = d
    if c < end and code_points[c] == np.uint32(PERCENT):
        c += np.uintp(1)
    return c


@kernel
def mark_ends_of_singles(first: np.uintp, end: np.uintp, tables: JiebaTables, scratch: JiebaScratch) -> None:
    """Marks in `ends`, with 1, where words end among the characters of a run that the dictionary left single."""
    if end - first > np.uintp(1) and is_word(first, end, tables, scratch.code_points):
        for k in range(first, end):
            scratch.ends[np.uintp(k)] = np.uint32(1)
        return
    c = first
    while c < end:
        if is_han(scratch.code_points[c]):
            run = c
            while c < end and is_han(scratch.code_points[c]):
                c += np.uintp(1)
            mark_ends_of_han(run, c, tables, scratch)
        else:
            word_end = end_of_ascii_word(c, end, scratch.code_points)
            while c < word_end:
                scratch.ends[c] = np.uint32(c + np.uintp(1) == word_end)
                c += np.uintp(1)


@kernel
def mark_ends(num_chars: np.uintp, tables: JiebaTables, scratch: JiebaScratch) -> None:
    """Marks in `ends` the characters of a block at which a word ends with 1, the others with 0."""
    find_best_words(num_chars, tables, scratch)
    singles = np.uintp(0)
    c = np.uintp(0)
    while c < num_chars:
        word_end = np.uintp(scratch.ends[c])
        if word_end == c + np.uintp(1):
            c = word_end
            continue
        if c > singles:
            mark_ends_of_singles(singles, c, tables, scratch)
        while c < word_end:
            scratch.ends[c] = np.uint32(c + np.uintp(1) == word_end)
            c += np.uintp(1)
        singles = word_end
    if c > singles:
        mark_ends_of_singles(singles, c, tables, scratch)


@kernel
def put_document_breaks(
    data: Bytes,
    begin: np.uintp,
    end: np.uintp,
    classes: Classes,
    tables: JiebaTables,
    scratch: JiebaScratch,
    breaks: Breaks,
    num_breaks: np.uintp,
) -> np.uintp:
    """Appends where the words of `data[begin:end]` end to `breaks`; returns how many there are then."""
    i = begin
    while i < end:
        block = i
        num_chars = np.uintp(0)
        width = np.uintp(0)
        code_point = np.uint32(0)
        while i < end:
            code_point, width = decode(data, i)
            if not (is_han(code_point) or (code_point < np.uint32(0x80) and tables.in_blocks[code_point])):
                break
            scratch.code_points[num_chars] = code_point
            num_chars += np.uintp(1)
            i += width
        if num_chars > np.uintp(0):
            mark_ends(num_chars, tables, scratch)
            for k in range(num_chars):
                block += np.uintp(1) if scratch.code_points[np.uintp(k)] < np.uint32(0x80) else np.uintp(3)
                if scratch.ends[np.uintp(k)] != np.uint32(0):
                    breaks[num_breaks] = np.int64(block)
                    num_breaks += np.uintp(1)
        if i < end:
            i += width
            if not classes[code_point] & np.uint8(WHITESPACE):
                breaks[num_breaks] = np.int64(i)
                num_breaks += np.uintp(1)
    return num_breaks


@kernel
def put_breaks(
    data: Bytes, offsets: Offsets, classes: Classes, tables: JiebaTables, scratch: JiebaScratch, breaks: Breaks
) -> np.uintp:
    """Puts where the words of every document end into `breaks` and returns how many they are."""
    num_breaks = np.uintp(0)
    for k in range(offsets.shape[0] - 1):
        begin = np.uintp(offsets[np.uintp(k)])
        end = np.uintp(offsets[np.uintp(k + 1)])
        num_breaks = put_document_breaks(data, begin, end, classes, tables, scratch, breaks, num_breaks)
    return num_breaks


def jieba_breaks(texts: pa.Array) -> Breaks:
    """Where jieba's words of a batch of texts end, for `scan_split_words`."""
    data, offsets = document_text(texts)
    breaks = np.empty(int(offsets[-1] - offsets[0]), np.int64)
    scratch = jieba_scratch_for(longest_text(offsets))
    num_breaks = put_breaks(data, offsets, character_classes(), jieba_tables(), scratch, breaks)
    found = breaks[:num_breaks].copy()
    found.flags.writeable = False
    return found
