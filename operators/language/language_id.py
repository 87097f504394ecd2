"""Language identification with a fastText model."""

from typing import ClassVar, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from operators.fasttext.classifier import Classifier, Predictions
from operators.fasttext.model_file import ModelFormatError
from operators.fasttext.tokens import has_end_of_line
from operators.text.characters import Classes, character_classes, document_text, skip_whitespace
from pipeline.document import LANGUAGE, TEXT, TEXT_TYPE
from pipeline.errors import OperatorError
from pipeline.kernel import Bytes, Offsets, borrowing_kernel
from pipeline.operator import AnnotateFunction, Annotator, FileRef

LANGUAGE_SCORE: Final = "language_score"
LANGUAGE_FIELDS: Final = (pa.field(LANGUAGE, pa.large_string()), pa.field(LANGUAGE_SCORE, pa.float32()))
LANGUAGES: Final = "languages"
LANGUAGE_SCORES: Final = "language_scores"
LIST_FIELDS: Final = (
    pa.field(LANGUAGES, pa.list_(pa.large_string())),
    pa.field(LANGUAGE_SCORES, pa.list_(pa.float32())),
)

LABEL_PREFIX: Final = "__label__"
SCORE_DECIMALS: Final = 4
"""Scores beyond these decimals change with the order of float additions, so they are not stored."""
END_OF_LINE: Final = "</s>"
"""What a model takes for the end of its one line: it becomes a space before the model sees it."""
NEWLINE: Final = "\n"


class LanguageId(Annotator):
    """Adds each document's most probable language and its probability, and the next ones where `top_k` asks for them.

    The whole text is judged as one line: newlines are spaces, or nothing. The languages of a text's parts are judged by
    `language_id_paragraphs`.

    Columns:
        Reads `text` (large_string). Adds `language` (large_string, the model's label without its prefix, as "en";
        null where the text holds nothing but whitespace and NUL, or nothing that the model knows) and `language_score`
        (float32 in 0..1, rounded to 4 decimals; 0 where the language is null). With `top_k` above 1 also `languages`
        (list of large_string) and `language_scores` (list of float32): up to `top_k` of them, the best first; a model
        with hierarchical softmax, such as lid.176, gives no language below 0.00001. Both are empty where the language
        is null.

    Determinism:
        EXACT, on one CPU architecture: scores are rounded to 4 decimals.

    Raises:
        StorageError: in `open`, when the model file is not what was pinned.
        OperatorError: in `open`, when it is no fastText classifier.

    Source:
        Joulin et al. 2016, arXiv 1607.01759 and 1612.03651; lid.176.ftz (licence and source: `lid.176.md`). As in
        FineWeb (Penedo et al. 2024, arXiv 2406.17557, base filtering) the whole text is judged as one line, newlines as
        spaces. A `</s>` in the text would end the line and is a space too.

    Cost:
        Nine times faster than the `fasttext` package (benchmarks/kernels/fasttext.py). Its labels are the same for all
        176,939 documents of benchmarks/conformance/fasttext_labels.py, its probabilities to 1e-5 for all but 40: up to
        4e-4 in long texts, where the package's sums lose more digits. Memory: 40 MB, most of it for words seen before.
    """

    name: ClassVar[str] = "language_id"
    version = 2

    model: FileRef = FileRef(uri="package:operators.language/lid.176.ftz")
    """Any fastText classifier: its labels are the languages."""
    top_k: int = Field(default=1, ge=1)
    """Languages a document; above 1 they come as lists too."""
    max_chars: int | None = Field(default=None, ge=1)
    """Characters that are judged, from the first that is not ASCII whitespace; None judges all, as published."""
    newline: Literal["", " "] = " "
    """What stands for a newline: a space, or nothing, which joins the words around it."""

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE)])

    def adds(self) -> pa.Schema:
        """Language and score, and the lists of them if more than one is asked for."""
        return pa.schema([*LANGUAGE_FIELDS, *(LIST_FIELDS if self.top_k > 1 else ())])

    def open(self) -> AnnotateFunction:
        """Loads the model."""
        classifier = load_classifier(self.model, self.name)
        names = language_names(classifier)
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            data, offsets = document_text(self._lines(batch.column(TEXT)))
            begins, ends = offsets[:-1].copy(), offsets[1:].copy()  # (D,)
            empty_blank_spans(data, begins, ends, character_classes())
            found = classifier.best(data, begins, ends, self.top_k)
            labels, scores = found.labels[:, 0], rounded_scores(found)
            columns = [names.take(pa.array(labels, mask=labels < 0)), pa.array(scores[:, 0])]
            if self.top_k > 1:
                columns += _as_lists(found.labels, scores, names)
            return pa.record_batch(columns, schema=schema)

        return annotate

    def _lines(self, texts: pa.Array) -> pa.Array:
        """What the model sees of each text."""
        if self.max_chars is not None:
            texts = pc.ascii_ltrim_whitespace(texts)  # separators to the model: blank space must not use up the bound
            texts = pc.utf8_slice_codeunits(texts, 0, self.max_chars)
        if self.newline == "":
            texts = pc.replace_substring(texts, NEWLINE, "")
        return without_line_ends(texts)


def without_line_ends(texts: pa.Array) -> pa.Array:
    """The texts with a space for each `</s>`; hardly any has one, and then nothing is copied."""
    data, offsets = document_text(texts)
    if has_end_of_line(data, np.uintp(offsets[0]), np.uintp(offsets[-1])):
        return pc.replace_substring(texts, END_OF_LINE, " ")
    return texts


def load_classifier(model: FileRef, operator: str) -> Classifier:
    """The model behind a pinned reference."""
    try:
        return Classifier(model.open_path())
    except ModelFormatError as error:
        raise OperatorError(f"{operator}: model {model.uri!r}: {error}") from error


def language_names(classifier: Classifier) -> pa.Array:
    """The labels of a model without their prefix."""
    return pa.array([label.removeprefix(LABEL_PREFIX) for label in classifier.labels], pa.large_string())


def rounded_scores(found: Predictions) -> npt.NDArray[np.float32]:
    """Probabilities as they are stored, (D, K)."""
    return np.round(np.minimum(found.probabilities, 1.0).astype(np.float64), SCORE_DECIMALS).astype(np.float32)


@borrowing_kernel
def empty_blank_spans(data: Bytes, begins: Offsets, ends: Offsets, classes: Classes) -> None:
    """Ends each of D spans where it begins if it holds nothing but whitespace and NUL."""
    for k in range(begins.shape[0]):
        row = np.uintp(k)
        end = np.uintp(ends[row])
        i = skip_whitespace(data, np.uintp(begins[row]), end, classes)
        while i < end and data[i] == np.uint8(0):
            i = skip_whitespace(data, i + np.uintp(1), end, classes)
        if i == end:
            ends[row] = begins[row]


def _as_lists(labels: npt.NDArray[np.int32], scores: npt.NDArray[np.float32], names: pa.Array) -> list[pa.Array]:
    """The labels and scores that there are of each document, as two list columns."""
    is_there = labels >= 0  # (D, K)
    offsets = np.zeros(len(labels) + 1, np.int32)
    np.cumsum(is_there.sum(axis=1), out=offsets[1:])
    bounds = pa.array(offsets)
    return [
        pa.ListArray.from_arrays(bounds, names.take(pa.array(labels[is_there]))),
        pa.ListArray.from_arrays(bounds, pa.array(scores[is_there])),
    ]
