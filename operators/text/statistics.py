"""One pass over texts that counts words, lines, n-grams and characters, as far as they are asked for.

A statistic is a number per document; here are their names, and to which group of the counting each belongs. What words
are is for the caller to say. Every scan is linear in the bytes of the text, whatever the text is. Letters are: D
documents.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.text.character_statistics import (
    CATEGORIES,
    CategoryCounts,
    SymbolCounts,
    character_categories,
    count_categories,
    count_symbols,
    count_unique_characters,
)
from operators.text.characters import NUM_CODE_POINTS, Classes, character_classes, document_text, longest_text
from operators.text.feed_line_statistics import FeedLineCounts, count_feed_lines
from operators.text.key_table import key_table_for
from operators.text.line_statistics import LineCounts, count_lines
from operators.text.ngram_statistics import (
    LONG_NGRAM_WORDS,
    TOP_NGRAM_WORDS,
    NgramCounts,
    NgramScratch,
    count_document_ngrams,
    ngram_scratch_for,
)
from operators.text.paragraph_statistics import ParagraphCounts, count_paragraphs
from operators.text.stop_words import StopWordCounts, StopWords, count_stop_words
from operators.text.whitespace_words import Words
from operators.text.word_statistics import (
    FrequencyCounts,
    WordCounts,
    count_frequencies,
    count_words,
    median_word_chars,
)
from operators.text.word_unit import UnitScanner, WordTables, scan_unit_words
from pipeline.kernel import Bytes, Offsets, borrowing_kernel

Counts = npt.NDArray[np.int64]
Measures = npt.NDArray[np.float64]
Marks = npt.NDArray[np.uint32]
Group = TypeVar("Group", bound=tuple[Counts | Measures, ...])


class Wanted(NamedTuple):
    """Which groups of statistics are to be counted. Every group of words but the first needs the scan of it only."""

    symbols: bool = False
    categories: bool = False
    unique_characters: bool = False
    lines: bool = False
    feed_lines: bool = False
    paragraphs: bool = False
    words: bool = False
    median: bool = False
    frequencies: bool = False
    stop_words: bool = False
    top_ngrams: bool = False
    duplicate_ngrams: bool = False
    repeated_ngrams: bool = False


class DocumentCounts(NamedTuple):
    """What was counted in D documents; of groups that were not wanted, nothing."""

    symbols: SymbolCounts
    categories: CategoryCounts
    num_unique_chars: Counts
    lines: LineCounts
    feed_lines: FeedLineCounts
    paragraphs: ParagraphCounts
    words: WordCounts
    median_word_chars: Measures
    frequencies: FrequencyCounts
    stop_words: StopWordCounts
    ngrams: NgramCounts


class Scratch(NamedTuple):
    """Memory that kernels work in, for documents up to the length that it was made for."""

    words: Words
    ngrams: NgramScratch
    lengths: Marks
    by_category: Counts
    last_seen: Counts


class Tables(NamedTuple):
    """What kernels read beside the text."""

    classes: Classes
    categories: Bytes  # empty where no category is wanted
    word_tables: WordTables
    stop_words: StopWords


TEXT_STATISTICS: Final[Mapping[str, str]] = {
    **dict.fromkeys(SymbolCounts._fields, "symbols"),
    **dict.fromkeys(CategoryCounts._fields, "categories"),
    "num_unique_chars": "unique_characters",
    **dict.fromkeys(LineCounts._fields, "lines"),
    **dict.fromkeys(FeedLineCounts._fields, "feed_lines"),
    **dict.fromkeys(ParagraphCounts._fields, "paragraphs"),
}
"""The group of every statistic that does not depend on what a word is."""

WORD_STATISTICS: Final[Mapping[str, str]] = {
    **dict.fromkeys(WordCounts._fields, "words"),
    "median_word_chars": "median",
    **dict.fromkeys(FrequencyCounts._fields, "frequencies"),
    **dict.fromkeys(StopWordCounts._fields, "stop_words"),
    **{f"top_{n}_gram_chars": "top_ngrams" for n in TOP_NGRAM_WORDS},
    **{f"top_{n}_gram_word_chars": "top_ngrams" for n in TOP_NGRAM_WORDS},
    **{f"duplicate_{n}_gram_chars": "duplicate_ngrams" for n in LONG_NGRAM_WORDS},
    **{f"repeated_{n}_gram_chars": "repeated_ngrams" for n in LONG_NGRAM_WORDS},
    **{f"all_{n}_gram_chars": "repeated_ngrams" for n in LONG_NGRAM_WORDS},
}
"""The group of every statistic of words."""

STATISTICS: Final[Mapping[str, str]] = {**TEXT_STATISTICS, **WORD_STATISTICS}
MEASURES: Final = ("median_word_chars", "word_entropy")
"""Statistics that are no whole numbers."""


@borrowing_kernel
def count_document_words(
    num_words: np.uintp,
    wanted: Wanted,
    tables: Tables,
    scratch: Scratch,
    d: np.uintp,
    counts: DocumentCounts,
) -> None:
    """Counts the words of document `d`, which stand in `scratch`."""
    words = scratch.words
    if wanted.words:
        count_words(words, num_words, d, counts.words)
    if wanted.median:
        counts.median_word_chars[d] = median_word_chars(words, num_words, scratch.lengths)
    if wanted.frequencies:
        count_frequencies(words, num_words, scratch.ngrams.table, scratch.ngrams.slots, d, counts.frequencies)
    if wanted.stop_words:
        count_stop_words(words, num_words, tables.stop_words, d, counts.stop_words)
    if wanted.top_ngrams or wanted.duplicate_ngrams or wanted.repeated_ngrams:
        wants = (wanted.duplicate_ngrams, wanted.repeated_ngrams)
        count_document_ngrams(words, num_words, wants, scratch.ngrams, d, counts.ngrams)


@borrowing_kernel
def count_document_text(
    data: Bytes,
    begin: np.uintp,
    end: np.uintp,
    rule: tuple[Wanted, np.int64],
    tables: Tables,
    scratch: Scratch,
    d: np.uintp,
    counts: DocumentCounts,
) -> None:
    """Counts the characters, lines and paragraphs of document `d`."""
    wanted, short_line_chars = rule
    table = scratch.ngrams.table
    if wanted.symbols:
        count_symbols(data, begin, end, d, counts.symbols)
    if wanted.categories:
        count_categories(data, begin, end, tables.categories, scratch.by_category, d, counts.categories)
    if wanted.unique_characters:
        counts.num_unique_chars[d] = count_unique_characters(data, begin, end, d, scratch.last_seen)
    if wanted.lines:
        count_lines(data, begin, end, tables.classes, d, counts.lines)
    if wanted.feed_lines:
        count_feed_lines(data, begin, end, tables.classes, short_line_chars, table, d, counts.feed_lines)
    if wanted.paragraphs:
        count_paragraphs(data, begin, end, tables.classes, table, d, counts.paragraphs)


@borrowing_kernel
def count_documents(
    data: Bytes,
    offsets: Offsets,
    unit: np.uint8,
    rule: tuple[Wanted, np.int64],
    tables: Tables,
    scratch: Scratch,
    counts: DocumentCounts,
) -> None:
    """Fills `counts` for every document; `rule` says what is wanted, and which lines are short."""
    wanted = rule[0]
    wants_words = (
        wanted.words
        or wanted.median
        or wanted.frequencies
        or wanted.stop_words
        or wanted.top_ngrams
        or wanted.duplicate_ngrams
        or wanted.repeated_ngrams
    )
    for k in range(offsets.shape[0] - 1):
        d = np.uintp(k)
        begin = np.uintp(offsets[d])
        end = np.uintp(offsets[d + np.uintp(1)])
        count_document_text(data, begin, end, rule, tables, scratch, d, counts)
        if wants_words:
            num_words = scan_unit_words(data, begin, end, unit, tables.word_tables, scratch.words)
            count_document_words(num_words, wanted, tables, scratch, d, counts)


def groups_of(statistics: Iterable[str]) -> Wanted:
    """The groups that hold `statistics`."""
    return Wanted(**dict.fromkeys((STATISTICS[name] for name in statistics), True))


def text_statistics(
    texts: pa.Array, wanted: Wanted, *, scanner: UnitScanner, stop_words: StopWords, short_line_chars: int
) -> dict[str, Counts | Measures]:
    """Every statistic of the groups `wanted`, (D,) each, of the texts of a large_string array.

    An empty text is one empty line between line feeds, and one empty paragraph; everything else in it counts 0.
    """
    data, offsets = document_text(texts)
    counts = _counts_for(len(texts), wanted)
    tables = Tables(
        character_classes(),
        character_categories() if wanted.categories else np.frombuffer(b"", np.uint8),
        scanner.tables_for(texts),
        stop_words._replace(last_found=np.full(len(stop_words.last_found), -1, np.int64)),
    )
    scratch = _scratch_for(longest_text(offsets), wanted, scanner)
    count_documents(data, offsets, scanner.unit, (wanted, np.int64(short_line_chars)), tables, scratch, counts)
    return _by_name(counts, wanted)


def _counts_for(num_documents: int, wanted: Wanted) -> DocumentCounts:
    def zeros(is_wanted: bool, *shape: int) -> Counts:
        return np.zeros((num_documents if is_wanted else 0, *shape), np.int64)

    def group(make: Callable[..., Group], is_wanted: bool, num_fields: int) -> Group:
        return make(*(zeros(is_wanted) for _ in range(num_fields)))

    frequencies = FrequencyCounts(zeros(wanted.frequencies), np.zeros(num_documents, np.float64))
    ngrams = wanted.top_ngrams or wanted.duplicate_ngrams or wanted.repeated_ngrams
    return DocumentCounts(
        symbols=group(SymbolCounts, wanted.symbols, len(SymbolCounts._fields)),
        categories=group(CategoryCounts, wanted.categories, len(CategoryCounts._fields)),
        num_unique_chars=zeros(wanted.unique_characters),
        lines=group(LineCounts, wanted.lines, len(LineCounts._fields)),
        feed_lines=group(FeedLineCounts, wanted.feed_lines, len(FeedLineCounts._fields)),
        paragraphs=group(ParagraphCounts, wanted.paragraphs, len(ParagraphCounts._fields)),
        words=group(WordCounts, wanted.words, len(WordCounts._fields)),
        median_word_chars=np.zeros(num_documents if wanted.median else 0, np.float64),
        frequencies=frequencies,
        stop_words=group(StopWordCounts, wanted.stop_words, len(StopWordCounts._fields)),
        ngrams=NgramCounts(
            top_chars=zeros(ngrams, len(TOP_NGRAM_WORDS)),
            top_word_chars=zeros(ngrams, len(TOP_NGRAM_WORDS)),
            duplicate_chars=zeros(ngrams, len(LONG_NGRAM_WORDS)),
            repeated_chars=zeros(ngrams, len(LONG_NGRAM_WORDS)),
            all_chars=zeros(ngrams, len(LONG_NGRAM_WORDS)),
        ),
    )


def _scratch_for(max_bytes: int, wanted: Wanted, scanner: UnitScanner) -> Scratch:
    words = scanner.words_for(max_bytes)
    capacity = len(words.hashes) + 1
    return Scratch(
        words=words,
        ngrams=ngram_scratch_for(capacity, key_table_for(max(capacity, max_bytes // 2 + 2))),
        lengths=np.zeros(max_bytes + 1 if wanted.median else 0, np.uint32),
        by_category=np.zeros(len(CATEGORIES) + 1, np.int64),
        last_seen=np.zeros(NUM_CODE_POINTS if wanted.unique_characters else 0, np.int64),
    )


def _by_name(counts: DocumentCounts, wanted: Wanted) -> dict[str, Counts | Measures]:
    found: dict[str, Counts | Measures] = {
        "num_unique_chars": counts.num_unique_chars,
        "median_word_chars": counts.median_word_chars,
    }
    for group in (
        counts.symbols,
        counts.categories,
        counts.lines,
        counts.feed_lines,
        counts.paragraphs,
        counts.words,
        counts.frequencies,
        counts.stop_words,
    ):
        found |= group._asdict()
    ngrams = counts.ngrams
    for index, n in enumerate(TOP_NGRAM_WORDS):
        found[f"top_{n}_gram_chars"] = ngrams.top_chars[:, index]
        found[f"top_{n}_gram_word_chars"] = ngrams.top_word_chars[:, index]
    for index, n in enumerate(LONG_NGRAM_WORDS):
        found[f"duplicate_{n}_gram_chars"] = ngrams.duplicate_chars[:, index]
        found[f"repeated_{n}_gram_chars"] = ngrams.repeated_chars[:, index]
        found[f"all_{n}_gram_chars"] = ngrams.all_chars[:, index]
    return {name: values for name, values in found.items() if getattr(wanted, STATISTICS[name])}
