"""Drops the documents that a choice left out: those with 0 repetitions."""

from typing import ClassVar, Final

import numpy as np
import pyarrow as pa

from pipeline.operator import Filter, FilterFunction, Verdicts

REPETITIONS: Final = "repetitions"
REPETITIONS_TYPE: Final = pa.int32()

NOT_CHOSEN_RULE: Final = 0
NO_REPETITIONS_RULE: Final = 1


class DropUnchosen(Filter):
    """Keeps a document if it is to be there at least once.

    It turns the column of `mix_repetitions` or `quota_repetitions` into removals; `repeat_rows` makes the copies.

    Columns:
        reads `column` (int32). A row with 0 is dropped by the rule `not_chosen`, a row without a number by
        `no_repetitions`.

    Determinism:
        Exact.

    Source:
        None.

    Cost:
        A comparison per document.
    """

    name: ClassVar[str] = "drop_unchosen"

    column: str = REPETITIONS

    def requires(self) -> pa.Schema:
        """The numbers."""
        return pa.schema([pa.field(self.column, REPETITIONS_TYPE)])

    def rules(self) -> tuple[str, ...]:
        """Why a document is left out."""
        return ("not_chosen", "no_repetitions")

    def open(self) -> FilterFunction:
        """Nothing to load."""

        def judge(batch: pa.RecordBatch) -> Verdicts:
            times = batch.column(self.column)
            has_number = times.is_valid().to_numpy(zero_copy_only=False)
            values = times.fill_null(0).to_numpy(zero_copy_only=False)
            return Verdicts(
                keep=values > 0,
                rule=np.where(has_number, NOT_CHOSEN_RULE, NO_REPETITIONS_RULE).astype(np.int16),
                value=np.where(has_number, values.astype(np.float64), np.nan),
                threshold=np.where(has_number, 1.0, np.nan),
            )

        return judge
