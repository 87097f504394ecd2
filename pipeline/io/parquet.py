"""Reads one split of a Parquet file: row groups -> batches of documents, with every unreadable row named.

A record is a row that the file's metadata names, its position the row's ordinal in the file. A row group that cannot be
decoded gives the rows that come before the damage; its others are records that are rejected, and the next group is
read. So the file's row groups alone decide which rows are kept, however it is cut into splits.
"""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import Any, Final

import pyarrow as pa
import xxhash

from pipeline.errors import StorageError
from pipeline.io.compression import expansion_limit
from pipeline.io.damage import Damage, DamageReason
from pipeline.io.parquet_footer import Footer, open_parquet, read_footer
from pipeline.io.parquet_groups import RowGroup, stored_pieces
from pipeline.io.parquet_rows import RowDecoder
from pipeline.io.read_batch import ReadBatch, SplitSummary
from pipeline.io.splits import Split
from pipeline.io.storage import InputFile, open_planned
from pipeline.plan.logical import Source

_MIN_ROW_BYTES: Final = 16
"""What a row counts at least where a file's expansion is limited: its doc_id. Metadata may claim any number of rows."""
_LOST_ROWS_AT_ONCE: Final = 1 << 13


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
        footer = read_footer(self._split.file, known_safe=not self._split.whole)  # else it would not be divided
        if footer is None:
            damage = Damage(0, DamageReason.CORRUPT, self._split.file.size_bytes)
            self.summary = SplitSummary(0, 0, xxhash.xxh3_128_hexdigest(b""), 0, damage)
            return
        groups = range(len(footer.group_rows))[self._split.start : self._split.end]
        allowed = groups[: max(0, self._num_allowed(footer) - groups.start)]
        decoder = RowDecoder(self._split.file, self._source, footer.schema, self._schema)
        digest = xxhash.xxh3_128()
        with open_parquet(self._split.file) as opened, open_planned(self._split.file) as stream:
            for index in allowed:
                group = RowGroup(
                    opened, self._split.file, footer, index, decoder.file_columns, self._source.max_expansion
                )
                group.survey(stream, digest)
                yield from self._group(group, footer, index, decoder)
            for index in groups[len(allowed) :]:
                for _, piece in stored_pieces(stream, *footer.group_ranges[index]):
                    digest.update(piece)
        self._end(footer, sum(footer.group_rows[len(allowed) + groups.start : groups.stop]))
        self.summary = SplitSummary(self._num_records, self._num_bytes, digest.hexdigest(), 0, self._damage)

    def _num_allowed(self, footer: Footer) -> int:
        """Row groups, from the file's first, that may be read before it has expanded too far."""
        limit = expansion_limit(self._split.file, self._source.max_expansion)
        sizes = map(max, footer.group_bytes, (_MIN_ROW_BYTES * num_rows for num_rows in footer.group_rows))
        return bisect_right(list(accumulate(sizes)), limit)

    def _group(self, group: RowGroup, footer: Footer, index: int, decoder: RowDecoder) -> Iterator[ReadBatch]:
        """As many records as the footer says that the group has rows."""
        num_rows = footer.group_rows[index]
        end = self._num_records + num_rows
        for decoded in group.rows():
            for rows in self._cut(decoded):
                yield decoder.decode(rows, self._position, self._num_records)
                self._num_records += rows.num_rows
        lost = end - self._num_records
        if group.damage is None:
            self._num_bytes += footer.group_bytes[index]
            return
        start, stop = footer.group_ranges[index]
        unread = {DamageReason.CORRUPT: stop - start, DamageReason.MISCOUNTED: 0}.get(group.damage)
        self._note_damage(self._position, group.damage, unread, lost + group.num_unnamed)
        detail = f"row group {index}: expected {num_rows} rows; found {num_rows - lost}; {group.damage.value}"
        while self._num_records < end:
            num_lost = min(_LOST_ROWS_AT_ONCE, end - self._num_records)
            yield decoder.lost(num_lost, self._position, self._num_records, detail)
            self._num_records += num_lost

    def _end(self, footer: Footer, num_refused: int) -> None:
        """Notes what is wrong with the file beyond the groups that were read.

        Args:
            footer: of the file.
            num_refused: rows of the split's groups that were not read, since the file has expanded too far.
        """
        if num_refused:
            self._note_damage(self._position, DamageReason.EXPANDS_TOO_FAR, None, num_refused)
        num_rows = sum(footer.group_rows)
        if self._split.start == 0 and footer.num_rows != num_rows:
            self._note_damage(num_rows, DamageReason.MISCOUNTED, 0, max(0, footer.num_rows - num_rows))

    @property
    def _position(self) -> int:
        """The next record's."""
        return self._split.first_row + self._num_records

    def _note_damage(self, offset: int, reason: DamageReason, unread: int | None, lost: int) -> None:
        """Adds to the split's damage, in the order of the file."""
        known = self._damage
        if known is None:
            self._damage = Damage(offset, reason, unread, lost)
            return
        before = known.unread_compressed_bytes
        unread_in_all = None if unread is None or before is None else before + unread
        self._damage = Damage(known.offset, known.reason, unread_in_all, (known.lost_rows or 0) + lost)

    def _cut(self, rows: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Slices of about `batch_bytes`."""
        num_slices = max(1, min(rows.num_rows, -(-rows.nbytes // self._batch_bytes)))
        cuts = [rows.num_rows * place // num_slices for place in range(num_slices + 1)]
        for start, end in pairwise(cuts):
            yield rows.slice(start, end - start)


def read_record(file: InputFile, position: int, max_expansion: float) -> dict[str, Any]:  # Any: a column's value
    """The row with ordinal `position` of a Parquet file, as it is in the input."""
    footer = read_footer(file)
    first_row = 0
    for group, num_rows in enumerate(footer.group_rows if footer else ()):
        if footer is not None and position < first_row + num_rows:
            with open_parquet(file) as opened, open_planned(file) as stream:
                row_group = RowGroup(opened, file, footer, group, footer.schema.names, max_expansion)
                row_group.survey(stream, xxhash.xxh3_128())
                return _row(row_group, file, position, first_row)
        first_row += num_rows
    raise StorageError(
        f"input {file.path!r}: expected row {position}; found {first_row} rows; "
        "check that the position is the one of a row"
    )


def _row(group: RowGroup, file: InputFile, position: int, first_row: int) -> dict[str, Any]:  # Any: a column's value
    """The row with ordinal `position` in the file, of a group that begins at `first_row`."""
    try:
        for rows in group.rows():
            if position < first_row + rows.num_rows:
                row: dict[str, Any] = rows.slice(position - first_row, 1).to_pylist()[0]
                return row
            first_row += rows.num_rows
    except UnicodeDecodeError:
        pass
    raise StorageError(
        f"input {file.path!r}: expected a readable row {position}; found broken content; "
        "get the file again from its origin"
    )
