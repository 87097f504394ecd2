"""One score out of several: the highest, the mean, or a weighted sum."""

from typing import ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, FiniteFloat, model_validator

from operators.select.named_columns import ScoreColumn, Scores, check_distinct, finite_scores, score_values
from pipeline.operator import AnnotateFunction, Annotator, FloatArray


class CombineScores(Annotator):
    """A score of several, such as the highest rank bucket that any of several classifiers gives to a document.

    Columns:
        reads `columns`.
        adds `column` (float32); null where one of the scores is null, NaN or infinite.

    Determinism:
        EXACT: summed in float64 in the order of `columns`, then rounded to float32.

    Raises:
        ValidationError: at construction, where `weights` are given for anything but `weighted`, or not one a column.

    Source:
        `max` of rank buckets is the ensemble of Nemotron-CC (Su et al. 2024, arXiv:2412.02595, section 2.2), which
        finds more documents of high quality than any of its classifiers.

    Cost:
        Some nanoseconds a score; no text.
    """

    name: ClassVar[str] = "combine_scores"

    columns: tuple[ScoreColumn, ...] = Field(min_length=1)
    column: str = "combined_score"
    how: Literal["max", "min", "mean", "sum", "weighted"] = "max"
    weights: tuple[FiniteFloat, ...] | None = None
    """For `weighted`, one a column; the scores times these are summed, and not divided by anything."""

    @model_validator(mode="after")
    def _weights_fit(self) -> Self:
        check_distinct([one.column for one in self.columns])
        expected = len(self.columns) if self.how == "weighted" else None
        found = None if self.weights is None else len(self.weights)
        if expected != found:
            raise ValueError(
                f"weights: expected {'none' if expected is None else expected} for {self.how!r} of "
                f"{len(self.columns)} columns; found {'none' if found is None else found}"
            )
        return self

    def requires(self) -> pa.Schema:
        """The scores."""
        return pa.schema([one.field for one in self.columns])

    def adds(self) -> pa.Schema:
        """The one."""
        return pa.schema([pa.field(self.column, pa.float32())])

    def open(self) -> AnnotateFunction:
        """Nothing to load."""
        return self._annotate

    def _annotate(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        combined = finite_scores(self._combined([score_values(batch, one.column) for one in self.columns]))
        return pa.RecordBatch.from_arrays([pa.array(combined, mask=np.isnan(combined))], schema=self.adds())

    def _combined(self, scores: list[Scores]) -> FloatArray:
        if self.how in ("max", "min"):
            extreme = np.maximum if self.how == "max" else np.minimum
            result: FloatArray = extreme.reduce(scores).astype(np.float64)  # NaN where one is
            return result
        weights = self.weights or (1.0,) * len(scores)
        total = np.zeros(scores[0].shape, np.float64)
        for score, weight in zip(scores, weights, strict=True):
            total += score.astype(np.float64) * weight
        return total / len(scores) if self.how == "mean" else total
