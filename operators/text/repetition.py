"""Counts of what repeats inside a document: lines, paragraphs and word n-grams, by kernels over Arrow buffers.

Pieces and n-grams are compared by 64-bit hashes: different ones of a document count as equal with a chance of about
2**-64 a pair. Knows no threshold. Letters are: D documents, W words.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.text.characters import (
    Classes,
    character_classes,
    count_characters,
    document_text,
    longest_text,
    skip_whitespace,
    skip_whitespace_back,
)
from operators.text.hashing import SHINGLE_MULTIPLIER, WORD_MULTIPLIER
from operators.text.kernel import Bytes, Offsets, inline_kernel, kernel
from operators.text.key_table import KeyTable, add_key, empty_table, find_slot, key_table_for
from operators.text.whitespace_words import Hashes, Words, scan_words, words_for

Counts = npt.NDArray[np.int64]
Marks = npt.NDArray[np.uint32]

TOP_NGRAM_WORDS: Final = (2, 3, 4)
DUPLICATE_NGRAM_WORDS: Final = (5, 6, 7, 8, 9, 10)
NEWLINE: Final = 0x0A
NO_SLOT: Final = 0xFFFFFFFF


class RepetitionCounts(NamedTuple):
    """What was counted in D documents, int64."""

    num_chars: Counts  # (D,)
    num_paragraphs: Counts  # (D,)
    num_duplicate_paragraphs: Counts  # (D,) those that an earlier one equals
    duplicate_paragraph_chars: Counts  # (D,)
    num_lines: Counts  # (D,)
    num_duplicate_lines: Counts  # (D,)
    duplicate_line_chars: Counts  # (D,)
    top_ngram_chars: Counts  # (D, 3) occurrences of the most frequent n-gram, times its characters
    duplicate_ngram_chars: Counts  # (D, 6) characters of n-grams that repeat an earlier one


class Scratch(NamedTuple):
    """Memory that kernels work in, for documents up to the length that it was made for."""

    words: Words
    table: KeyTable
    repeats: Marks  # (W + 1,) of the n-gram that begins at a word: whether it repeats; later, how many in a row do
    slots: Marks  # (W + 1,) the table slot of the n-gram that begins at a word


def scratch_for(max_bytes: int) -> Scratch:
    """Scratch for documents of up to `max_bytes`."""
    words = words_for(max_bytes)
    capacity = len(words.hashes) + 1
    return Scratch(
        words=words,
        table=key_table_for(max_bytes // 2 + 2),
        repeats=np.empty(capacity, np.uint32),
        slots=np.empty(capacity, np.uint32),
    )


@kernel
def count_newlines(data: Bytes, begin: np.uintp, end: np.uintp) -> np.uintp:
    """How many line feeds there are."""
    num_newlines = np.uintp(0)
    for i in range(begin, end):
        num_newlines += np.uintp(data[np.uintp(i)] == np.uint8(NEWLINE))
    return num_newlines


@kernel
def count_duplicate_pieces(
    data: Bytes, begin: np.uintp, end: np.uintp, min_newlines: np.uintp, max_pieces: np.uintp, table: KeyTable
) -> tuple[np.int64, np.int64, np.int64]:
    """Pieces between runs of `min_newlines` or more line feeds: (pieces, those that repeat, their characters).

    A run at the start or end of the text leaves an empty piece there; shorter runs belong to their piece.
    """
    mask, stamp = empty_table(max_pieces, table)
    num_pieces = np.int64(0)
    num_duplicates = np.int64(0)
    duplicate_chars = np.int64(0)
    piece_hash = np.uint64(0)
    num_chars = np.int64(0)
    i = begin
    while True:
        run = i
        while run < end and data[run] == np.uint8(NEWLINE):
            run += np.uintp(1)
        if i == end or run - i >= min_newlines:
            num_pieces += np.int64(1)
            if add_key(piece_hash, mask, stamp, table):
                num_duplicates += np.int64(1)
                duplicate_chars += num_chars
            if i == end:
                return num_pieces, num_duplicates, duplicate_chars
            piece_hash = np.uint64(0)
            num_chars = np.int64(0)
            i = run
            continue
        # the newlines that are no break, if any, and what follows up to the next one
        while i < end and (i < run or data[i] != np.uint8(NEWLINE)):
            piece_hash = (piece_hash + np.uint64(data[i]) + np.uint64(1)) * WORD_MULTIPLIER
            num_chars += np.int64((data[i] & np.uint8(0xC0)) != np.uint8(0x80))
            i += np.uintp(1)


@inline_kernel
def ngram_hash(hashes: Hashes, first: np.uintp, num_words: np.uintp) -> np.uint64:
    """The hash of the n-gram that begins at word `first`."""
    result = np.uint64(hashes[first])
    for k in range(np.uintp(1), num_words):
        result = result * SHINGLE_MULTIPLIER + hashes[first + np.uintp(k)]
    return result


@inline_kernel
def ngram_chars(words: Words, first: np.uintp, num_words: np.uintp) -> np.int64:
    """Characters of the n-gram that begins at word `first`, without what stands between the words."""
    num_chars = np.int64(0)
    for k in range(num_words):
        num_chars += np.int64(words.num_chars[first + np.uintp(k)])
    return num_chars


@kernel
def count_ngrams(num_ngrams: np.uintp, ngram_words: np.uintp, scratch: Scratch) -> np.uint32:
    """Puts the slot of each n-gram into `slots`, its occurrences into `counts`, and returns the greatest count.

    An n-gram can repeat only where both (n-1)-grams in it do, so the others get no slot: most text is pruned at n = 3.
    """
    mask, stamp = empty_table(num_ngrams, scratch.table)
    greatest = np.uint32(1)
    for k in range(num_ngrams):
        q = np.uintp(k)
        if scratch.repeats[q] == np.uint32(0) or scratch.repeats[q + np.uintp(1)] == np.uint32(0):
            scratch.slots[q] = np.uint32(NO_SLOT)
            continue
        key = ngram_hash(scratch.words.hashes, q, ngram_words)
        slot = find_slot(key, mask, stamp, scratch.table)
        if scratch.table.stamps[slot] != stamp:
            scratch.table.stamps[slot] = stamp
            scratch.table.keys[slot] = key
            scratch.table.counts[slot] = np.uint32(0)
        scratch.table.counts[slot] += np.uint32(1)
        greatest = max(greatest, scratch.table.counts[slot])
        scratch.slots[q] = np.uint32(slot)
    return greatest


@kernel
def mark_repeats(num_ngrams: np.uintp, greatest: np.uint32, scratch: Scratch) -> np.uintp:
    """Marks the n-grams that occur more than once, and returns the first that occurs `greatest` (2 or more) times."""
    top = num_ngrams
    for k in range(num_ngrams):
        q = np.uintp(k)
        slot = scratch.slots[q]
        count = np.uint32(1) if slot == np.uint32(NO_SLOT) else scratch.table.counts[np.uintp(slot)]
        scratch.repeats[q] = np.uint32(count > np.uint32(1))
        if count == greatest and top == num_ngrams:
            top = q
    scratch.repeats[num_ngrams] = np.uint32(0)
    return top


@kernel
def count_top_ngrams(num_words: np.uintp, scratch: Scratch, top_chars: Counts) -> bool:
    """Fills (3,) `top_chars` for n = 2, 3, 4 and returns whether any 4-gram repeats, marked in `repeats`.

    Words of an n-gram are counted with one space between them. Of equally frequent n-grams the first counts; one that
    occurs once counts too, as the rule is defined.
    """
    for q in range(num_words + np.uintp(1)):
        scratch.repeats[np.uintp(q)] = np.uint32(1)
    any_repeats = True
    for index in range(3):
        ngram_words = np.uintp(index + 2)
        if num_words < ngram_words:
            return False
        num_ngrams = num_words - ngram_words + np.uintp(1)
        greatest = np.uint32(1)
        top = np.uintp(0)
        if any_repeats:
            greatest = count_ngrams(num_ngrams, ngram_words, scratch)
            any_repeats = bool(greatest > np.uint32(1))
            if any_repeats:
                top = mark_repeats(num_ngrams, greatest, scratch)
        num_chars = ngram_chars(scratch.words, top, ngram_words) + np.int64(index + 1)
        top_chars[index] = np.int64(greatest) * num_chars
    return any_repeats


@kernel
def sum_runs(num_ngrams: np.uintp, repeats: Marks) -> None:
    """Turns marks of repeating n-grams into how many repeat in a row from each on."""
    run = np.uint32(0)
    for k in range(num_ngrams):
        q = num_ngrams - np.uintp(1) - np.uintp(k)
        run = (run + np.uint32(1)) * repeats[q]
        repeats[q] = run


@kernel
def count_duplicate_ngrams(num_words: np.uintp, ngram_words: np.uintp, scratch: Scratch) -> np.int64:
    """Characters of n-grams (n > 4) that repeat an earlier one, without spaces; no word counts twice.

    `repeats` holds runs of repeating 4-grams: an n-gram repeats only where n - 3 of them do in a row.
    """
    num_chars = np.int64(0)
    if num_words < ngram_words:
        return num_chars
    num_ngrams = num_words - ngram_words + np.uintp(1)
    mask, stamp = empty_table(num_ngrams, scratch.table)
    needed = np.uint32(ngram_words - np.uintp(3))
    q = np.uintp(0)
    while q < num_ngrams:
        if scratch.repeats[q] < needed:
            q += np.uintp(1)
        elif add_key(ngram_hash(scratch.words.hashes, q, ngram_words), mask, stamp, scratch.table):
            num_chars += ngram_chars(scratch.words, q, ngram_words)
            q += ngram_words
        else:
            q += np.uintp(1)
    return num_chars


@kernel
def count_document_ngrams(num_words: np.uintp, scratch: Scratch, top_chars: Counts, duplicate_chars: Counts) -> None:
    """Fills (3,) `top_chars` and (6,) `duplicate_chars` of one document, which are 0 before."""
    if not count_top_ngrams(num_words, scratch, top_chars):
        return
    sum_runs(num_words - np.uintp(3), scratch.repeats)
    for index in range(6):
        duplicate_chars[index] = count_duplicate_ngrams(num_words, np.uintp(index + 5), scratch)
        if duplicate_chars[index] == np.int64(0):
            return


@kernel
def count_document_pieces(
    data: Bytes,
    begin: np.uintp,
    end: np.uintp,
    classes: Classes,
    d: np.uintp,
    scratch: Scratch,
    counts: RepetitionCounts,
) -> None:
    """Counts lines of the text, and paragraphs of the text without the whitespace around it, of document `d`."""
    max_pieces = min(count_newlines(data, begin, end), (end - begin) // np.uintp(2)) + np.uintp(2)
    first = skip_whitespace(data, begin, end, classes)
    last = skip_whitespace_back(data, first, end, classes)
    num_paragraphs, num_duplicates, num_chars = count_duplicate_pieces(
        data, first, last, np.uintp(2), max_pieces, scratch.table
    )
    counts.num_paragraphs[d] = num_paragraphs
    counts.num_duplicate_paragraphs[d] = num_duplicates
    counts.duplicate_paragraph_chars[d] = num_chars
    num_lines, num_duplicates, num_chars = count_duplicate_pieces(
        data, begin, end, np.uintp(1), max_pieces, scratch.table
    )
    counts.num_lines[d] = num_lines
    counts.num_duplicate_lines[d] = num_duplicates
    counts.duplicate_line_chars[d] = num_chars


@kernel
def count_documents(
    data: Bytes, offsets: Offsets, classes: Classes, scratch: Scratch, counts: RepetitionCounts
) -> None:
    """Fills `counts` for every document."""
    for k in range(offsets.shape[0] - 1):
        d = np.uintp(k)
        begin = np.uintp(offsets[d])
        end = np.uintp(offsets[d + np.uintp(1)])
        counts.num_chars[d] = count_characters(data, begin, end)
        count_document_pieces(data, begin, end, classes, d, scratch, counts)
        num_words = scan_words(data, begin, end, classes, scratch.words)
        count_document_ngrams(num_words, scratch, counts.top_ngram_chars[d], counts.duplicate_ngram_chars[d])


def repetition_counts(texts: pa.Array) -> RepetitionCounts:
    """Counts of every text of a large_string array. An empty text is one empty line and paragraph without n-grams."""
    data, offsets = document_text(texts)
    num_documents = len(texts)
    counts = RepetitionCounts(
        num_chars=np.zeros(num_documents, np.int64),
        num_paragraphs=np.zeros(num_documents, np.int64),
        num_duplicate_paragraphs=np.zeros(num_documents, np.int64),
        duplicate_paragraph_chars=np.zeros(num_documents, np.int64),
        num_lines=np.zeros(num_documents, np.int64),
        num_duplicate_lines=np.zeros(num_documents, np.int64),
        duplicate_line_chars=np.zeros(num_documents, np.int64),
        top_ngram_chars=np.zeros((num_documents, len(TOP_NGRAM_WORDS)), np.int64),
        duplicate_ngram_chars=np.zeros((num_documents, len(DUPLICATE_NGRAM_WORDS)), np.int64),
    )
    count_documents(data, offsets, character_classes(), scratch_for(longest_text(offsets)), counts)
    return counts
