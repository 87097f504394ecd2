"""What a pool is when documents are chosen by quotas: its cells, who may be chosen, and who comes first.

Letters are: D documents of a batch.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, FiniteFloat, model_validator

from operators.dedup.seeded_hash import seeded_hashes
from operators.select.named_columns import CellColumn, ScoreColumn, Scores, check_distinct, finite_scores, score_values
from operators.select.quota_budgets import Cell
from operators.select.quota_cut import HASH_SPARE_BITS, SCORE_SPARE_BITS, Words
from operators.select.share_threshold import keys_of
from pipeline.document import DOC_ID, DOC_ID_TYPE
from pipeline.operator import BoolArray, FloatArray, Operator

NO_CELL = -1
"""The code of a row that has no value in one of the cell columns."""
QUOTAS_FILE = "quotas.json"

Codes = npt.NDArray[np.int64]


class PoolRows(NamedTuple):
    """A batch as quotas see it."""

    codes: Codes
    """(D,) the row's cell as the pool numbers it; NO_CELL where it has none, or one that the pool does not know."""
    scores: Scores
    """(D,) the sum of the scores; NaN where one is missing, 0 where there are no score columns."""
    in_range: BoolArray
    """(D,) whether there is a score, and within its bounds."""
    ranks: Words
    """(D,) more for those who come first by their score."""
    draws: Words
    """(D,) more for those who come first where scores are equal."""


class QuotaPool(Operator):
    """Fields that finding quotas and applying them have in common; they must have the same values."""

    cells: tuple[CellColumn, ...] = ()
    """Columns by whose values the budget is parted: by the first, then inside each of its values by the next. Without
    any the pool is one cell. A name alone stands for a column of strings."""
    scores: tuple[ScoreColumn, ...] = ()
    """Columns whose sum is a document's score. A name alone stands for a column of float32s."""
    order: Literal["best", "random"] = "best"
    """Who comes first in a cell: the highest score, or a draw. Equal scores are drawn among."""
    min_score: FiniteFloat | None = None
    """Documents with a lower score are not chosen."""
    max_score: FiniteFloat | None = None
    """Documents with a higher score are not chosen."""
    seed: int = Field(default=1, ge=0, lt=1 << 32)
    """Of the draws."""

    @model_validator(mode="after")
    def _scores_where_needed(self) -> Self:
        check_distinct([one.column for one in (*self.cells, *self.scores)])
        needs_scores = self.order == "best" or self.min_score is not None or self.max_score is not None
        if needs_scores and not self.scores:
            raise ValueError("scores: expected columns, for order: best or bounds of the score; found none")
        return self

    def settings(self) -> dict[str, Any]:  # Any: JSON
        """What must be the same where quotas are found and where they are applied."""
        return {name: value for name, value in self.model_dump(mode="json").items() if name in QuotaPool.model_fields}

    def pool_fields(self) -> list[pa.Field]:
        """The columns that say where in the pool a document stands."""
        named = [one.field for one in (*self.cells, *self.scores)]
        return [pa.field(DOC_ID, DOC_ID_TYPE, nullable=False), *named]

    def pool_rows(self, batch: pa.RecordBatch, codes: Mapping[Cell, int]) -> PoolRows:
        """A batch as quotas see it, with cells numbered as in `codes`."""
        scores = self._scores(batch)
        in_range = ~np.isnan(scores)
        if self.min_score is not None:
            in_range &= scores >= np.float32(self.min_score)
        if self.max_score is not None:
            in_range &= scores <= np.float32(self.max_score)
        ranks = np.zeros(batch.num_rows, np.uint64)
        if self.order == "best":
            ranks[in_range] = keys_of(scores[in_range]).astype(np.uint64) << np.uint64(SCORE_SPARE_BITS)
        draws = seeded_hashes(batch.column(DOC_ID), self.seed) >> np.uint64(HASH_SPARE_BITS)
        return PoolRows(self._codes(batch, codes), scores, in_range, ranks, draws)

    def _scores(self, batch: pa.RecordBatch) -> Scores:
        total: FloatArray = np.zeros(batch.num_rows, np.float64)
        for one in self.scores:
            total += score_values(batch, one.column)
        return finite_scores(total)

    def _codes(self, batch: pa.RecordBatch, codes: Mapping[Cell, int]) -> Codes:
        names, places = cells_of(batch, self.cells)
        known = np.array([*(codes.get(name, NO_CELL) for name in names), NO_CELL], np.int64)
        return known[places]  # the last place, -1, is that of rows without a cell


def cells_of(batch: pa.RecordBatch, columns: tuple[CellColumn, ...]) -> tuple[list[Cell], Codes]:
    """The cells that occur in a batch, and the (D,) place of each row's among them; -1 where a column has none."""
    places = np.zeros(batch.num_rows, np.int64)
    missing = np.zeros(batch.num_rows, np.bool_)
    names: list[Cell] = [()]
    for one in columns:
        encoded = pc.dictionary_encode(batch.column(one.column))
        values = encoded.dictionary.to_pylist()
        missing |= ~encoded.is_valid().to_numpy(zero_copy_only=False)
        inner = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
        used, places = np.unique(places * max(len(values), 1) + inner, return_inverse=True)
        pairs = (divmod(int(place), max(len(values), 1)) for place in used)
        names = [(*names[outer], values[value] if values else "") for outer, value in pairs]
    return names, np.where(missing, NO_CELL, places)
