"""C4's rule on bad words: drops documents that hold a word or phrase of a list."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from pydantic import BaseModel, ConfigDict, Field, model_validator

from operators.text.characters import Classes, document_text
from operators.text.phrase_automaton import PhraseAutomaton, count_phrases, phrase_automaton
from operators.text.regex_classes import regex_classes
from pipeline.document import DOC_ID, DOC_ID_TYPE, LANGUAGE, TEXT, TEXT_TYPE
from pipeline.kernel import Bytes, Offsets, kernel
from pipeline.operator import BoolArray, Determinism, FileRef, FloatArray
from pipeline.rule_set import Limit, MeasureFunction, RuleSet

ALLOWED_WORDS: Final = ("sm", "グロ", "女の子", "性")
"""TensorFlow Datasets, `c4_utils`: parts of common Japanese and Chinese words, each of which would drop more than a
tenth of the documents of its language."""
LANGUAGES_WITHOUT_SPACES: Final = ("ja", "th", "zh")
"""TensorFlow Datasets, `c4_utils`: there a phrase counts inside a word too."""


@kernel
def _find_in_documents(
    data: Bytes,
    offsets: Offsets,
    is_wanted: BoolArray,
    automaton: PhraseAutomaton,
    classes: Classes,
    must_be_apart: bool,
    values: FloatArray,
) -> None:
    """Sets (D,) `values` of the wanted documents to how often phrases occur."""
    for k in range(is_wanted.shape[0]):
        d = np.uintp(k)
        if is_wanted[d]:
            begin, end = np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)])
            values[d] = np.float64(count_phrases(data, begin, end, automaton, classes, must_be_apart))


class WordList(BaseModel):
    """The list of one language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str = Field(min_length=1)
    """As the column `language` names it."""
    file: FileRef
    """UTF-8 text with a word or phrase a line."""


class C4BadWords(RuleSet):
    r"""Keeps documents without a word or phrase of the list of their language.

    Texts are compared in lower case, phrases as they stand in the list. A phrase counts between characters that are no
    letters, digits or underscores; in Japanese, Thai and Chinese anywhere. Documents of a language without a list stay.

    Columns:
        Reads `text` (large_string), `language` unless `language` is given, `doc_id` where `keep_fraction` is not 0. A
        verdict's value is the number of places where a phrase ends; not measured for documents that stay whatever
        they hold.

    Determinism:
        SEEDED: which documents stay in spite of a phrase is a hash of `seed` and the doc_id.

    Raises:
        ValidationError: at construction, without a list for `language`, for two of one language, or for a fraction
            outside 0..1.

    Source:
        Raffel et al. 2019, arXiv 1910.10683, section 2.2, and mC4 (Xue et al. 2021, arXiv 2010.11934, section 3.1), as
        datatrove 0.10.1 reads them (`C4BadWordsFilter`). The lists are those of LDNOOBW ("List of Dirty, Naughty,
        Obscene, and Otherwise Bad Words", CC-BY-4.0), one for each of 28 languages, which you name: none is shipped.
        Different from datatrove: documents that stay in spite of a phrase do not depend on their order; lower case is
        taken letter by letter, so U+0130 is an i.

    Cost:
        One pass in lower case and one through the automaton of the phrases, of about 1 kB a letter of the list.
    """

    name: ClassVar[str] = "c4_bad_words"
    determinism: ClassVar[Determinism] = Determinism.SEEDED

    lists: tuple[WordList, ...] = Field(min_length=1)
    """One a language: `language`, as the column of that name has it, and `file`, with a word or phrase a line."""
    max_bad_words: Annotated[int, Field(ge=0)] | None = 0
    """Places that a document may have where a phrase ends."""
    language: str | None = None
    """The language of all documents; None: each one's is in the column `language`."""
    keep_fraction: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the documents that stay whatever they hold."""
    seed: int = Field(default=0, ge=0, lt=1 << 64)
    allowed_words: tuple[str, ...] = ALLOWED_WORDS
    """Entries of any list that do not count."""
    languages_without_spaces: tuple[str, ...] = LANGUAGES_WITHOUT_SPACES

    @model_validator(mode="after")
    def _has_list(self) -> Self:
        known = [entry.language for entry in self.lists]
        if len(set(known)) != len(known):
            raise ValueError(f"lists: expected one a language; found {known}; join the files")
        if self.language is not None and self.language not in known:
            raise ValueError(f"language: expected one that has a list, {known}; found {self.language!r}")
        return self

    def measures(self) -> pa.Schema:
        """The text, and what decides about it."""
        fields = [pa.field(TEXT, TEXT_TYPE)]
        if self.keep_fraction > 0:
            fields.append(pa.field(DOC_ID, DOC_ID_TYPE, nullable=False))
        if self.language is None and self.languages is None:  # else the base class asks for it
            fields.append(pa.field(LANGUAGE, pa.large_string()))
        return pa.schema(fields)

    def limits(self) -> tuple[Limit, ...]:
        """The only rule."""
        return (Limit("bad_words", "max", self.max_bad_words),)

    def open_measure(self) -> MeasureFunction:
        """Reads the lists."""
        automata = {entry.language: self._automaton(entry.file) for entry in self.lists}
        regex_classes()
        return lambda batch: self._measure(batch, automata)

    def _automaton(self, file: FileRef) -> PhraseAutomaton:
        lines = file.open_path().read_text(encoding="utf-8").split("\n")
        return phrase_automaton(({line.strip() for line in lines} - {""}).difference(self.allowed_words))

    def _measure(self, batch: pa.RecordBatch, automata: Mapping[str, PhraseAutomaton]) -> FloatArray:
        values = np.full(batch.num_rows, np.nan)
        data, offsets = document_text(pc.utf8_lower(batch.column(TEXT)))
        for language, automaton in automata.items():
            is_wanted = self._is_of(language, batch)
            if is_wanted.any():
                must_be_apart = language not in self.languages_without_spaces
                _find_in_documents(data, offsets, is_wanted, automaton, regex_classes(), must_be_apart, values)
        if self.keep_fraction > 0:
            for row in np.flatnonzero(values > 0).tolist():
                drawn = xxhash.xxh3_64_intdigest(batch.column(DOC_ID)[row].as_py(), self.seed)
                if drawn < self.keep_fraction * 2.0**64:
                    values[row] = np.nan
        return values[:, np.newaxis]

    def _is_of(self, language: str, batch: pa.RecordBatch) -> BoolArray:
        if self.language is not None:
            return np.full(batch.num_rows, language == self.language)
        is_equal = pc.fill_null(pc.equal(batch.column(LANGUAGE), language), fill_value=False)
        found: BoolArray = is_equal.to_numpy(zero_copy_only=False)
        return found
