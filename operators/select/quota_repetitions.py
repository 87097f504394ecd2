"""How often the quota of its cell chooses a document, as a column."""

from typing import ClassVar

import pyarrow as pa

from operators.select.quota_file import AppliedQuotas
from pipeline.operator import AnnotateFunction, Annotator


class QuotaRepetitions(AppliedQuotas, Annotator):
    """The number of times that a document is chosen: more than once where its cell has less than its quota.

    A cell that runs dry is taken whole as often as it fits, then its first documents once more.

    Columns:
        reads doc_id, `cells` and `scores`.
        adds `column` (int32): 0 where the document is not chosen.

    Determinism:
        SEEDED, as `quota_cutoffs`.

    Raises:
        PlanError: the file is not one that `quota_cutoffs` left for the same settings.

    Source:
        As `quota_cutoffs`.

    Cost:
        Some tens of nanoseconds a document; no text.
    """

    name: ClassVar[str] = "quota_repetitions"

    column: str = "repetitions"

    def adds(self) -> pa.Schema:
        """The number."""
        return pa.schema([pa.field(self.column, pa.int32())])

    def open(self) -> AnnotateFunction:
        """Reads the quotas."""
        quotas = self.read_quotas()
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            _, times = self.repetitions_of(batch, quotas)
            return pa.RecordBatch.from_arrays([pa.array(times)], schema=schema)

        return annotate
