"""Statistics of each document's text as columns: what rule sets derive from, so that they share one pass over it."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from pydantic import Field, field_validator, model_validator

from operators.text.statistics import (
    MEASURES,
    STATISTICS,
    TEXT_STATISTICS,
    WORD_STATISTICS,
    Counts,
    Measures,
    groups_of,
    text_statistics,
)
from operators.text.stop_words import StopWordCounts, check_stop_words, stop_word_table
from operators.text.word_unit import WordUnit, unit_scanner
from pipeline.document import LANGUAGE, TEXT, TEXT_TYPE
from pipeline.operator import AnnotateFunction, Annotator

SHORT_LINE_CHARS: Final = 30
"""Penedo et al. 2024, arXiv 2406.17557, section 3.6: lines of at most 30 characters."""
SHORT_LINES: Final = "num_short_text_lines"
CASED_STOP_WORDS: Final = "num_cased_stop_words"
TEXT_PREFIX: Final = "text"


class TextStatistics(Annotator):
    """Adds counts of each document's words, lines, n-grams and characters.

    Rule sets derive from it; a recipe may name it too. Only the groups of what `statistics` names are counted, and
    words are scanned once for all of them. The names are in docs/filters.md, "Text statistics".

    Columns:
        Reads `text` (large_string), and `language` (large_string) if `languages` is given. Adds a column a statistic:
        int64, or float64 for `median_word_chars` and `word_entropy`; null in documents of other languages than
        `languages`. It is called `UNIT.STATISTIC` for statistics of words, as `whitespace.num_words`, `text.STATISTIC`
        for others, as `text.num_chars`, and ends in what else its value depends on: a digest of the stop words, or the
        length up to which lines are short.

    Determinism:
        EXACT, for one version of Python's Unicode data. `word_entropy` is summed in the order of the words' first
        occurrences, in float64.

    Raises:
        ValidationError: at construction, for an unknown statistic, or one that stands twice; for stop words that are
            missing, not needed, hold whitespace or stand twice.

    Source:
        Each rule set names the source of what it derives.

    Cost:
        Linear in bytes, whatever the text. With whitespace words 60 to 80 MB a CPU second for what the rules of Gopher
        and FineWeb need together. Memory of up to 45 bytes per byte of the longest document in a batch for the worst
        text (words of one letter), about 10 for prose.
    """

    name: ClassVar[str] = "text_statistics"

    statistics: tuple[str, ...] = Field(min_length=1)
    """What is counted."""
    word_unit: WordUnit = "whitespace"
    stop_words: tuple[str, ...] = ()
    """For statistics of stop words."""
    short_line_chars: int = Field(default=SHORT_LINE_CHARS, ge=0)
    """Up to how many characters a line is short."""
    languages: tuple[str, ...] | None = None
    """Labels in the column `language` whose documents are counted; None counts all."""

    @field_validator("statistics")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(value) - set(STATISTICS))
        if unknown:
            raise ValueError(f"statistics: expected names of statistics; found {unknown}; known: {sorted(STATISTICS)}")
        if len(set(value)) != len(value):
            raise ValueError(f"statistics: expected distinct names; found repetitions among {list(value)}")
        return value

    @field_validator("stop_words")
    @classmethod
    def _words_only(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return check_stop_words(value, may_be_none=True)

    @model_validator(mode="after")
    def _stop_words_are_needed(self) -> "TextStatistics":
        needed = not set(StopWordCounts._fields).isdisjoint(self.statistics)
        if needed and not self.stop_words:
            raise ValueError("stop_words: expected words, as statistics of stop words are asked for; found none")
        if self.stop_words and not needed:
            raise ValueError(
                "stop_words: expected none, as no statistic needs them; "
                f"found {len(self.stop_words)}; add one of {list(StopWordCounts._fields)}"
            )
        return self

    @property
    def needs_words(self) -> bool:
        """Whether any statistic is of words."""
        return not WORD_STATISTICS.keys().isdisjoint(self.statistics)

    def column(self, statistic: str) -> str:
        """The name of the column that holds `statistic`."""
        if statistic in TEXT_STATISTICS:
            suffix = f".{self.short_line_chars}" if statistic == SHORT_LINES else ""
            return f"{TEXT_PREFIX}.{statistic}{suffix}"
        suffix = ""
        if statistic in StopWordCounts._fields:
            suffix = "." + xxhash.xxh3_64_hexdigest("\n".join(sorted(self.stop_words)).encode())[:8]
        return f"{self.word_unit}.{statistic}{suffix}"

    def requires(self) -> pa.Schema:
        """The text, and the language where it matters."""
        language = () if self.languages is None else (pa.field(LANGUAGE, pa.large_string()),)
        return pa.schema([pa.field(TEXT, TEXT_TYPE), *language])

    def adds(self) -> pa.Schema:
        """A column a statistic."""
        nullable = self.languages is not None
        return pa.schema(
            [
                pa.field(self.column(name), pa.float64() if name in MEASURES else pa.int64(), nullable=nullable)
                for name in self.statistics
            ]
        )

    def merged(self, other: Annotator) -> Annotator | None:
        """One pass for both, if they agree about the settings that both use.

        What needs words is not merged with what does not: they are scans of their own, and the second is dear.
        """
        if not isinstance(other, TextStatistics) or other.languages != self.languages:
            return None
        if self.needs_words != other.needs_words:
            return None
        mine, theirs = _settings(self), _settings(other)
        if any(mine[name] != theirs[name] for name in mine.keys() & theirs.keys()):
            return None
        statistics = tuple(dict.fromkeys((*self.statistics, *other.statistics)))
        return TextStatistics(statistics=statistics, languages=self.languages, **(mine | theirs))

    def only(self, group: Mapping[str, str]) -> "TextStatistics | None":
        """The same for those of the statistics that `group` names; None if it names none of them."""
        statistics = tuple(name for name in self.statistics if name in group)
        if not statistics:
            return None
        settings = _settings(self.model_copy(update={"statistics": statistics}))
        return TextStatistics(statistics=statistics, languages=self.languages, **settings)

    def open(self) -> AnnotateFunction:
        """Makes the tables."""
        scanner = unit_scanner(self.word_unit)
        stop_words = stop_word_table(self.stop_words, any_case=CASED_STOP_WORDS in self.statistics)
        wanted = groups_of(self.statistics)
        schema = self.adds()
        languages = None if self.languages is None else pa.array(self.languages, pa.large_string())

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            texts = batch.column(TEXT)
            is_counted = None if languages is None else pc.is_in(batch.column(LANGUAGE), languages)
            if is_counted is not None:
                texts = texts.filter(is_counted)
            found = text_statistics(
                texts, wanted, scanner=scanner, stop_words=stop_words, short_line_chars=self.short_line_chars
            )
            columns = [_column(found[name], is_counted) for name in self.statistics]
            return pa.RecordBatch.from_arrays(columns, schema=schema)

        return annotate


def _column(values: Counts | Measures, is_counted: pa.Array | None) -> pa.Array:
    """The (C,) values of the rows that are counted as a column of all rows, null in the others."""
    array = pa.array(values)
    if is_counted is None:
        return array
    rows = is_counted.to_numpy(zero_copy_only=False)
    places = np.cumsum(rows, dtype=np.int64) - 1
    return array.take(pa.array(places, mask=~rows))


def _settings(operator: TextStatistics) -> dict[str, Any]:  # Any: the values of fields
    """The settings on which a statistic of the operator depends."""
    users: dict[str, Iterable[str]] = {
        "word_unit": WORD_STATISTICS,
        "stop_words": StopWordCounts._fields,
        "short_line_chars": (SHORT_LINES,),
    }
    wanted = set(operator.statistics)
    return {name: getattr(operator, name) for name, those in users.items() if not wanted.isdisjoint(those)}
