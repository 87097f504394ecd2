"""Reads one split of a JSONL file: finds the lines that belong to it, streams them, and says where the file broke off.

A record is a line that is not blank. Its position is the line's first byte in the decompressed stream. A byte order
mark belongs to the first line. A line that is longer than the source allows is a record too, whatever it holds: of such
a line only the beginning is kept in memory, and more need not be readable.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from itertools import chain
from typing import Any

import msgspec
import pyarrow as pa
import xxhash

from pipeline.errors import StorageError
from pipeline.io.compression import CHUNK_BYTES, InputStream, expansion_limit
from pipeline.io.damage import Damage
from pipeline.io.json_records import BYTE_ORDER_MARK, RecordDecoder
from pipeline.io.read_batch import ReadBatch, SplitSummary
from pipeline.io.splits import Split
from pipeline.io.storage import InputFile
from pipeline.plan.logical import Source


class LineBlocks:
    """The lines that begin in [start, end) of a split's file, in blocks of whole lines.

    Once `blocks` is exhausted, `damage` is set if the file broke off before the split's last line was read whole, and
    `num_bytes` and `digest` are of all lines, those that are too long with every byte.

    Args:
        split: the part of a file to read.
        batch_bytes: how much a block holds, but for one longer line.
        max_line_bytes: a longer line ends its block, and lacks its end there.
        end_limit: decompressed bytes of the whole file that are read at most.
    """

    def __init__(self, split: Split, batch_bytes: int, max_line_bytes: int, end_limit: int | None = None) -> None:
        self.damage: Damage | None = None
        self.num_bytes = 0
        self.digest = xxhash.xxh3_128()
        self._split = split
        self._batch_bytes = batch_bytes
        self._max_line_bytes = max_line_bytes
        self._end_limit = end_limit
        # The byte before a split tells whether a line begins right at its start.
        self._offset = max(0, split.start - 1)
        self._is_in_long_line = False

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """(offset of its first byte, block) pairs."""
        chunk_bytes = min(CHUNK_BYTES, self._batch_bytes)
        stream = InputStream(self._split.file, self._offset, chunk_bytes, end_limit=self._end_limit)
        is_complete = False
        with closing(stream.chunks()) as chunks:
            head = self._first_line(chunks)
            if head is not None:
                is_complete = yield from self._whole_lines(chain((head,), chunks), stream)
        if stream.damage is not None and not is_complete:
            self.damage = Damage(self._offset, stream.damage.reason, stream.damage.unread_compressed_bytes)

    def _first_line(self, chunks: Iterator[bytes]) -> bytes | None:
        """Moves to the first line that begins in the split; gives the rest of its chunk, None if there is none."""
        for chunk in chunks:
            if self._split.start == 0:
                return chunk
            newline = chunk.find(b"\n")
            self._offset += len(chunk) if newline < 0 else newline + 1
            if newline >= 0:
                return None if self._is_end(self._offset) else chunk[newline + 1 :]
        return None

    def _whole_lines(self, chunks: Iterable[bytes], stream: InputStream) -> Generator[tuple[int, bytes], None, bool]:
        """Blocks of lines; returns whether the split's end was found before the file's."""
        pending: list[bytes] = []
        num_pending = 0
        num_open = 0  # bytes of the line that has not ended, at the end of what is pending
        for piece in chunks:
            chunk = self._behind_long_line(piece) if self._is_in_long_line else piece
            if not self._is_in_long_line and self._is_end(self._offset):
                return True
            last = self._end_of_split(chunk, self._offset + num_pending)
            # Looking for a line's end in the new bytes alone keeps very long lines linear.
            newline = chunk.rfind(b"\n")
            cut = last or (newline + 1 if num_pending + len(chunk) >= self._batch_bytes else 0)
            if cut:
                pending = [b"".join([*pending, chunk[:cut]])]
                yield self._take(pending.pop())  # and do not hold it while others work on it
                num_pending = 0
            if last:
                return True
            pending.append(chunk[cut:])
            num_pending += len(chunk) - cut
            num_open = len(chunk) - 1 - newline if newline >= 0 else num_open + len(chunk)
            if num_open > self._max_line_bytes:
                pending = [b"".join(pending)]
                yield self._take(pending.pop())
                num_pending = num_open = 0
                self._is_in_long_line = True
        block = b"".join(pending)
        if stream.damage is not None:
            block = block[: block.rfind(b"\n") + 1]
        if block:
            yield self._take(block)
        return False

    def _take(self, block: bytes) -> tuple[int, bytes]:
        start = self._offset
        self._offset += len(block)
        self.num_bytes += len(block)
        self.digest.update(block)
        return start, block

    def _behind_long_line(self, chunk: bytes) -> bytes:
        """What of a chunk lies behind the line whose beginning went out: its rest is counted, and not kept."""
        end = chunk.find(b"\n") + 1
        self._is_in_long_line = not end
        self._take(chunk[: end or len(chunk)])
        return chunk[end or len(chunk) :]

    def _is_end(self, offset: int) -> bool:
        """Whether a line that begins at `offset` is no longer the split's."""
        return self._split.end is not None and offset >= self._split.end

    def _end_of_split(self, chunk: bytes, offset: int) -> int:
        """How much of a chunk at `offset` belongs to lines that begin before the split's end; 0 if all of it may."""
        end = self._split.end
        if end is None or offset + len(chunk) < end:
            return 0
        return chunk.find(b"\n", max(0, end - 1 - offset)) + 1


class JsonlReader:
    """Reads the documents of one JSONL split; `summary` is there once `batches` is exhausted."""

    def __init__(self, split: Split, source: Source, schema: pa.Schema, batch_bytes: int) -> None:
        self.summary: SplitSummary | None = None
        self._split = split
        self._batch_bytes = batch_bytes
        self._max_line_bytes = source.max_document_bytes
        self._end_limit = expansion_limit(split.file, source.max_expansion)
        self._records = RecordDecoder(split.file.source, split.file.relative_path, source, schema)

    def batches(self) -> Iterator[ReadBatch]:
        """The split's records in order."""
        lines = LineBlocks(self._split, self._batch_bytes, self._max_line_bytes, self._end_limit)
        for offset, block in lines.blocks():
            batch = self._records.decode(offset, block)
            del block  # operators need the room
            if batch.num_records:
                yield batch
        self.summary = SplitSummary(
            num_records=self._records.num_records,
            num_bytes=lines.num_bytes,
            content_digest=lines.digest.hexdigest(),
            num_duplicate_keys=self._records.num_duplicate_keys,
            damaged=lines.damage,
        )


def read_record(file: InputFile, position: int, max_bytes: int) -> dict[str, Any]:  # Any: a JSON value
    """The record at `position` of a JSONL file, as it is in the input; one of more than `max_bytes` is unreadable."""
    split = Split(file, "jsonl", position, position + 1, whole=False, estimated_bytes=1)
    lines = LineBlocks(split, CHUNK_BYTES, max_bytes)
    line = b"".join(block for _, block in lines.blocks()).removesuffix(b"\n")
    if len(line) > max_bytes:
        raise StorageError(
            f"input {file.path!r}: expected a record of at most {max_bytes} bytes at byte {position}; found more; "
            "raise the source's max_document_bytes"
        )
    line = line.removeprefix(BYTE_ORDER_MARK if position == 0 else b"")
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StorageError(
            f"input {file.path!r}: expected a JSON object at byte {position}; found {len(line)} bytes that are none; "
            "check that the position is the one of a record"
        ) from error
