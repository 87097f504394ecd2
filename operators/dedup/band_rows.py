"""Buckets on their way to each other: what brings the documents of a bucket together."""

from collections.abc import Iterator
from functools import partial
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from operators.dedup.chunks import fixed_chunks
from operators.dedup.local_forest import bucket_table, combined_rows
from operators.dedup.signature import BUCKET_VALUE, BUCKETS, buckets_type, values_of_column
from pipeline.document import POSITION, POSITION_TYPE
from pipeline.operator import ShardFunction, ShardOperator

BUCKET: Final = "bucket"
BUCKET_SCHEMA: Final = pa.schema(
    [pa.field(BUCKET, pa.uint64(), nullable=False), pa.field(POSITION, POSITION_TYPE, nullable=False)]
)
CHUNK_BUCKETS: Final = 1 << 21
"""Buckets of as many documents of a shard as are joined before their rows travel: 149,796 documents of 14 bands. It
decides which rows travel, so it is no option."""

Chunk = tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]
"""(D, num_bands) buckets and the (D,) positions of their documents."""


class BandRows(ShardOperator):
    """Yields what brings the documents of a bucket together, after joining those that lie in one shard.

    Of every chunk of documents, each distinct bucket sends one row, and each document that the chunk joins to others
    sends one more. So a bucket that a million documents share sends one row a chunk, and at most one a document.

    Columns:
        minhash_buckets, position: read.
        bucket: written. The documents that a chunk joins share one more bucket, a hash of the first one's position.
        position: written; a document of the bucket: the first one that the chunk joins to it. A document without a
            signature has no rows.

    Determinism:
        Exact. A chunk is a number of the shard's documents, so batches do not reach it.

    Source:
        Buckets: Indyk and Motwani 1998. That one process joins what it can before rows travel is the combiner of Dean
        and Ghemawat, MapReduce, OSDI 2004, section 4.3.

    Cost:
        16 bytes a row go through the exchange: num_bands rows a document at most, and one for each that is joined; no
        text does. 0.3 microseconds a document; a chunk of the largest size takes 50 MB of memory.
    """

    name: ClassVar[str] = "band_rows"
    version: ClassVar[int] = 2

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
        return partial(_combine, chunk_documents=max(1, CHUNK_BUCKETS // self.num_bands))


def _combine(batches: Iterator[pa.RecordBatch], *, chunk_documents: int) -> Iterator[pa.RecordBatch]:
    for buckets, positions in fixed_chunks(map(_buckets_of, batches), chunk_documents):
        rows = combined_rows(buckets, positions, bucket_table(len(positions)))
        yield pa.record_batch([pa.array(column) for column in rows], schema=BUCKET_SCHEMA)


def _buckets_of(batch: pa.RecordBatch) -> Chunk:
    buckets, present = values_of_column(batch.column(BUCKETS), BUCKET_VALUE)
    positions = batch.column(POSITION).to_numpy()
    return (buckets, positions) if present.all() else (buckets[present], positions[present])
