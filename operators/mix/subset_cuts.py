"""Finds where the random subset of each epoch ends, exactly over the whole pool."""

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from operators.mix.subset_pool import SUBSETS_FILE, SubsetPool
from operators.select.quota_cut import Keys, find_cut
from pipeline.document import DOC_ID
from pipeline.operator import Determinism, RowReader, Task, TaskFunction, TaskInputs


class SubsetCuts(SubsetPool, Task):
    """Where the random subset of each epoch ends, as `subsets.json`.

    Every epoch draws anew from all documents: in the order of a hash of `seed`, the epoch and doc_id whole documents
    are taken until the budget is reached. A pool with less than the budget is taken whole.

    Columns:
        reads doc_id and `size` (int64, not negative, null counts as 0).

    Determinism:
        SEEDED. The order of rows does not matter.

    Raises:
        OperatorError: a size is negative.

    Source:
        Okanovic et al. 2024, "Repeated Random Sampling for Minimizing the Time-to-Accuracy of Learning",
        arXiv:2305.18424, algorithm 1: a fresh random subset in every epoch, with replacement between epochs. Ours has a
        budget of tokens, not of documents.

    Cost:
        One pass to count, where `share` is given, then one for each twelve bits of the draw that are needed, at most
        five, for all epochs at once. Memory is 64 KiB an epoch.
    """

    name: ClassVar[str] = "subset_cuts"
    produces = "model"
    determinism = Determinism.SEEDED

    budget: int | None = Field(default=None, ge=1)
    """Of each epoch."""
    share: float | None = Field(default=None, gt=0, le=1)
    """Instead of `budget`: the share of the pool's size."""

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if (self.budget is None) == (self.share is None):
            raise ValueError(
                f"expected exactly one of budget and share; found budget={self.budget!r} and share={self.share!r}"
            )
        return self

    def requires(self) -> pa.Schema:
        """Whose documents they are, and how large."""
        return pa.schema(self.pool_fields())

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        """A model has no rows."""
        return pa.schema(())

    def open(self) -> TaskFunction:
        """Returns the search."""

        def run(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
            assert inputs.rows is not None, "the planner gives this task a view"
            text = json.dumps(self._find(inputs.rows), indent=1, allow_nan=False)
            (inputs.directory / SUBSETS_FILE).write_text(text + "\n", encoding="utf-8")
            return iter(())

        return run

    def _find(self, rows: RowReader) -> dict[str, Any]:  # Any: JSON
        """What the file says."""
        budget = self.budget
        if self.share is not None:
            total = sum(int(self.sizes_of(batch).sum()) for batch in self._batches(rows))
            budget = int(Fraction(repr(self.share)) * total)
        budgets = np.full(self.num_epochs, budget, np.int64)
        cut = find_cut(lambda: self._keys(rows), budgets, "reach", has_ranks=False)
        return {
            "settings": self.settings(),
            "budget": budget,
            "epochs": [
                {"num_documents": int(num), "size": int(size), "least_rank": int(rank), "least_draw": int(draw)}
                for num, size, rank, draw in zip(cut.num_chosen, cut.chosen_weight, cut.ranks, cut.draws, strict=True)
            ],
        }

    def _keys(self, rows: RowReader) -> Iterator[Keys]:
        """Every document, once for each epoch."""
        for batch in self._batches(rows):
            sizes, ranks = self.sizes_of(batch), np.zeros(batch.num_rows, np.uint64)
            for epoch in range(self.num_epochs):
                cells = np.full(batch.num_rows, epoch, np.int64)
                yield Keys(cells, ranks, self.epoch_draws(batch.column(DOC_ID), epoch), sizes)

    def _batches(self, rows: RowReader) -> Iterator[pa.RecordBatch]:
        for _, batch in rows.batches(tuple(self.requires().names)):
            yield batch
