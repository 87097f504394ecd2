"""Decompressed bytes of an input file, from any offset, with a precise end where the file is damaged.

A truncated or corrupt file gives every byte that can still be decompressed and then a `StreamDamage`; which bytes
those are depends on the file alone, never on buffer sizes. Only bounded pieces are held in memory.
"""

from collections.abc import Generator, Iterator
from enum import StrEnum
from typing import BinaryIO, Final

from pipeline.io.damage import StreamDamage
from pipeline.io.gzip_members import MemberReader
from pipeline.io.storage import InputFile, open_planned, read_error
from pipeline.io.zstd_frames import FrameReader, read_seek_table

CHUNK_BYTES: Final = 1 << 20


class Codec(StrEnum):
    """How a file's bytes are stored; told by its suffix."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


CODEC_SUFFIXES: Final = {".gz": Codec.GZIP, ".zst": Codec.ZSTD, ".zstd": Codec.ZSTD}


def codec_of(path: str) -> Codec:
    """The codec that the file's name tells."""
    return next((codec for suffix, codec in CODEC_SUFFIXES.items() if path.endswith(suffix)), Codec.NONE)


class InputStream:
    """The decompressed bytes of `file` from `offset` on.

    `damage` says, once `chunks` is exhausted, whether the file broke off. Plain files and seekable zstd are read from
    the place asked for; other files are decompressed from their start.
    """

    def __init__(self, file: InputFile, offset: int = 0, chunk_bytes: int = CHUNK_BYTES) -> None:
        self.damage: StreamDamage | None = None
        self._file = file
        self._offset = offset
        self._chunk_bytes = chunk_bytes

    def chunks(self) -> Generator[bytes, None, None]:
        """Pieces of at most `chunk_bytes`; the first one begins at `offset`."""
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
