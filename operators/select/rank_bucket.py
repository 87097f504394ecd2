"""Names the bucket, by the rank of its score in the pool, that a document belongs to."""

import json
from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from operators.select.named_columns import ScoreColumn, Scores, check_distinct, score_values
from pipeline.errors import PlanError
from pipeline.operator import AnnotateFunction, Annotator, FileRef

BUCKET_SUFFIX = "_bucket"


class RankBucket(Annotator):
    """The bucket of each score: 0 for the lowest scores of the pool, one less than the number of buckets for the best.

    Columns:
        reads `columns`.
        adds COLUMN_bucket (int16) for each; null where the score is null, NaN or infinite.

    Determinism:
        EXACT.

    Raises:
        PlanError: the file is not one that `rank_cutoffs` left for these columns.

    Source:
        As `rank_cutoffs`.

    Cost:
        A binary search a score; no text.
    """

    name: ClassVar[str] = "rank_bucket"

    columns: tuple[ScoreColumn, ...] = Field(min_length=1)
    cutoffs: FileRef
    """The file `rank_cutoffs.json` of a step of `rank_cutoffs`."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        check_distinct([one.column for one in self.columns])
        return self

    def requires(self) -> pa.Schema:
        """The scores."""
        return pa.schema([one.field for one in self.columns])

    def adds(self) -> pa.Schema:
        """Their buckets."""
        return pa.schema([pa.field(one.column + BUCKET_SUFFIX, pa.int16()) for one in self.columns])

    def open(self) -> AnnotateFunction:
        """Reads the cutoffs."""
        cutoffs = self._read()
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            return pa.RecordBatch.from_arrays(
                [_buckets(batch, name, cut) for name, cut in cutoffs.items()], schema=schema
            )

        return annotate

    def _read(self) -> dict[str, Scores]:
        """The cutoffs of each column, ascending."""
        try:
            found = json.loads(self.cutoffs.open_path().read_text(encoding="utf-8"))["columns"]
            return {one.column: np.array(found[one.column]["cutoffs"], np.float32) for one in self.columns}
        except (ValueError, KeyError, TypeError) as error:
            raise PlanError(
                f"{self.name}: cutoffs {self.cutoffs.uri!r}: expected a file that rank_cutoffs left for columns "
                f"{[one.column for one in self.columns]}; found another one; name a step:NAME/rank_cutoffs.json"
            ) from error


def _buckets(batch: pa.RecordBatch, column: str, cutoffs: Scores) -> pa.Array:
    scores = score_values(batch, column)
    return pa.array(np.searchsorted(cutoffs, scores, side="left").astype(np.int16), mask=np.isnan(scores))
