"""Keeps the documents that the quota of their cell chooses."""

from typing import ClassVar, Final

import numpy as np
import pyarrow as pa

from operators.select.quota_file import AppliedQuotas, Quotas
from operators.select.quota_pool import NO_CELL
from pipeline.operator import Filter, FilterFunction, Verdicts

NO_CELL_RULE: Final = 0
NO_SCORE_RULE: Final = 1
OUT_OF_RANGE_RULE: Final = 2
OVER_QUOTA_RULE: Final = 3


class QuotaFilter(AppliedQuotas, Filter):
    """Keeps a document if the quota of its cell chooses it, once or several times.

    Columns:
        reads doc_id, `cells` and `scores`. A row without a value in a cell column, or of a cell that has no quota, is
        dropped by the rule `no_cell`, one without a score by `no_score`, one whose score is out of bounds by
        `out_of_range`, any other that is not chosen by `over_quota`. A verdict's value is the score, if any.

    Determinism:
        SEEDED, as `quota_cutoffs`.

    Raises:
        PlanError: the file is not one that `quota_cutoffs` left for the same settings.

    Source:
        As `quota_cutoffs`.

    Cost:
        Some tens of nanoseconds a document; no text.
    """

    name: ClassVar[str] = "quota_filter"

    def rules(self) -> tuple[str, ...]:
        """What keeps a document from being chosen."""
        return ("no_cell", "no_score", "out_of_range", "over_quota")

    def open(self) -> FilterFunction:
        """Reads the quotas."""
        quotas = self.read_quotas()
        return lambda batch: self._judge(batch, quotas)

    def _judge(self, batch: pa.RecordBatch, quotas: Quotas) -> Verdicts:
        pool, times = self.repetitions_of(batch, quotas)
        rule = np.select(
            [pool.codes == NO_CELL, np.isnan(pool.scores), ~pool.in_range],
            [NO_CELL_RULE, NO_SCORE_RULE, OUT_OF_RANGE_RULE],
            OVER_QUOTA_RULE,
        )
        return Verdicts(
            keep=times > 0,
            rule=rule.astype(np.int16),
            value=pool.scores.astype(np.float64) if self.scores else np.full(batch.num_rows, np.nan),
            threshold=np.full(batch.num_rows, np.nan),
        )
