"""What a pool is when it is mixed: its parts, how often a document counts in one epoch, and who comes first.

Letters are: D documents of a batch.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from operators.mix.draws import Purpose, draws_of
from operators.select.named_columns import CellColumn, NamedColumn
from operators.select.quota_cut import HASH_SPARE_BITS, Words
from operators.select.quota_pool import NO_CELL, cells_of
from pipeline.document import DOC_ID, DOC_ID_TYPE, SOURCE
from pipeline.errors import OperatorError
from pipeline.operator import Operator

MIX_FILE = "mix.json"

Numbers = npt.NDArray[np.int64]


class CountColumn(NamedColumn):
    """A column of whole numbers."""

    type: Literal["int8", "int16", "int32", "int64"] = "int32"


class MixRows(NamedTuple):
    """A batch as a mix sees it."""

    codes: Numbers
    """(D,) the row's part as `codes` numbers it; NO_CELL where it has none, or one that is not known."""
    copies: Numbers
    """(D,) how often the row stands in one epoch."""
    draws: Words
    """(D,) more for those who come first."""


class MixPool(Operator):
    """Fields that finding budgets and applying them have in common; they must have the same values."""

    by: CellColumn = CellColumn(column=SOURCE)
    """The column whose values name the parts. A name alone stands for a column of strings."""
    copies: CountColumn | None = None
    """A column that says how often a document stands in one epoch of its part; null: once. A name alone stands for a
    column of int32s, as `cluster_copies` adds it."""
    seed: int = Field(default=1, ge=0, lt=1 << 32)
    """Of the draws."""

    def settings(self) -> dict[str, Any]:  # Any: JSON
        """What must be the same where budgets are found and where they are applied."""
        return {name: value for name, value in self.model_dump(mode="json").items() if name in MixPool.model_fields}

    def pool_fields(self) -> list[pa.Field]:
        """The columns that say where in the pool a document stands."""
        named = [self.by.field, *([] if self.copies is None else [self.copies.field])]
        return [pa.field(DOC_ID, DOC_ID_TYPE, nullable=False), *named]

    def names_of(self, batch: pa.RecordBatch) -> list[str]:
        """The parts of a batch."""
        return [name for (name,) in cells_of(batch, (self.by,))[0]]

    def mix_rows(self, batch: pa.RecordBatch, codes: Mapping[str, int]) -> MixRows:
        """A batch as a mix sees it, with parts numbered as in `codes`."""
        names, places = cells_of(batch, (self.by,))
        known = np.array([*(codes.get(name, NO_CELL) for (name,) in names), NO_CELL], np.int64)
        draws = draws_of(batch.column(DOC_ID), self.seed, Purpose.MIX) >> np.uint64(HASH_SPARE_BITS)
        return MixRows(known[places], self._copies(batch), draws)

    def _copies(self, batch: pa.RecordBatch) -> Numbers:
        if self.copies is None:
            return np.ones(batch.num_rows, np.int64)
        found: Numbers = batch.column(self.copies.column).fill_null(1).to_numpy(zero_copy_only=False).astype(np.int64)
        if found.size and found.min() < 0:
            raise OperatorError(
                f"{self.name}: expected {self.copies.column!r} not to be negative; found {found.min()}; correct it "
                "where it is made"
            )
        return found
