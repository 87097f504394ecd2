"""MAP-NEO's rules for Chinese lines: keeps the lines of a document that end as sentences do and have words."""

from typing import Annotated, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from operators.quality.map_neo_line_rules import KEPT, LINE_RULES, LineRules, Lines, judged_lines
from operators.quality.word_rule_set import check_unit
from operators.repair.edited_text import text_edits
from operators.text.regex_classes import regex_classes
from operators.text.units import cut_units
from operators.text.whitespace_words import Hashes, word_hashes
from operators.text.word_unit import WordUnit, unit_scanner
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.operator import Edits, FileRef, Transform, TransformFunction


class MapNeoLines(Transform):
    """Removes lines that are empty, that no end mark ends, of few words, or with words or phrases that say enough.

    Phrases are `javascript` and `lorem ipsum`, in the spellings of the source. Words are those of the line without
    punctuation, and each character of whitespace counts as one, as in jieba. What is left stays as it is, and ends
    with a line feed, or without one, as before. End marks are ASCII: `full_width_to_half_width` belongs before.

    Columns:
        text: read and replaced. An edit's value is the number of lines that went by a rule; the first one counts.

    Determinism:
        EXACT, for one version of Python's Unicode data.

    Raises:
        ValidationError: at construction, for an end mark that is no single character, or a word unit that the rules
            were not made for.
        ValueError: in `open`, for a bad word that holds whitespace.

    Source:
        Zhang et al. 2024, arXiv 2405.19327, as released: MAP-NEO, commit 81f3cad,
        `chinese_data_clean_pipeline/filter/filter.py`, `linewise_filter`. The code lists ellipses as end marks too, but
        compares them, of two characters, with the last one, so that they never match; `end_marks` may name U+2026. Its
        list of Chinese bad words is not published.

    Cost:
        Linear in bytes; with jieba words about 30 MB a CPU second, less where most lines end in a mark.
    """

    name: ClassVar[str] = "map_neo_lines"

    end_marks: tuple[str, ...] = (".", "!", "?")
    """The characters that a kept line ends with; none turns the rule off."""
    min_words: Annotated[int, Field(ge=0)] = 3
    bad_words: FileRef | None = None
    """A file of words, one a line: a line with one of them goes."""
    word_unit: WordUnit = "jieba"
    """What a word is; see docs/filters.md."""
    allow_other_unit: bool = False
    """Whether `word_unit` may be one that the published limits were not made for."""

    @field_validator("end_marks")
    @classmethod
    def _single_characters(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(mark) != 1 for mark in value) or len(set(value)) != len(value):
            raise ValueError(f"end_marks: expected distinct single characters; found {list(value)}")
        return value

    @model_validator(mode="after")
    def _unit_is_tuned(self) -> "MapNeoLines":
        check_unit("word_unit", self.word_unit, ("jieba",), allow_other_unit=self.allow_other_unit)
        return self

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def rules(self) -> tuple[str, ...]:
        """In the order in which they are tried."""
        return LINE_RULES

    def replaces(self) -> tuple[str, ...]:
        """The text."""
        return (TEXT,)

    def open(self) -> TransformFunction:
        """Reads the bad words and loads the tables of words."""
        regex_classes()
        rules = LineRules(
            end_marks=np.array([ord(mark) for mark in self.end_marks], np.uint32),
            min_words=self.min_words,
            scanner=unit_scanner(self.word_unit),
            bad_words=self._bad_words(),
        )
        return lambda batch: _edits(batch, judged_lines(batch.column(TEXT), rules))

    def _bad_words(self) -> Hashes:
        if self.bad_words is None:
            return np.empty(0, np.uint64)
        words = self.bad_words.open_path().read_text(encoding="utf-8").splitlines()
        return np.sort(word_hashes(tuple(word for word in words if word)))


def _edits(batch: pa.RecordBatch, lines: Lines) -> Edits:
    document = np.repeat(np.arange(batch.num_rows), lines.num_lines)  # (L,)
    first = np.concatenate([np.zeros(1, np.int64), np.cumsum(lines.num_lines)])
    removed = np.flatnonzero(lines.broken != KEPT)
    sizes = np.zeros((batch.num_rows, len(LINE_RULES)))
    np.add.at(sizes, (document[removed], lines.broken[removed].astype(np.int64) - 1), 1)
    texts = batch.column(TEXT)
    if len(removed):
        ordinals = (removed - first[document[removed]]).astype(np.uint32)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes.sum(axis=1)).astype(np.int64)])
        texts = cut_units(texts, offsets, ordinals, unit="line")
    return text_edits(batch, texts, sizes)
