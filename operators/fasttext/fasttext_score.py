"""Scores documents with a supervised fastText classifier, as PreSelect and DCLM do."""

from typing import ClassVar, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from operators.fasttext.classifier import Classifier
from operators.fasttext.model_file import ModelFormatError
from operators.text.characters import (
    Classes,
    character_classes,
    document_text,
    skip_whitespace,
    skip_whitespace_back,
)
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.errors import PlanError
from pipeline.kernel import Bytes, Offsets, kernel
from pipeline.operator import AnnotateFunction, Annotator, FileRef

NUM_CHARS: Final = "num_chars"

SCORE_DECIMALS: Final = 6
"""Decimals of a stored score: about what a float32 near 1 can hold, and more than the classifier can mean."""


class FastTextScore(Annotator):
    """The probability that a classifier gives to one label.

    The text is stripped and put on one line, as the classifier reads lines. As for fastText, words end at ASCII
    whitespace and NUL only, a text ends with the word `</s>` and early at a literal `</s>` between spaces, and words
    that begin with `__label__` are passed over.

    Columns:
        reads text; a null text counts as empty.
        adds `column` (float32, 0 to 1 and by fastText's rounding slightly beyond, six decimals) and num_chars (int64,
        Unicode characters of the text as stored). A document that is empty once stripped, or of which the model knows
        nothing, scores 0.

    Determinism:
        EXACT. Probabilities agree with the `fasttext` package to 1e-5, but for texts so long that float32 sums in
        another order lose more digits.

    Raises:
        PlanError: the file is no supervised fastText model, or the model lacks the label.

    Source:
        Shum et al., "Predictive Data Selection" (2025), arXiv:2503.00808, section 2.3 and table 5; scoring as their
        released filter does it through datatrove, which joins the words around a newline (`newline: ""`).

    Cost:
        With word bigrams, dimension 100 and a table of two million, seven times faster than the `fasttext` package
        where rows have been met before, four times where most are new (benchmarks/kernels/fasttext.py). The model file
        is mapped: workers of a node share its pages. Each keeps the products of the rows that it met with the labels'
        weights, 16 MB for such a model.
    """

    name: ClassVar[str] = "fasttext_score"
    version = 2

    model: FileRef
    label: str = "__label__1"
    newline: Literal["", " "] = " "
    """What stands for a newline: a space matches how classifiers are trained, nothing matches PreSelect's corpus."""
    column: str = "quality_score"

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def adds(self) -> pa.Schema:
        """The score, and the length that selection weighs it with."""
        return pa.schema(
            [pa.field(self.column, pa.float32(), nullable=False), pa.field(NUM_CHARS, pa.int64(), nullable=False)]
        )

    def open(self) -> AnnotateFunction:
        """Maps the model."""
        classifier = self._load()
        label = classifier.labels.index(self.label)
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            texts = batch.column(TEXT)
            num_chars = pc.fill_null(pc.utf8_length(texts), 0)
            if self.newline == "":
                texts = pc.replace_substring(texts, "\n", "")
            data, offsets = document_text(texts)
            begins, ends = np.empty(len(texts), np.int64), np.empty(len(texts), np.int64)  # (D,)
            stripped_spans(data, offsets, character_classes(), begins, ends)
            scores = classifier.probability(data, begins, ends, label).astype(np.float64)
            rounded = np.round(scores, SCORE_DECIMALS).astype(np.float32)
            return pa.RecordBatch.from_arrays([pa.array(rounded), num_chars], schema=schema)

        return annotate

    def _load(self) -> Classifier:
        try:
            classifier = Classifier(self.model.open_path())
        except ModelFormatError as error:
            raise PlanError(f"{self.name}: model {self.model.uri!r}: {error}") from error
        if self.label not in classifier.labels:
            raise PlanError(
                f"{self.name}: model {self.model.uri!r}: expected a classifier with the label {self.label!r}; found "
                f"{len(classifier.labels)} labels, the first of them {sorted(classifier.labels)[:10]}"
            )
        return classifier


@kernel
def stripped_spans(data: Bytes, offsets: Offsets, classes: Classes, begins: Offsets, ends: Offsets) -> None:
    """Writes where each of D texts begins and ends without the whitespace around it."""
    for k in range(begins.shape[0]):
        row = np.uintp(k)
        end = np.uintp(offsets[row + np.uintp(1)])
        begin = skip_whitespace(data, np.uintp(offsets[row]), end, classes)
        begins[row] = np.int64(begin)
        ends[row] = np.int64(skip_whitespace_back(data, begin, end, classes))
