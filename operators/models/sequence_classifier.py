"""What a classifier or a regression on top of an encoder says of each document, whatever transformers model it is."""

from typing import ClassVar, Final, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from operators.models.encoder import Classifier, load_classifier, load_cutter
from operators.models.token_annotator import TokenAnnotator
from operators.models.token_sequences import Float32Array, OverLength, mean_of_documents
from pipeline.errors import PlanError
from pipeline.operator import AnnotateFunction, FloatArray

SCORE_DECIMALS: Final = 4
WINDOW_ROWS: Final = 1024
MIN_INT8, MAX_INT8 = -128, 127


class SequenceClassifier(TokenAnnotator):
    """The score or the labels of each document under a sequence classifier or a regression.

    `output: score` gives one number: that of a regression, or the probability of the label `score_of`. `output: labels`
    gives the most probable label and the probabilities of all. Probabilities are softmax over the logits, or the
    logistic function of each where the model decides every label by itself.

    Of a document that is longer than `max_tokens`, `over_length: head` shows the model the beginning, as published
    scores of this kind do. `chunk_mean` shows it all of the document in chunks of equal length and takes the mean of
    their numbers: another score, with other column names.

    Columns:
        text: read; a null text counts as empty.
        PREFIX_score: written for `score`; float32, four decimals; null for a document without tokens.
        PREFIX_int_score: written with `int_range`; int8. The score as it is stored, brought into the range and rounded
            to the next whole number, halves to the even one. Null where the score is.
        PREFIX_label, PREFIX_probability, PREFIX_probabilities: written for `labels`; the label with the highest stored
            probability, the first of equals (string), that probability (float32, four decimals), and those of all
            labels in the model's order (list of float32). Null for a document without tokens.
        With `over_length: chunk_mean` the names begin with PREFIX_mean_ in place of PREFIX_.

    Determinism:
        Depends on the hardware, before rounding by about 1e-6 in float32 and 1e-2 in bfloat16. Rows are seen in windows
        of 1,024 of their shard, so that one machine gives equal values for any number of workers and any batch size.

    Raises:
        PlanError: the extra `models` is not installed, the folder holds no sequence classifier with a tokenizer, it has
            not the head that `output` asks for, or `max_tokens` is more than it can see. A row whose numbers are none
            is quarantined.

    Source:
        The head and its labels are the model's. Text is text: special tokens that a document writes out are not read as
        such, as the model's own tokenizer class would.

    Cost:
        One forward pass over at most `max_tokens` tokens of each document, or over all of them for `chunk_mean`. Texts
        are tokenized whole.
    """

    name: ClassVar[str] = "sequence_classifier"
    window_rows: ClassVar[int | None] = WINDOW_ROWS

    prefix: str = Field(default="classifier", pattern=r"^[a-z][a-z0-9_]*$")
    """What the columns' names begin with, so that one recipe may have several classifiers."""
    output: Literal["score", "labels"] = "score"
    score_of: str | None = None
    """The label whose probability is the score; None for a regression."""
    int_range: tuple[int, int] | None = None
    """Lowest and highest whole score; None for none."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Tokens that the model is given at once, special ones included; default: as many as it was made for."""
    over_length: OverLength = "head"

    @model_validator(mode="after")
    def _settings_fit(self) -> Self:
        if self.output == "labels" and (self.score_of is not None or self.int_range is not None):
            raise ValueError("score_of, int_range: expected with output score alone; found with labels; leave them out")
        if self.int_range is not None and not MIN_INT8 <= self.int_range[0] < self.int_range[1] <= MAX_INT8:
            raise ValueError(f"int_range: expected two rising numbers of int8; found {list(self.int_range)}")
        return self

    @property
    def stem(self) -> str:
        """What the columns' names begin with, the kind of score included."""
        return self.prefix if self.over_length == "head" else f"{self.prefix}_mean"

    def adds(self) -> pa.Schema:
        """The score, or labels and their probabilities."""
        if self.output == "labels":
            return pa.schema(
                [
                    pa.field(f"{self.stem}_label", pa.string()),
                    pa.field(f"{self.stem}_probability", pa.float32()),
                    pa.field(f"{self.stem}_probabilities", pa.list_(pa.float32())),
                ]
            )
        score = pa.field(f"{self.stem}_score", pa.float32())
        return pa.schema([score] if self.int_range is None else [score, pa.field(f"{self.stem}_int_score", pa.int8())])

    def open(self) -> AnnotateFunction:
        """Loads the model, and what its tokenizer puts around a text."""
        classifier = load_classifier(self.name, self.model, self.settings)
        cutter = load_cutter(
            self.name, self.model, self.settings, max_tokens=self.max_tokens, over_length=self.over_length
        )
        place = self._place_of_score(classifier)

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            sequences = cutter.cut(self.tokens.documents_of(batch))
            logits = classifier.compute(sequences.ids)  # (S, L)
            if not np.isfinite(logits).all():
                raise ValueError("expected numbers that are finite")
            is_regression = self.output == "score" and self.score_of is None
            numbers = logits if is_regression else _probabilities(logits, is_multi_label=classifier.is_multi_label)
            means = mean_of_documents(numbers, sequences.documents, batch.num_rows)  # (D, L)
            stored = np.round(means, SCORE_DECIMALS)
            columns = (
                self._label_columns(stored, classifier.labels) if place is None else self._scores(stored[:, place])
            )
            return pa.RecordBatch.from_arrays(columns, schema=self.adds())

        return annotate

    def _place_of_score(self, classifier: Classifier) -> int | None:
        """Which of the model's numbers is the score; None where all labels are asked for."""
        where = f"{self.name}: model {self.model.uri!r}"
        if self.output == "score" and self.score_of is None and classifier.width != 1:
            raise PlanError(
                f"{where}: expected a regression, which gives one number; found the labels {list(classifier.labels)}; "
                "set score_of to one of them, or output to labels"
            )
        if self.output == "labels" and classifier.width == 1:
            raise PlanError(f"{where}: expected a head with labels; found a regression; set output to score")
        if self.output == "labels":
            return None
        if self.score_of is None:
            return 0
        if self.score_of not in classifier.labels or classifier.width == 1:
            raise PlanError(f"{where}: score_of: expected one of {list(classifier.labels)}; found {self.score_of!r}")
        return classifier.labels.index(self.score_of)

    def _scores(self, stored: FloatArray) -> list[pa.Array]:
        """Columns of D scores, rounded, NaN where there is none."""
        is_none = np.isnan(stored)
        scores = pa.array(stored.astype(np.float32), mask=is_none)
        if self.int_range is None:
            return [scores]
        whole = np.rint(np.clip(np.where(is_none, 0, stored), *self.int_range)).astype(np.int8)
        return [scores, pa.array(whole, mask=is_none)]

    @staticmethod
    def _label_columns(stored: FloatArray, labels: tuple[str, ...]) -> list[pa.Array]:
        """Columns of (D, L) probabilities, rounded, NaN where there are none."""
        is_none = np.isnan(stored[:, 0])
        best = np.argmax(np.where(is_none[:, None], 0, stored), axis=1)  # (D,), the first of equals
        offsets = np.arange(0, stored.size + 1, stored.shape[1], dtype=np.int32)
        probabilities = pa.ListArray.from_arrays(
            pa.array(offsets), pa.array(stored.ravel().astype(np.float32)), mask=pa.array(is_none)
        )
        names = pa.array(labels, pa.string()).take(pa.array(best, mask=is_none))
        highest = stored[np.arange(len(best)), best].astype(np.float32)
        return [names, pa.array(highest, mask=is_none), probabilities]


def _probabilities(logits: Float32Array, *, is_multi_label: bool) -> FloatArray:
    """(S, L) probabilities of labels."""
    wide = logits.astype(np.float64)
    if is_multi_label:
        logistic: FloatArray = 1 / (1 + np.exp(-wide))
        return logistic
    risen = np.exp(wide - wide.max(axis=1, keepdims=True))
    softmax: FloatArray = risen / risen.sum(axis=1, keepdims=True)
    return softmax
