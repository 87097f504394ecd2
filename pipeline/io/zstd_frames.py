"""Streaming decompression of Zstandard files frame by frame and block by block, and the seekable format's table.

The frame layout is that of RFC 8878, section 3.1. Feeding the library one block at a time bounds what one call
may give (128 KiB), tells a truncated file from a finished one, and loses no byte when a later block is corrupt.
"""

import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import BinaryIO, Final

import zstandard

from pipeline.io.damage import DamageReason, StreamDamage

_FRAME_MAGIC: Final = 0xFD2FB528
_SKIPPABLE_MAGIC: Final = 0x184D2A50
"""RFC 8878, section 3.1.2: sixteen magic numbers, told apart by their last four bits."""
_MAX_WINDOW_BYTES: Final = 1 << 31
"""What `zstd --long=31` writes at most; the library refuses windows above 128 MiB unless told."""
_MAX_BLOCK_BYTES: Final = 1 << 17
"""RFC 8878, section 3.1.1.2.4."""
_RLE_BLOCK: Final = 1
_RESERVED_BLOCK: Final = 3
_DICTIONARY_ID_BYTES: Final = (0, 1, 2, 4)
_CONTENT_SIZE_BYTES: Final = (0, 2, 4, 8)

_SEEK_TABLE_MAGIC: Final = 0x184D2A5E
_SEEK_FOOTER_MAGIC: Final = 0x8F92EAB1
_SEEK_FOOTER: Final = struct.Struct("<IBI")
"""Zstandard seekable format 0.1.0: number of frames, descriptor, magic number."""
_SKIPPABLE_HEADER_BYTES: Final = 8


class _CutShortError(Exception):
    """The file ends inside a frame."""


class _MalformedError(Exception):
    """Bytes that no frame may have."""


@dataclass(frozen=True, slots=True)
class SeekTable:
    """Where the F frames of a seekable file begin; the last entry of each is where the F-th one ends."""

    compressed: tuple[int, ...]  # (F + 1,)
    decompressed: tuple[int, ...]  # (F + 1,)

    def frame_at(self, offset: int) -> int:
        """The frame that holds the decompressed byte at `offset`; F if it lies beyond the end."""
        return bisect_right(self.decompressed, offset) - 1


def read_seek_table(stream: BinaryIO, size_bytes: int) -> SeekTable | None:
    """The seek table at the end of a file, or None if there is none that fits the file."""
    if size_bytes < _SEEK_FOOTER.size + _SKIPPABLE_HEADER_BYTES:
        return None
    stream.seek(size_bytes - _SEEK_FOOTER.size)
    num_frames, descriptor, magic = _SEEK_FOOTER.unpack(stream.read(_SEEK_FOOTER.size))
    entry_bytes = 12 if descriptor & 0x80 else 8
    content_bytes = num_frames * entry_bytes + _SEEK_FOOTER.size
    start = size_bytes - content_bytes - _SKIPPABLE_HEADER_BYTES
    if magic != _SEEK_FOOTER_MAGIC or descriptor & 0x7C or start < 0:
        return None
    stream.seek(start)
    table = stream.read(_SKIPPABLE_HEADER_BYTES + num_frames * entry_bytes)
    if struct.unpack_from("<II", table) != (_SEEK_TABLE_MAGIC, content_bytes):
        return None
    entries = [
        struct.unpack_from("<II", table, place) for place in range(_SKIPPABLE_HEADER_BYTES, len(table), entry_bytes)
    ]
    compressed = tuple(accumulate((entry[0] for entry in entries), initial=0))
    decompressed = tuple(accumulate((entry[1] for entry in entries), initial=0))
    return SeekTable(compressed, decompressed) if compressed[-1] == start else None


class FrameReader:
    """Decompresses the frames of a file from the stream's position, where a frame must begin, to its end.

    `damage` is set, once `pieces` is exhausted, if the file breaks off or is corrupt.
    """

    def __init__(self, stream: BinaryIO, size_bytes: int) -> None:
        self.damage: StreamDamage | None = None
        self._stream = stream
        self._size_bytes = size_bytes
        self._start = stream.tell()
        self._used = self._start  # end of the last unit that was used
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)

    def pieces(self) -> Iterator[bytes]:
        """Decompressed pieces of at most 128 KiB."""
        try:
            yield from self._unit()  # an empty file is cut short: the least that a writer leaves is one frame
            while self._used < self._size_bytes:
                yield from self._unit()
        except _CutShortError:
            self.damage = StreamDamage(DamageReason.TRUNCATED, self._size_bytes - self._used)
        except (_MalformedError, zstandard.ZstdError):
            self.damage = StreamDamage(DamageReason.CORRUPT, self._size_bytes - self._used)

    def _unit(self) -> Iterator[bytes]:
        """One frame of either kind."""
        magic = self._exactly(4)
        (number,) = struct.unpack("<I", magic)
        if number & ~0xF == _SKIPPABLE_MAGIC:
            (length,) = struct.unpack("<I", self._exactly(4))
            self._skip(length)
        elif number == _FRAME_MAGIC:
            yield from self._frame(magic)
        else:
            raise _MalformedError

    def _frame(self, magic: bytes) -> Iterator[bytes]:
        decoder = self._decompressor.decompressobj(write_size=_MAX_BLOCK_BYTES)
        descriptor = self._exactly(1)
        is_single_segment, has_checksum = bool(descriptor[0] & 0x20), bool(descriptor[0] & 0x04)
        content_size_bytes = _CONTENT_SIZE_BYTES[descriptor[0] >> 6] or int(is_single_segment)
        header_bytes = (not is_single_segment) + _DICTIONARY_ID_BYTES[descriptor[0] & 3] + content_size_bytes
        decoder.decompress(magic + descriptor + self._exactly(header_bytes))
        is_last = False
        while not is_last:
            block_header = self._exactly(3)
            header = int.from_bytes(block_header, "little")
            is_last, kind, length = bool(header & 1), header >> 1 & 3, header >> 3
            if kind == _RESERVED_BLOCK or length > _MAX_BLOCK_BYTES:
                raise _MalformedError
            piece = decoder.decompress(block_header + self._exactly(1 if kind == _RLE_BLOCK else length))
            self._used = self._stream.tell()
            if piece:
                yield piece
        if has_checksum:
            decoder.decompress(self._exactly(4))
        self._used = self._stream.tell()

    def _exactly(self, length: int) -> bytes:
        found = self._stream.read(length)
        if len(found) < length:
            raise _CutShortError
        return found

    def _skip(self, length: int) -> None:
        if self._stream.tell() + length > self._size_bytes:
            raise _CutShortError
        self._stream.seek(length, 1)
        self._used = self._stream.tell()
