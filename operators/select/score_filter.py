"""Keeps documents whose score reaches a threshold, given as a number or found by an earlier step."""

import json
from typing import ClassVar, Final, Self

import numpy as np
import pyarrow as pa
from pydantic import model_validator

from pipeline.errors import PlanError
from pipeline.operator import FileRef, Filter, FilterFunction, Verdicts

NO_SCORE: Final = 0
LOW_SCORE: Final = 1
MAX_SCORE: Final = float(np.finfo(np.float32).max)


class ScoreFilter(Filter):
    """Keeps a document if its score is at least the threshold, or above it where ties are not kept.

    The threshold is rounded to float32 before anything is compared, so `min_score: 0.3` keeps a stored 0.3.

    Columns:
        reads `column` (float32). A null, NaN or infinite score drops the document by the rule `no_score`, any other
        score that does not suffice by `low_score`; the verdict's value is the score.

    Determinism:
        EXACT.

    Raises:
        PlanError: the threshold file is not one that share_threshold wrote for this column.

    Source:
        None: the threshold is the recipe's.

    Cost:
        A comparison per document.
    """

    name: ClassVar[str] = "score_filter"

    column: str
    min_score: float | None = None
    threshold_file: FileRef | None = None
    """A `threshold.json` of share_threshold, instead of `min_score`."""
    keep_ties: bool = True
    """Whether a score that equals the threshold is kept. With a threshold of a share, at least the share is kept if so,
    and otherwise at most the share."""

    @model_validator(mode="after")
    def _one_threshold(self) -> Self:
        if (self.min_score is None) == (self.threshold_file is None):
            raise ValueError(
                f"expected exactly one of min_score and threshold_file; found min_score={self.min_score!r} and "
                f"threshold_file={self.threshold_file and self.threshold_file.uri!r}"
            )
        if self.min_score is not None and not abs(self.min_score) <= MAX_SCORE:
            raise ValueError(f"min_score: expected a finite float32; found {self.min_score!r}")
        return self

    def requires(self) -> pa.Schema:
        """The score."""
        return pa.schema([pa.field(self.column, pa.float32())])

    def rules(self) -> tuple[str, ...]:
        """Whether there is a score, then whether it is high enough."""
        return ("no_score", "low_score")

    def open(self) -> FilterFunction:
        """Reads the threshold."""
        threshold = np.float32(self._threshold())

        def judge(batch: pa.RecordBatch) -> Verdicts:
            scores = batch.column(self.column).fill_null(float("nan")).to_numpy(zero_copy_only=False)  # (D,) float32
            finite = np.isfinite(scores)
            return Verdicts(
                keep=finite & (scores >= threshold if self.keep_ties else scores > threshold),
                rule=np.where(finite, LOW_SCORE, NO_SCORE).astype(np.int16),
                value=np.where(finite, scores, np.nan).astype(np.float64),
                threshold=np.where(finite, threshold, np.nan).astype(np.float64),
            )

        return judge

    def _threshold(self) -> float:
        if self.min_score is not None:
            return self.min_score
        assert self.threshold_file is not None, "one of the two is there"
        path = self.threshold_file.open_path()
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            column, threshold = str(found["column"]), float(found["threshold"])
        except (ValueError, KeyError, TypeError) as error:
            raise PlanError(
                f"{self.name}: file {self.threshold_file.uri!r}: expected a JSON object with 'column' and 'threshold', "
                "as share_threshold writes it; found another content"
            ) from error
        if column != self.column:
            raise PlanError(
                f"{self.name}: file {self.threshold_file.uri!r}: expected a threshold for column {self.column!r}; "
                f"found one for {column!r}"
            )
        return threshold
