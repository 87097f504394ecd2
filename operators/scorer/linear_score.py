"""Scores embeddings with a linear classifier."""

import json
from typing import ClassVar, Final

import numpy as np
import pyarrow as pa
from pydantic import Field

from operators.scorer.logistic_regression import probabilities
from operators.scorer.train_linear import vectors_of
from pipeline.errors import PlanError
from pipeline.operator import AnnotateFunction, Annotator, FileRef, FloatArray

SCORE_DECIMALS: Final = 6


class LinearScore(Annotator):
    """The probability that a linear classifier gives to the positive class.

    Columns:
        reads `embedding` (fixed_size_list of `dimensions` float32s).
        adds `column` (float32, 0 to 1, six decimals); null where there is no embedding.

    Determinism:
        EXACT, on one CPU architecture.

    Raises:
        PlanError: the file is not one that `train_linear` left for so many dimensions.

    Source:
        As `train_linear`.

    Cost:
        A multiplication a dimension; no text.
    """

    name: ClassVar[str] = "linear_score"

    model: FileRef
    """The file `linear.json` of a step of `train_linear`."""
    embedding: str = "embedding"
    dimensions: int = Field(ge=1)
    column: str = "linear_score"

    def requires(self) -> pa.Schema:
        """The embedding."""
        return pa.schema([pa.field(self.embedding, pa.list_(pa.float32(), self.dimensions))])

    def adds(self) -> pa.Schema:
        """The probability."""
        return pa.schema([pa.field(self.column, pa.float32())])

    def open(self) -> AnnotateFunction:
        """Reads the weights."""
        weights = self._read()
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            column = batch.column(self.embedding)
            found = np.empty(batch.num_rows)
            probabilities(vectors_of(column, self.dimensions), weights, found)
            scores = np.round(found, SCORE_DECIMALS).astype(np.float32)
            missing = column.is_null().to_numpy(zero_copy_only=False)
            return pa.RecordBatch.from_arrays([pa.array(scores, mask=missing)], schema=schema)

        return annotate

    def _read(self) -> FloatArray:
        """The weights, the bias last."""
        try:
            found = json.loads(self.model.open_path().read_text(encoding="utf-8"))
            weights = np.array([*found["weights"], found["bias"]], np.float64)
        except (ValueError, KeyError, TypeError) as error:
            raise PlanError(
                f"{self.name}: model {self.model.uri!r}: expected a file that train_linear left; found another one; "
                "name a step:NAME/linear.json"
            ) from error
        if len(weights) != self.dimensions + 1:
            raise PlanError(
                f"{self.name}: model {self.model.uri!r}: expected weights of {self.dimensions} dimensions; found "
                f"{len(weights) - 1}"
            )
        return weights
