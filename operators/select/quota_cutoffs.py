"""Finds where the quota of each cell of a pool ends, exactly and over the whole pool."""

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from operators.select.quota_budgets import Cell, cell_budgets
from operators.select.quota_cut import SCORE_SPARE_BITS, Keys, Sums, find_cut
from operators.select.quota_pool import NO_CELL, QUOTAS_FILE, PoolRows, QuotaPool, cells_of
from operators.select.share_threshold import score_of
from pipeline.errors import OperatorError
from pipeline.operator import Determinism, RowReader, Task, TaskFunction, TaskInputs


class CellCounts(NamedTuple):
    """A cell of a pool."""

    num_documents: int
    weight: int
    num_eligible: int
    eligible_weight: int


class QuotaCutoffs(QuotaPool, Task):
    """Where the quotas of a pool's cells end, as the file `quotas.json`.

    The budget is parted among cells in proportion to their weights, in whole numbers that add up to it. In each cell
    documents are walked, the highest score first or in the order of a draw, until their weights reach the cell's part.
    The weights that parts follow are those of all documents of the pool, or of those that may be chosen; documents
    without a value in a cell column, or without a score, count nowhere.

    The file has settings, budget, fill, and for every cell its names, num_documents and weight (in the pool),
    num_eligible and eligible_weight (of those that may be chosen), budget, repetitions (of the whole cell, where it ran
    dry), num_chosen and chosen_weight (of the rest, or of the quota where it did not), lowest_score (null where no
    score decides) and the cut that `quota_filter` and `quota_repetitions` apply.

    Columns:
        reads doc_id, `cells`, `scores` and `weight` (int64, not negative, null counts as 0).

    Determinism:
        SEEDED: equal scores, and all documents of a random order, are drawn among by a hash of doc_id. Weights are
        integers and `share` is taken as the decimal number that was written, so nothing is rounded; the order of rows
        does not matter.

    Raises:
        OperatorError: a weight is negative, a cell runs dry and `when_dry` is `error`, or it has nothing to repeat.

    Source:
        Peng et al. 2025, DataMan, arXiv:2502.19363: a budget of tokens parted by source, then inside each source by the
        domain that the model names, each cell filled with its best documents. Its script (select_subset.py of
        pengr/DataMan) walks until the cell's part is reached or passed, which `fill: reach` is, and takes parts after
        documents are filtered by score, which `shares_of: eligible` is. Different from it: parts are whole and add up;
        ties are drawn by doc_id; a cell may use all of its documents, not the head alone that its margin allows, before
        any is repeated, and then repeats all of them alike, where the script draws from the head with replacement.

    Cost:
        One pass over the columns to count, then one for each twelve bits of (score, draw) that are needed to tell
        documents apart where a quota ends: about four, at most eight. Memory is 64 KiB a cell, whatever the number of
        documents.
    """

    name: ClassVar[str] = "quota_cutoffs"
    produces = "model"
    determinism = Determinism.SEEDED

    weight: str = "num_tokens"
    """What budgets are counted in."""
    budget: int | None = Field(default=None, ge=0)
    """Weight to choose."""
    share: float | None = Field(default=None, gt=0, le=1)
    """Instead of `budget`: the share to choose of the weight that parts follow."""
    shares_of: Literal["eligible", "pool"] = "eligible"
    """Whose weights the parts follow: those of documents that may be chosen, or of all."""
    fill: Literal["reach", "within"] = "reach"
    """reach: a cell gets its part, and at most one document more; within: it gets no more than its part."""
    when_dry: Literal["error", "short", "repeat"] = "error"
    """Where a cell has less than its part: the step fails, the cell is taken as it is, or documents are repeated."""

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if (self.budget is None) == (self.share is None):
            raise ValueError(
                f"expected exactly one of budget and share; found budget={self.budget!r} and share={self.share!r}"
            )
        return self

    def requires(self) -> pa.Schema:
        """Where documents stand, and what they weigh."""
        return pa.schema([*self.pool_fields(), pa.field(self.weight, pa.int64())])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        """A model has no rows."""
        return pa.schema(())

    def open(self) -> TaskFunction:
        """Returns the search."""

        def run(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
            assert inputs.rows is not None, "the planner gives this task a view"
            text = json.dumps(self._find(inputs.rows), indent=2, allow_nan=False, ensure_ascii=False)
            (inputs.directory / QUOTAS_FILE).write_text(text + "\n", encoding="utf-8")
            return iter(())

        return run

    def _find(self, rows: RowReader) -> dict[str, Any]:  # Any: JSON
        """What the file says."""
        counted = self._count(rows)
        followed = {cell: one.weight if self.shares_of == "pool" else one.eligible_weight for cell, one in counted}
        total = self._total(sum(followed.values()))
        budgets = cell_budgets(total, followed)
        repetitions = [self._repetitions(cell, one, budgets[cell]) for cell, one in counted]
        rests = np.array(
            [
                min(budgets[cell] - times * one.eligible_weight, one.eligible_weight)
                for (cell, one), times in zip(counted, repetitions, strict=True)
            ],
            np.int64,
        )
        codes = {cell: code for code, (cell, _) in enumerate(counted)}
        cut = find_cut(lambda: self._eligible(rows, codes), rests, self.fill, has_ranks=self.order == "best")
        return {
            "settings": self.settings(),
            "budget": total,
            "fill": self.fill,
            "cells": [
                {
                    "names": list(cell),
                    **one._asdict(),
                    "budget": budgets[cell],
                    "repetitions": repetitions[code],
                    "num_chosen": int(cut.num_chosen[code]),
                    "chosen_weight": int(cut.chosen_weight[code]),
                    "lowest_score": self._lowest_score(int(cut.ranks[code]), int(cut.num_chosen[code])),
                    "least_rank": int(cut.ranks[code]),
                    "least_draw": int(cut.draws[code]),
                }
                for code, (cell, one) in enumerate(counted)
            ],
        }

    def _total(self, followed: int) -> int:
        if self.budget is not None:
            return self.budget
        return int(Fraction(repr(self.share)) * followed)

    def _repetitions(self, cell: Cell, counted: CellCounts, budget: int) -> int:
        """How often a cell that runs dry is taken whole."""
        if counted.eligible_weight >= budget or self.when_dry == "short":
            return 0
        if self.when_dry == "error" or not counted.eligible_weight:
            raise OperatorError(
                f"{self.name}: cell {list(cell)}: expected documents of {budget} {self.weight}, its part; found "
                f"{counted.eligible_weight}; lower the budget, or set when_dry to 'short'"
                + ("" if not counted.eligible_weight else " or 'repeat'")
            )
        return budget // counted.eligible_weight

    def _lowest_score(self, least_rank: int, num_chosen: int) -> float | None:
        """The least score of the documents chosen up to the cut; null where no score decides, or none is chosen."""
        if self.order == "random" or not num_chosen or not least_rank:
            return None
        return float(score_of(np.uint32(least_rank >> SCORE_SPARE_BITS)))

    def _count(self, rows: RowReader) -> list[tuple[Cell, CellCounts]]:
        """The pool by cell, in the order of names."""
        counts: dict[Cell, Sums] = {}
        for shard, batch in rows.batches(tuple(self.requires().names)):
            names, places = cells_of(batch, self.cells)
            weights = self._weights(shard, batch)
            pool = self.pool_rows(batch, dict.fromkeys(names, 0))
            is_row = (places != NO_CELL) & ~np.isnan(pool.scores)
            sums = np.zeros((len(names), 4), np.int64)
            for column, chosen in ((0, is_row), (2, is_row & pool.in_range)):
                np.add.at(sums[:, column], places[chosen], 1)
                np.add.at(sums[:, column + 1], places[chosen], weights[chosen])
            for name, added in zip(names, sums, strict=True):
                counts[name] = counts.get(name, np.zeros(4, np.int64)) + added
        return [(cell, CellCounts(*map(int, counts[cell]))) for cell in sorted(counts) if counts[cell].any()]

    def _eligible(self, rows: RowReader, codes: Mapping[Cell, int]) -> Iterator[Keys]:
        """The documents that may be chosen."""
        for shard, batch in rows.batches(tuple(self.requires().names)):
            pool: PoolRows = self.pool_rows(batch, codes)
            chosen = pool.in_range & (pool.codes != NO_CELL)
            weights = self._weights(shard, batch)[chosen]
            yield Keys(pool.codes[chosen], pool.ranks[chosen], pool.draws[chosen], weights)

    def _weights(self, shard: int, batch: pa.RecordBatch) -> Sums:
        weights: Sums = batch.column(self.weight).fill_null(0).to_numpy(zero_copy_only=False)
        if weights.size and weights.min() < 0:
            raise OperatorError(
                f"{self.name}: shard {shard}: expected {self.weight!r} not to be negative; found {weights.min()}"
            )
        return weights
