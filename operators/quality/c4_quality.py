"""C4's rules for documents: placeholder text, code, and too few sentences."""

from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
from pydantic import model_validator

from operators.quality.bounds import Count
from operators.quality.c4_phrases import CURLY_BRACKET, LOREM_IPSUM, find_phrases
from operators.text.characters import document_text, longest_text
from operators.text.line_edits import end_of_any_line
from operators.text.sentences import (
    SentenceScratch,
    SentenceTables,
    SentenceUnit,
    count_sentences,
    sentence_scratch,
    sentence_tables,
)
from pipeline.document import TEXT
from pipeline.kernel import Bytes, Offsets, borrowing_kernel
from pipeline.operator import FloatArray
from pipeline.rule_set import Limit, MeasureFunction, RuleSet


@borrowing_kernel
def _measure_line(
    data: Bytes,
    begin: np.uintp,
    end: np.uintp,
    tables: SentenceTables,
    scratch: SentenceScratch,
    values: FloatArray,
) -> None:
    """Adds one line to a document's (R,) `values`."""
    found = find_phrases(data, begin, end)
    values[np.uintp(0)] += np.float64(found & np.uint8(LOREM_IPSUM) != np.uint8(0))
    values[np.uintp(1)] += np.float64(found & np.uint8(CURLY_BRACKET) != np.uint8(0))
    values[np.uintp(2)] += np.float64(count_sentences(data, begin, end, tables, scratch))


@borrowing_kernel
def _measure_documents(
    data: Bytes, offsets: Offsets, tables: SentenceTables, scratch: SentenceScratch, values: FloatArray
) -> None:
    """Fills (D, R) `values`."""
    for k in range(offsets.shape[0] - 1):
        d = np.uintp(k)
        end = np.uintp(offsets[d + np.uintp(1)])
        line = np.uintp(offsets[d])
        while line < end:
            content, after = end_of_any_line(data, line, end)
            _measure_line(data, line, content, tables, scratch, values[d])
            line = after


class C4Quality(RuleSet):
    """Keeps documents of enough sentences that are neither placeholder text nor code.

    It belongs behind `c4_lines`, which leaves it the lines that it must see: together they decide as C4 does, and the
    text that stays is C4's. Sentences are counted in each line by itself.

    Columns:
        Reads `text` (large_string). A verdict's value is the number of lines with "lorem ipsum", whatever its case,
        of lines with `{`, or of sentences.

    Determinism:
        EXACT, for one version of Python's Unicode data.

    Raises:
        ValidationError: at construction, for a negative limit, or a sentence unit that the limit was not tuned on.

    Source:
        Raffel et al. 2019, arXiv 1910.10683, section 2.2, as datatrove 0.10.1 reads it (`C4QualityFilter`). TensorFlow
        Datasets (`c4_utils.clean_page`) is `min_sentences: 3`, of sentences by Punkt. Different from datatrove: where
        both occur, "lorem ipsum" decides before `{`, whichever stands first; whitespace that a citation leaves at the
        end of a line is no sentence.

    Cost:
        Linear in bytes; the sentences of `spacy` are most of it.
    """

    name: ClassVar[str] = "c4_quality"

    max_lorem_ipsum_lines: Count = 0
    """Raffel et al. 2019: any page with the phrase goes. Where None, `c4_lines` takes `spare_lorem_ipsum: false`."""
    max_curly_bracket_lines: Count = 0
    """Raffel et al. 2019: any page with one goes. Where None, `c4_lines` takes `spare_curly_brackets: false`."""
    min_sentences: Count = 5
    """Raffel et al. 2019; TensorFlow Datasets: 3."""
    sentence_unit: SentenceUnit = "spacy"
    """The default is datatrove's for English."""
    allow_other_unit: bool = False
    """Whether `sentence_unit` may be one that the limit was not tuned on."""

    @model_validator(mode="after")
    def _tuned_unit(self) -> Self:
        if self.sentence_unit != "spacy" and not self.allow_other_unit:
            raise ValueError(
                f"sentence_unit: expected the one that the limit was tuned on, 'spacy'; found {self.sentence_unit!r}; "
                "its numbers differ, so set a limit for it and allow_other_unit: true"
            )
        return self

    def limits(self) -> tuple[Limit, ...]:
        """One rule a limit, in the order of the fields."""
        return (
            Limit("lorem_ipsum", "max", self.max_lorem_ipsum_lines),
            Limit("curly_bracket", "max", self.max_curly_bracket_lines),
            Limit("too_few_sentences", "min", self.min_sentences),
        )

    def open_measure(self) -> MeasureFunction:
        """Loads the tables of the sentence unit."""
        tables = sentence_tables(self.sentence_unit)
        return lambda batch: self._measure(batch, tables)

    def _measure(self, batch: pa.RecordBatch, tables: SentenceTables) -> FloatArray:
        data, offsets = document_text(batch.column(TEXT))
        values = np.zeros((batch.num_rows, len(self.limits())))
        scratch = sentence_scratch(self.sentence_unit, longest_text(offsets))
        _measure_documents(data, offsets, tables, scratch, values)
        return values
