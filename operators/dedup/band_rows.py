"""A row for every bucket of a document: what brings those of one bucket together."""

from collections.abc import Iterator
from typing import ClassVar, Final

import numpy as np
import pyarrow as pa
from pydantic import Field

from operators.dedup.signature import BUCKETS, buckets_type, lists_of_column
from pipeline.document import POSITION, POSITION_TYPE
from pipeline.operator import ShardFunction, ShardOperator

BUCKET: Final = "bucket"
BUCKET_SCHEMA: Final = pa.schema(
    [pa.field(BUCKET, pa.uint64(), nullable=False), pa.field(POSITION, POSITION_TYPE, nullable=False)]
)


class BandRows(ShardOperator):
    """Yields one row a band of each document: its bucket in the band, and the document's position.

    Columns:
        minhash_buckets, position: read.
        bucket: written.
        position: written; the document's. A document without a signature has no rows.

    Determinism:
        Exact.

    Source:
        Indyk and Motwani 1998.

    Cost:
        num_bands * 16 bytes a document go through the exchange; no text does.
    """

    name: ClassVar[str] = "band_rows"

    num_bands: int = Field(default=14, ge=1)

    def requires(self) -> pa.Schema:
        """The buckets, and whose they are."""
        return pa.schema(
            [pa.field(BUCKETS, buckets_type(self.num_bands)), pa.field(POSITION, POSITION_TYPE, nullable=False)]
        )

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- other columns do not travel
        """Buckets and positions."""
        return BUCKET_SCHEMA

    def open(self) -> ShardFunction:
        """Nothing to load."""

        def band(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                yield self._rows(batch)

        return band

    def _rows(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        buckets, present = lists_of_column(batch.column(BUCKETS))
        positions = batch.column(POSITION).to_numpy()
        if not present.all():
            buckets, positions = buckets[present], positions[present]
        return pa.record_batch(
            [pa.array(buckets.reshape(-1)), pa.array(np.repeat(positions, self.num_bands))], schema=BUCKET_SCHEMA
        )
