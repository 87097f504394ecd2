"""Scores documents with a supervised fastText classifier, as PreSelect and DCLM do."""

from typing import TYPE_CHECKING, ClassVar, Final, Literal

import numpy as np
import pyarrow as pa

from pipeline.document import TEXT, TEXT_TYPE
from pipeline.errors import PlanError
from pipeline.operator import AnnotateFunction, Annotator, FileRef

if TYPE_CHECKING:
    import fasttext

NUM_CHARS: Final = "num_chars"

SCORE_DECIMALS: Final = 6
"""Decimals of a stored score: about what a float32 near 1 can hold, and more than the classifier can mean."""

ALL_LABELS: Final = -1


class FastTextScore(Annotator):
    """The probability that a classifier gives to one label.

    The text is stripped and put on one line, as the classifier reads lines. fastText splits words at ASCII whitespace
    and NUL only, always adds its end-of-line word `</s>`, ends a text early at a literal `</s>` between spaces, and
    passes over words that begin with `__label__`.

    Columns:
        reads text; a null text counts as empty.
        adds `column` (float32, 0 to 1 and by rounding errors of fastText slightly beyond, six decimals) and num_chars
        (int64, Unicode characters of the text as stored). A document that is empty once stripped, or of which the
        model knows nothing, scores 0.

    Determinism:
        EXACT.

    Raises:
        PlanError: the file is no supervised fastText model, or the model lacks the label.

    Source:
        Shum et al., "Predictive Data Selection" (2025), arXiv:2503.00808, section 2.3 and table 5; scoring as their
        released filter does it through datatrove, which joins the words around a newline (`newline: ""`).

    Cost:
        About 55 MB of text a second and core with word bigrams and a model of dimension 16; a dimension of 100 and a
        table of two million bigrams are bound by memory latency. Memory is the model's: 0.8 GB at fastText's defaults.
    """

    name: ClassVar[str] = "fasttext_score"

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
        """Loads the model."""
        # `.f` is the compiled model; the wrapper's predict would build an array and two tuples for every document.
        predict = self._load().f.predict
        schema = self.adds()

        def score(text: str) -> float:
            line = text.strip().replace("\n", self.newline)
            if not line:
                return 0.0
            for probability, label in predict(line + "\n", ALL_LABELS, 0.0, "strict"):
                if label == self.label:
                    return float(probability)
            return 0.0

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            texts = ["" if text is None else text for text in batch.column(TEXT).to_pylist()]
            scores = np.fromiter(map(score, texts), np.float64, len(texts))  # (D,)
            num_chars = np.fromiter(map(len, texts), np.int64, len(texts))  # (D,)
            rounded = np.round(scores, SCORE_DECIMALS).astype(np.float32)
            return pa.RecordBatch.from_arrays([pa.array(rounded), pa.array(num_chars)], schema=schema)

        return annotate

    def _load(self) -> "fasttext.FastText._FastText":
        import fasttext  # noqa: PLC0415 -- heavy: only workers that run this need it

        path = self.model.open_path()
        try:
            model = fasttext.load_model(str(path))
            labels = model.get_labels() if model.f.getArgs().model == fasttext.FastText.model_name.supervised else []
        except ValueError as error:
            raise PlanError(
                f"{self.name}: model {self.model.uri!r}: expected a fastText model; found a file that does not load"
            ) from error
        if self.label not in labels:
            raise PlanError(
                f"{self.name}: model {self.model.uri!r}: expected a classifier with the label {self.label!r}; found "
                f"{len(labels)} labels, the first of them {sorted(labels)[:10]}"
            )
        return model
