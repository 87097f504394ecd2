"""The languages of a document's paragraphs: how much of a text is in which language."""

from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from operators.fasttext.classifier import Classifier
from operators.language.language_id import (
    empty_blank_spans,
    language_names,
    load_classifier,
    without_line_ends,
)
from operators.text.characters import Classes, character_classes, count_characters, document_text, skip_whitespace
from operators.text.units import next_unit
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.kernel import Bytes, Offsets, kernel
from pipeline.operator import AnnotateFunction, Annotator, FileRef

PARAGRAPH_LANGUAGE: Final = "paragraph_language"
PARAGRAPH_LANGUAGES: Final = "paragraph_languages"
SHARE_DECIMALS: Final = 4
SHARES_TYPE: Final = pa.list_(pa.struct([pa.field("language", pa.large_string()), pa.field("share", pa.float32())]))

Labels = npt.NDArray[np.int32]
Counts = npt.NDArray[np.int64]


class LanguageIdParagraphs(Annotator):
    """Adds the languages of a document's paragraphs, and the one that most of its bytes are in.

    A paragraph is a run of lines that are not blank. Each is judged by itself, with newlines as spaces; one of fewer
    than `min_chars` characters says too little, and takes the label of the whole document.

    Columns:
        Reads `text` (large_string). Adds `paragraph_languages` (list of struct of language, large_string, and share,
        float32 in 0..1: its part of the bytes of all paragraphs that have a language, rounded to 4 decimals; the
        greatest share first, of equals the label that the model has first) and `paragraph_language` (large_string, the
        first of them). Empty and null where no paragraph has a language.

    Determinism:
        EXACT, on one CPU architecture.

    Raises:
        StorageError: in `open`, when the model file is not what was pinned.
        OperatorError: in `open`, when it is no fastText classifier.

    Source:
        A measure of our own with the model of `language_id`: documents of several languages pass a filter on the label
        of the whole text. 50 characters: below, a paragraph is a heading or a button, and its label a guess.

    Cost:
        Twice that of `language_id`: the whole text is judged too, where it has a short paragraph.
    """

    name: ClassVar[str] = "language_id_paragraphs"

    model: FileRef = FileRef(uri="package:operators.language/lid.176.ftz")
    """Any fastText classifier: its labels are the languages."""
    min_chars: int = Field(default=50, ge=1)
    """Characters of a paragraph, line ends around it aside, from which it is judged by itself."""

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE)])

    def adds(self) -> pa.Schema:
        """The language of most bytes, and the share of each."""
        return pa.schema([pa.field(PARAGRAPH_LANGUAGE, pa.large_string()), pa.field(PARAGRAPH_LANGUAGES, SHARES_TYPE)])

    def open(self) -> AnnotateFunction:
        """Loads the model."""
        classifier = load_classifier(self.model, self.name)
        names = language_names(classifier)
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            data, offsets = document_text(without_line_ends(batch.column(TEXT)))
            paragraphs = find_paragraphs(data, offsets)
            labels = self._labels(classifier, data, offsets, paragraphs)
            return pa.record_batch(_shares(batch.num_rows, paragraphs, labels, names), schema=schema)

        return annotate

    def _labels(self, classifier: Classifier, data: Bytes, offsets: Offsets, paragraphs: "Paragraphs") -> Labels:
        """The label of each paragraph, (P,)."""
        documents, begins, ends, num_chars = paragraphs
        is_short = num_chars < self.min_chars
        wanted = np.zeros(len(offsets) - 1, np.bool_)
        wanted[documents[is_short]] = True
        whole = _best(classifier, data, offsets[:-1].copy(), np.where(wanted, offsets[1:], offsets[:-1]))
        labels = whole[documents]
        labels[~is_short] = _best(classifier, data, begins[~is_short], ends[~is_short])
        return labels


Paragraphs = tuple[Counts, Offsets, Offsets, Counts]
"""Of P paragraphs: document, where it begins and ends, and its characters; each (P,)."""


def find_paragraphs(data: Bytes, offsets: Offsets) -> Paragraphs:
    """The paragraphs of all documents, without the blank lines around them."""
    counts = np.zeros(len(offsets), np.int64)
    empty = np.zeros((0, 4), np.int64)
    _list_paragraphs(data, offsets, character_classes(), counts, empty)
    found = np.zeros((int(counts[-1]), 4), np.int64)
    _list_paragraphs(data, offsets, character_classes(), counts, found)
    return found[:, 0].copy(), found[:, 1].copy(), found[:, 2].copy(), found[:, 3].copy()


@kernel
def _list_paragraphs(
    data: Bytes, offsets: Offsets, classes: Classes, counts: Counts, found: npt.NDArray[np.int64]
) -> None:
    """Writes document, begin, end and characters of each paragraph to `found`, if it has room, and their number last.

    A first call with an empty `found` counts, a second one writes.
    """
    number = np.uintp(0)
    for k in range(offsets.shape[0] - 1):
        end = np.uintp(offsets[np.uintp(k) + np.uintp(1)])
        i = np.uintp(offsets[np.uintp(k)])
        while i < end:
            content, after = next_unit(data, i, end, True, classes)
            begin = skip_whitespace(data, i, content, classes)
            if begin < content:
                if number < np.uintp(found.shape[0]):
                    found[number, np.uintp(0)] = np.int64(k)
                    found[number, np.uintp(1)] = np.int64(begin)
                    found[number, np.uintp(2)] = np.int64(content)
                    found[number, np.uintp(3)] = count_characters(data, begin, content)
                number += np.uintp(1)
            i = after
    counts[np.uintp(counts.shape[0] - 1)] = np.int64(number)


def _best(classifier: Classifier, data: Bytes, begins: Offsets, ends: Offsets) -> Labels:
    """The best label of each span; NO_LABEL for one that holds nothing but whitespace and NUL."""
    empty_blank_spans(data, begins, ends, character_classes())
    return classifier.best(data, begins, ends, 1).labels[:, 0]


def _shares(num_rows: int, paragraphs: Paragraphs, labels: Labels, names: pa.Array) -> list[pa.Array]:
    """The two columns: paragraphs of one label are added up, and sorted by their bytes."""
    documents, begins, ends, _ = paragraphs
    has_label = labels >= 0
    keys, place = np.unique(documents[has_label] * len(names) + labels[has_label], return_inverse=True)
    num_bytes = np.bincount(place, (ends - begins)[has_label], minlength=len(keys))  # exact: below 2^53
    rows, found = keys // len(names), keys % len(names)
    order = np.lexsort((found, -num_bytes, rows))
    rows, found, num_bytes = rows[order], found[order], num_bytes[order]
    total = np.bincount(rows, num_bytes, minlength=num_rows)
    offsets = np.zeros(num_rows + 1, np.int32)
    np.cumsum(np.bincount(rows, minlength=num_rows), out=offsets[1:])
    shares = np.round(num_bytes / total[rows], SHARE_DECIMALS).astype(np.float32)
    languages = names.take(pa.array(found))
    has_any = offsets[1:] > offsets[:-1]
    first = pa.array(np.where(has_any, offsets[:-1], 0), mask=~has_any)
    structs = pa.StructArray.from_arrays([languages, pa.array(shares)], fields=list(SHARES_TYPE.value_type))
    return [languages.take(first), pa.ListArray.from_arrays(pa.array(offsets), structs)]
