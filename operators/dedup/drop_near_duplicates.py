"""Removal of the near-duplicates that `choose_survivors` decided on."""

from typing import ClassVar, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from operators.dedup.choose_survivors import SIMILARITY, SURVIVOR
from pipeline.document import DOC_ID_TYPE
from pipeline.operator import Filter, FilterFunction, Verdicts

NEAR_DUPLICATE: Final = "near_duplicate"

_DECIMALS: Final = 6
"""Of a similarity in float32: so 0.7 is shown as 0.7, and not as the 0.69999999 that is stored."""


class DropNearDuplicates(Filter):
    """Drops the documents in whose place another one stays.

    Columns:
        Reads `survivor` (16-byte doc_id; null keeps the document) and `similarity` (float32). A verdict's value is the
        similarity to the survivor, its threshold `verify_at`, and the ledger names the survivor.

    Determinism:
        Exact.

    Cost:
        Some nanoseconds a document.
    """

    name: ClassVar[str] = "drop_near_duplicates"

    verify_at: float | None = Field(default=0.7, gt=0, le=1)
    """The threshold by which `survivor` was decided, for the ledger; null if there was none. It decides nothing here:
    whether later documents are compared with this one or with its survivor hangs on it."""

    def requires(self) -> pa.Schema:
        """What was decided."""
        return pa.schema([pa.field(SURVIVOR, DOC_ID_TYPE), pa.field(SIMILARITY, pa.float32())])

    def rules(self) -> tuple[str, ...]:
        """One."""
        return (NEAR_DUPLICATE,)

    def open(self) -> FilterFunction:
        """Nothing to load."""
        return self._judge

    def _judge(self, batch: pa.RecordBatch) -> Verdicts:
        survivor = batch.column(SURVIVOR)
        similarity = pc.cast(batch.column(SIMILARITY), pa.float64()).to_numpy(zero_copy_only=False)
        return Verdicts(
            keep=survivor.is_null().to_numpy(zero_copy_only=False),
            rule=np.zeros(batch.num_rows, np.int16),
            value=np.round(similarity, _DECIMALS),
            threshold=np.full(batch.num_rows, np.nan if self.verify_at is None else self.verify_at),
            survivor=survivor,
        )
