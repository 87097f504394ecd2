"""Keeps documents that have one of the given values in a column of names."""

from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from pipeline.document import SOURCE
from pipeline.operator import Filter, FilterFunction, Verdicts


class ValueFilter(Filter):
    """Keeps a document if the value of a column is one of `values`.

    With it, what an annotator or a task has named becomes a view of its own: a part, a class or a bucket.

    Columns:
        `column`: read; large_string, or `source`. A document without a value is dropped, as one with another value.

    Determinism:
        Exact.

    Source:
        None.

    Cost:
        A comparison per document.
    """

    name: ClassVar[str] = "value_filter"

    column: str
    values: tuple[str, ...] = Field(min_length=1)

    def requires(self) -> pa.Schema:
        """The column."""
        return pa.schema([pa.field(self.column, pa.string() if self.column == SOURCE else pa.large_string())])

    def rules(self) -> tuple[str, ...]:
        """The only rule."""
        return ("other_value",)

    def open(self) -> FilterFunction:
        """Nothing to load."""
        values = pa.array(self.values, self.requires().field(0).type)

        def judge(batch: pa.RecordBatch) -> Verdicts:
            nothing = np.full(batch.num_rows, np.nan)
            return Verdicts(
                keep=pc.is_in(batch.column(self.column), values).to_numpy(zero_copy_only=False),
                rule=np.zeros(batch.num_rows, np.int16),
                value=nothing,
                threshold=nothing,
            )

        return judge
