"""Finds the scores that part a pool into buckets of equally many documents, exactly and over the whole pool."""

import json
from collections.abc import Iterator
from typing import ClassVar, Final, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from operators.select.named_columns import ScoreColumn, check_distinct, score_values
from operators.select.score_ranks import scores_at_ranks
from operators.select.share_threshold import Keys, keys_of
from pipeline.errors import OperatorError
from pipeline.operator import RowReader, Task, TaskFunction, TaskInputs

RANK_CUTOFFS_FILE: Final = "rank_cutoffs.json"
NUM_BUCKETS: Final = 20
"""Su et al. 2024, Nemotron-CC: scores become integers from 0 to 19."""
MAX_BUCKETS: Final = 1000


class RankCutoffs(Task):
    """The scores that part a pool into buckets, for each of `columns` by itself, as the file `rank_cutoffs.json`.

    Of N documents with a score, one whose score is above that of n others belongs to bucket
    `floor(n * num_buckets / N)`, so that equal scores share a bucket. The k-th cutoff is the highest score that is
    still below bucket k; documents above it belong to bucket k or a higher one.

    The file has num_buckets and, by column, num_documents and cutoffs (num_buckets - 1 float32s written as numbers).

    Columns:
        reads `columns`. Scores are compared as float32s; null, NaN and infinite ones are ignored.

    Determinism:
        EXACT: documents are counted and never sampled; their order does not matter.

    Raises:
        OperatorError: no document has a score in one of the columns.

    Source:
        Su et al. 2024, Nemotron-CC, arXiv:2412.02595, section 2.2: the scores of each classifier are made comparable by
        their ranks in the corpus, as one of 20 integers.

    Cost:
        Two passes over the columns. Memory is a histogram of half a MiB a column in the first pass, and at most one a
        cutoff in the second.
    """

    name: ClassVar[str] = "rank_cutoffs"
    produces = "model"

    columns: tuple[ScoreColumn, ...] = Field(min_length=1)
    num_buckets: int = Field(default=NUM_BUCKETS, ge=2, le=MAX_BUCKETS)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        check_distinct([one.column for one in self.columns])
        return self

    def requires(self) -> pa.Schema:
        """The scores."""
        return pa.schema([one.field for one in self.columns])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        """A model has no rows."""
        return pa.schema(())

    def open(self) -> TaskFunction:
        """Returns the search."""

        def run(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
            assert inputs.rows is not None, "the planner gives this task a view"
            found = {"num_buckets": self.num_buckets, "columns": self._find(inputs.rows)}
            text = json.dumps(found, indent=2, allow_nan=False)
            (inputs.directory / RANK_CUTOFFS_FILE).write_text(text + "\n", encoding="utf-8")
            return iter(())

        return run

    def _find(self, rows: RowReader) -> dict[str, dict[str, int | list[float]]]:
        found = scores_at_ranks(lambda: self._scored(rows), self._ranks)
        for one in self.columns:
            if one.column not in found:
                raise OperatorError(f"{self.name}: expected rows with a finite {one.column!r}; found none")
        return {
            one.column: {"num_documents": found[one.column][0], "cutoffs": found[one.column][1]} for one in self.columns
        }

    def _ranks(self, num_documents: int) -> list[int]:
        """The last rank of each bucket but the highest, where no scores tie."""
        return [-(-k * num_documents // self.num_buckets) for k in range(1, self.num_buckets)]

    def _scored(self, rows: RowReader) -> Iterator[tuple[str, Keys]]:
        for _, batch in rows.batches(tuple(one.column for one in self.columns)):
            for one in self.columns:
                scores = score_values(batch, one.column)
                scores = scores[~np.isnan(scores)]
                if len(scores):
                    yield one.column, keys_of(scores)
