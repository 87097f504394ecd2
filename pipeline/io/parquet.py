"""Reads one split of a Parquet file: row groups -> batches of documents, with every unreadable row named.

A record's position is its row ordinal in the file. A row group that cannot be decoded ends the split: what was decoded
of it until then comes out, the rest of the split is damage.
"""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Final, cast

import pyarrow as pa
import xxhash

from pipeline.errors import StorageError
from pipeline.io.compression import expansion_limit
from pipeline.io.damage import Damage, DamageReason
from pipeline.io.parquet_footer import Footer, is_broken_content, open_parquet, read_footer
from pipeline.io.parquet_rows import RowDecoder
from pipeline.io.read_batch import ReadBatch, SplitSummary
from pipeline.io.splits import Split
from pipeline.io.storage import InputFile, open_planned, read_error
from pipeline.plan.logical import Source

if TYPE_CHECKING:
    from io import BufferedReader

_DECODE_BYTES: Final = 8 << 20
"""Decompressed bytes decoded at once. A constant: it decides how many rows a broken row group still gives."""
_HASH_BYTES: Final = 1 << 20


class ParquetReader:
    """Reads the documents of one Parquet split; `summary` is there once `batches` is exhausted."""

    def __init__(self, split: Split, source: Source, schema: pa.Schema, batch_bytes: int) -> None:
        self.summary: SplitSummary | None = None
        self._split = split
        self._source = source
        self._schema = schema
        self._batch_bytes = batch_bytes
        self._num_records = 0
        self._num_bytes = 0
        self._damage: Damage | None = None

    def batches(self) -> Iterator[ReadBatch]:
        """The split's rows in order."""
        footer = read_footer(self._split.file)
        if footer is None:
            damage = Damage(0, DamageReason.CORRUPT, self._split.file.size_bytes)
            self.summary = SplitSummary(0, 0, xxhash.xxh3_128_hexdigest(b""), 0, damage)
            return
        groups = range(len(footer.group_rows))[self._split.start : self._split.end]
        decoder = RowDecoder(self._split.file, self._source, footer.schema, self._schema)
        allowed = range(groups.start, max(groups.start, min(groups.stop, self._num_allowed(footer))))
        for decoded in self._decoded(footer, allowed, decoder.file_columns):
            for rows in self._cut(decoded):
                position = self._split.first_row + self._num_records
                yield decoder.decode(rows, position, self._num_records)
                self._num_records += rows.num_rows
        if self._damage is None and len(allowed) < len(groups):
            self._damage = Damage(self._split.first_row + self._num_records, DamageReason.EXPANDS_TOO_FAR, None)
        self.summary = SplitSummary(
            num_records=self._num_records,
            num_bytes=self._num_bytes,
            content_digest=_stored_digest(self._split.file, [footer.group_ranges[group] for group in groups]),
            num_duplicate_keys=0,
            damaged=self._damage,
        )

    def _num_allowed(self, footer: Footer) -> int:
        """Row groups, from the file's first, that may be read before it has expanded too far."""
        limit = expansion_limit(self._split.file, self._source.max_expansion)
        return bisect_right(list(accumulate(footer.group_bytes)), limit)

    def _decoded(self, footer: Footer, groups: range, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Rows of the groups until one cannot be decoded."""
        with open_parquet(self._split.file) as opened:
            for group in groups:
                try:
                    yield from opened.iter_batches(
                        _decode_rows(footer, group), [group], columns=columns, use_threads=False
                    )
                except (OSError, pa.ArrowException) as error:
                    if not is_broken_content(error):
                        raise read_error(self._split.file.path, error) from error
                    unread = sum(end - start for start, end in footer.group_ranges[group : groups.stop])
                    offset = self._split.first_row + self._num_records
                    self._damage = Damage(offset, DamageReason.CORRUPT, unread)
                    return
                self._num_bytes += footer.group_bytes[group]

    def _cut(self, rows: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Slices of about `batch_bytes`."""
        num_slices = max(1, min(rows.num_rows, -(-rows.nbytes // self._batch_bytes)))
        cuts = [rows.num_rows * place // num_slices for place in range(num_slices + 1)]
        for start, end in pairwise(cuts):
            yield rows.slice(start, end - start)


def read_record(file: InputFile, position: int) -> dict[str, Any]:  # Any: a column's value
    """The row with ordinal `position` of a Parquet file, as it is in the input."""
    footer = read_footer(file)
    first_row = 0
    for group, num_rows in enumerate(footer.group_rows if footer else ()):
        if position < first_row + num_rows:
            with open_parquet(file) as opened:
                try:
                    row: dict[str, Any] = opened.read_row_group(group).slice(position - first_row, 1).to_pylist()[0]
                except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
                    raise StorageError(
                        f"input {file.path!r}: expected a readable row {position}; found broken content; "
                        "get the file again from its origin"
                    ) from error
            return row
        first_row += num_rows
    raise StorageError(
        f"input {file.path!r}: expected row {position}; found {first_row} rows; "
        "check that the position is the one of a row"
    )


def _decode_rows(footer: Footer, group: int) -> int:
    num_rows = footer.group_rows[group]
    return max(1, _DECODE_BYTES * num_rows // max(1, footer.group_bytes[group]))


def _stored_digest(file: InputFile, ranges: list[tuple[int, int]]) -> str:
    """xxh3-128, in hex, of the bytes in the ranges."""
    digest = xxhash.xxh3_128()
    buffer = memoryview(bytearray(_HASH_BYTES))  # used again: a fresh one for each piece costs more than the hash
    with cast("BufferedReader", open_planned(file)) as stream:  # BinaryIO does not declare readinto
        for start, end in ranges:
            stream.seek(start)
            left = end - start
            while left > 0 and (size := stream.readinto(buffer[: min(left, _HASH_BYTES)])):
                digest.update(buffer[:size])
                left -= size
    return digest.hexdigest()
