"""Row groups of a Parquet file: looked over as they are stored, then decoded piece by piece.

How far a group may expand is asked three times: of the footer, for all groups of a file (`parquet`); of the headers of
its pages, before one of them is decompressed; and of the rows that come out, since a dictionary repeats a value for
some bits.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

import pyarrow as pa
import xxhash

from pipeline.io.compression import expansion_limit
from pipeline.io.damage import DamageReason
from pipeline.io.parquet_footer import Chunk, Footer, chunks_of, is_broken_content
from pipeline.io.parquet_pages import ChunkPages, PageHeader, longest_entry
from pipeline.io.storage import InputFile, read_error

if TYPE_CHECKING:
    from io import BufferedReader

_DECODE_BYTES: Final = 8 << 20
"""Decompressed bytes decoded at once. A constant: it decides how many rows a broken row group still gives."""
_LEAST_VALUE_BYTES: Final = 4
"""What a value takes once it is decoded, be it the offset of an empty string."""
_REPEATED_BYTES: Final = 128 << 20
"""Decoded at once at most, if all values were the longest one that stands in a dictionary."""
_SOME_ROWS: Final = 1 << 10
"""Decoded at once where that saves a look into a dictionary; more are hardly quicker."""
_ARROW_CODECS: Final = {"LZ4": "lz4_raw"}
"""Names of codecs in footers, where Arrow calls them otherwise elsewhere."""
_PIECE_BYTES: Final = 1 << 20


class RowGroup:
    """One row group: first surveyed, then read.

    `damage` says then why not all of its rows came out, and `num_unnamed` how many rows its pages have beyond those
    that the footer names.

    Args:
        opened: the file, as `open_parquet` gives it.
        file: as it was planned.
        footer: of the file.
        index: of the group.
        columns: the file's columns that are read.
        max_expansion: of the source.
    """

    def __init__(
        self,
        opened: Any,  # Any: pyarrow is untyped
        file: InputFile,
        footer: Footer,
        index: int,
        columns: Sequence[str],
        max_expansion: float,
    ) -> None:
        self.damage: DamageReason | None = None
        self.num_unnamed = 0
        self._opened = opened
        self._file = file
        self._index = index
        self._columns = list(columns)
        self._range = footer.group_ranges[index]
        self._num_rows, num_bytes = footer.group_rows[index], footer.group_bytes[index]
        self._rows_at_once = max(1, _DECODE_BYTES * self._num_rows // max(1, num_bytes))
        share = min(1, footer.group_own_bytes[index] / max(1, file.size_bytes))
        # Sums that the footer has too low are no damage by themselves: writers err. Nor may they hide a bomb.
        self._most_bytes = max(num_bytes, int(share * expansion_limit(file, max_expansion)))

    def survey(self, stream: BinaryIO, digest: xxhash.xxh3_128) -> None:
        """Reads the stored bytes, into `digest` too, and decides whether the group may be decoded, and how."""
        chunks = chunks_of(self._opened, self._index, self._columns)
        pages = [ChunkPages(chunk.start, chunk.end, chunk.num_values) for chunk in chunks]
        for offset, piece in stored_pieces(stream, *self._range):
            digest.update(piece)
            for found in pages:
                found.feed(offset, piece)
        for found in pages:
            found.finish()
        least_bytes = _LEAST_VALUE_BYTES * sum(chunk.num_values for chunk in chunks if chunk.width != 1)
        if any(found.is_broken for found in pages):
            self.damage = DamageReason.CORRUPT
        elif max(least_bytes, sum(found.num_bytes for found in pages)) > self._most_bytes:
            self.damage = DamageReason.EXPANDS_TOO_FAR
        else:
            flat = [found.num_values for chunk, found in zip(chunks, pages, strict=True) if chunk.is_flat]
            self.num_unnamed = max(0, max(flat, default=0) - self._num_rows)
            for chunk, found in zip(chunks, pages, strict=True):
                self._limit_rows(chunk, found, stream)

    def rows(self) -> Iterator[pa.RecordBatch]:
        """The group's rows until one cannot be decoded, or they are more bytes than the group may give.

        Raises:
            StorageError: the file cannot be read any more.
        """
        num_rows = num_bytes = 0
        for rows in self._decoded() if self.damage is None else ():
            num_bytes += rows.nbytes
            if num_bytes > self._most_bytes:
                self.damage = DamageReason.EXPANDS_TOO_FAR
                return
            num_rows += rows.num_rows
            yield rows
        if self.damage is None and (num_rows < self._num_rows or self.num_unnamed):
            self.damage = DamageReason.MISCOUNTED

    def _decoded(self) -> Iterator[pa.RecordBatch]:
        pieces = self._opened.iter_batches(self._rows_at_once, [self._index], columns=self._columns, use_threads=False)
        while True:
            try:
                rows = next(pieces, None)
            except MemoryError:
                raise
            except (OSError, pa.ArrowException) as error:
                if not is_broken_content(error):
                    raise read_error(self._file.path, error) from error
                self.damage = DamageReason.CORRUPT
                return
            if rows is None:
                return
            yield _dense(rows)

    def _limit_rows(self, chunk: Chunk, found: ChunkPages, stream: BinaryIO) -> None:
        """Lets no more rows be decoded at once than there is room for, whatever the chunk's values are."""
        values_at_once = _DECODE_BYTES // (chunk.width or _LEAST_VALUE_BYTES)
        if chunk.width is None:
            longest = found.delta_bytes
            if found.dictionary is not None:
                longest = max(longest, self._longest_entry(chunk, *found.dictionary, stream))
            values_at_once = min(values_at_once, _REPEATED_BYTES // max(1, longest))
        rows_at_once = values_at_once * self._num_rows // max(1, chunk.num_values)
        self._rows_at_once = max(1, min(self._rows_at_once, rows_at_once))

    def _longest_entry(self, chunk: Chunk, content_at: int, header: PageHeader, stream: BinaryIO) -> int:
        """Bytes of the longest value in a chunk's dictionary, or of all of it where more need not be known."""
        if header.num_bytes * min(self._rows_at_once, _SOME_ROWS) <= _REPEATED_BYTES:
            return header.num_bytes
        stream.seek(content_at)
        content = memoryview(stream.read(header.stored_bytes))
        try:
            if chunk.codec != "UNCOMPRESSED":
                codec = _ARROW_CODECS.get(chunk.codec, chunk.codec.lower())
                content = memoryview(pa.decompress(content, header.num_bytes, codec))
            return longest_entry(content, header.num_values)
        except (OSError, ValueError, IndexError, pa.ArrowException):
            return header.num_bytes  # broken, which decoding tells, or a codec that is spelled another way


def _dense(rows: pa.RecordBatch) -> pa.RecordBatch:
    """The rows without dictionaries, which the writer's own schema may ask for: what they hold is what counts."""
    columns = [column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in rows.columns]
    return pa.RecordBatch.from_arrays(columns, names=rows.schema.names)


def stored_pieces(stream: BinaryIO, start: int, end: int) -> Iterator[tuple[int, memoryview]]:
    """(offset, bytes) of a part of the file, as far as there is one; the bytes are the caller's until the next."""
    buffer = memoryview(bytearray(_PIECE_BYTES))  # used again: a fresh one for each piece costs more than the hash
    stream.seek(start)
    while start < end:
        size = cast("BufferedReader", stream).readinto(buffer[: min(end - start, _PIECE_BYTES)])
        if not size:
            return
        yield start, buffer[:size]
        start += size
