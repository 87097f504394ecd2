"""Decompressed bytes of an input file, from any offset, with a precise end where the file is damaged.

A truncated or corrupt file gives every byte that can still be decompressed and then a `StreamDamage`; which bytes
those are depends on the file alone, never on buffer sizes. Only bounded pieces are held in memory, and no more comes
out than the source allows: a few kilobytes can stand for terabytes.
"""

from collections.abc import Generator, Iterator
from contextlib import closing
from enum import StrEnum
from typing import BinaryIO, Final

from pipeline.io.damage import DamageReason, StreamDamage
from pipeline.io.gzip_members import MemberReader
from pipeline.io.storage import InputFile, open_planned, read_error
from pipeline.io.zstd_frames import FrameReader, read_seek_table

CHUNK_BYTES: Final = 1 << 20
FREE_EXPANSION_BYTES: Final = 64 << 20
"""Every file may decompress to so much, whatever its own size: what a worker reads in less than a second does no harm,
and small files of equal lines are compressed more than a thousandfold."""


class Codec(StrEnum):
    """How a file's bytes are stored; told by its suffix."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


CODEC_SUFFIXES: Final = {".gz": Codec.GZIP, ".zst": Codec.ZSTD, ".zstd": Codec.ZSTD}


def codec_of(path: str) -> Codec:
    """The codec that the file's name tells."""
    return next((codec for suffix, codec in CODEC_SUFFIXES.items() if path.endswith(suffix)), Codec.NONE)


def expansion_limit(file: InputFile, max_expansion: float) -> int:
    """Decompressed bytes that are read of a file at most."""
    return max(FREE_EXPANSION_BYTES, int(max_expansion * file.size_bytes))


class InputStream:
    """The decompressed bytes of `file` from `offset` on, as far as `end_limit` of the whole file.

    `damage` says, once `chunks` is exhausted, whether the file broke off. Plain files and seekable zstd are read from
    the place asked for; other files are decompressed from their start.
    """

    def __init__(
        self, file: InputFile, offset: int = 0, chunk_bytes: int = CHUNK_BYTES, *, end_limit: int | None = None
    ) -> None:
        self.damage: StreamDamage | None = None
        self._file = file
        self._offset = offset
        self._chunk_bytes = chunk_bytes
        self._end_limit = end_limit

    def chunks(self) -> Generator[bytes, None, None]:
        """Pieces of at most `chunk_bytes`; the first one begins at `offset`."""
        if self._end_limit is None or codec_of(self._file.path) is Codec.NONE:
            yield from self._all_chunks()
            return
        num_allowed = self._end_limit - self._offset
        with closing(self._all_chunks()) as chunks:
            for chunk in chunks:
                allowed = chunk[: max(0, num_allowed)]
                if allowed:
                    yield allowed
                num_allowed -= len(chunk)
                if num_allowed < 0:
                    self.damage = StreamDamage(DamageReason.EXPANDS_TOO_FAR, None)
                    return

    def _all_chunks(self) -> Generator[bytes, None, None]:
        try:
            with open_planned(self._file) as stream:
                match codec_of(self._file.path):
                    case Codec.NONE:
                        stream.seek(self._offset)
                        while chunk := stream.read(self._chunk_bytes):
                            yield chunk
                    case Codec.GZIP:
                        members = MemberReader(stream, self._file.size_bytes)
                        yield from self._cut(members.pieces(self._chunk_bytes), skip=self._offset)
                        self.damage = members.damage
                    case Codec.ZSTD:
                        skip = self._seek_frame(stream)
                        frames = FrameReader(stream, self._file.size_bytes)
                        yield from self._cut(frames.pieces(), skip)
                        self.damage = frames.damage
        except OSError as error:
            raise read_error(self._file.path, error) from error

    def _seek_frame(self, stream: BinaryIO) -> int:
        """Puts the stream where a frame begins, as near before the offset as is known; returns the bytes to skip."""
        table = read_seek_table(stream, self._file.size_bytes) if self._offset else None
        frame = table.frame_at(self._offset) if table else 0
        stream.seek(table.compressed[frame] if table else 0)
        return self._offset - (table.decompressed[frame] if table else 0)

    def _cut(self, pieces: Iterator[bytes], skip: int) -> Iterator[bytes]:
        """`pieces` without their first `skip` bytes, none longer than a chunk."""
        for piece in pieces:
            for start in range(min(skip, len(piece)), len(piece), self._chunk_bytes):
                yield piece[start : start + self._chunk_bytes]
            skip = max(0, skip - len(piece))
