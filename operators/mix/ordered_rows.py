"""Passes rows on in the order in which an exchange hands them over."""

from collections.abc import Iterator
from typing import ClassVar

import pyarrow as pa

from operators.mix.shuffle_key import SHUFFLE_KEY
from pipeline.document import POSITION
from pipeline.operator import PartitionFunction, PartitionOperator


class OrderedRows(PartitionOperator):
    """The rows as they come from an exchange, without the key that ordered them.

    After an exchange with `placement: range` all shards together are in the order of the key.

    Columns:
        reads `key` (uint64), and every other column that the step writes.
        writes all columns that it is given but `key` and position.

    Determinism:
        EXACT.

    Source:
        None.

    Cost:
        None of its own. The exchange carries the rows: it writes and sorts them once.
    """

    name: ClassVar[str] = "ordered_rows"
    takes_every_column: ClassVar[bool] = True

    key: str = SHUFFLE_KEY

    def requires(self) -> pa.Schema:
        """The key."""
        return pa.schema([pa.field(self.key, pa.uint64())])

    def output_schema(self, given: pa.Schema) -> pa.Schema:
        """The columns without the key."""
        return pa.schema([field for field in given if field.name not in (self.key, POSITION)])

    def open(self) -> PartitionFunction:
        """Nothing to load."""

        def pass_on(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                if batch.num_rows:
                    yield batch.select(self.output_schema(batch.schema).names)

        return pass_on
