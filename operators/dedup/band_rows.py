"""Signatures into buckets: documents that share a bucket are candidates for near-duplicates."""

from collections.abc import Iterator
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from operators.dedup.signature import SIGNATURE, signature_type, signatures_of_column
from operators.text.hashing import GOLDEN_RATIO, WORD_MULTIPLIER, mix64
from operators.text.kernel import kernel
from pipeline.document import POSITION, POSITION_TYPE
from pipeline.operator import ShardFunction, ShardOperator

BUCKET: Final = "bucket"
BUCKET_SCHEMA: Final = pa.schema(
    [pa.field(BUCKET, pa.uint64(), nullable=False), pa.field(POSITION, POSITION_TYPE, nullable=False)]
)


def collision_probability(jaccard: float, num_bands: int, rows_per_band: int) -> float:
    """How probable it is that two documents of this Jaccard similarity share a bucket: 1 - (1 - J^r)^b.

    Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4.2.
    """
    if not 0 <= jaccard <= 1:
        raise ValueError(f"collision_probability: expected jaccard in 0..1; found {jaccard}")
    return 1.0 - (1.0 - jaccard**rows_per_band) ** num_bands


@kernel
def _fill_buckets(
    signatures: npt.NDArray[np.uint32], num_bands: int, rows_per_band: int, out: npt.NDArray[np.uint64]
) -> None:
    """Writes the bucket of every document and band, (D, num_bands)."""
    for document in range(signatures.shape[0]):
        d = np.uintp(document)
        column = np.uintp(0)
        for band in range(num_bands):
            bucket = (np.uint64(band) + np.uint64(1)) * GOLDEN_RATIO
            for _ in range(rows_per_band):
                bucket = (bucket ^ np.uint64(signatures[d, column])) * WORD_MULTIPLIER
                bucket ^= bucket >> np.uint64(32)
                column += np.uintp(1)
            out[d, np.uintp(band)] = mix64(bucket)


class BandRows(ShardOperator):
    """Yields one row a band of each signature: the band's bucket and the document's position.

    Columns:
        minhash, position: read.
        bucket: written; 64-bit hash of the band's index and its rows of the signature, so equal bands, and no others
            but for one pair in 2^64, share a bucket.
        position: written; the document's. A document without a signature has no rows.

    Determinism:
        Exact.

    Source:
        Indyk and Motwani 1998; 14 bands of 8 rows: datatrove 0.10 (FineWeb). `collision_probability` says which
        similarities meet.

    Cost:
        num_bands * 16 bytes a document go through the exchange; no text does.
    """

    name: ClassVar[str] = "band_rows"

    num_bands: int = Field(default=14, ge=1)
    rows_per_band: int = Field(default=8, ge=1)

    def requires(self) -> pa.Schema:
        """The signature, and whose it is."""
        signature = pa.field(SIGNATURE, signature_type(self.num_bands, self.rows_per_band))
        return pa.schema([signature, pa.field(POSITION, POSITION_TYPE, nullable=False)])

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
        signatures, present = signatures_of_column(batch.column(SIGNATURE))
        positions = batch.column(POSITION).to_numpy()
        if not present.all():
            signatures, positions = signatures[present], positions[present]
        buckets = np.empty((len(signatures), self.num_bands), np.uint64)
        _fill_buckets(signatures, self.num_bands, self.rows_per_band, buckets)
        return pa.record_batch(
            [pa.array(buckets.reshape(-1)), pa.array(np.repeat(positions, self.num_bands))], schema=BUCKET_SCHEMA
        )
