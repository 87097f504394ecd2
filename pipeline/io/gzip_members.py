"""Streaming decompression of gzip files: all members, and everything that a broken file still gives."""

import zlib
from collections.abc import Generator, Iterator
from typing import Any, BinaryIO, Final

from pipeline.io.damage import DamageReason, StreamDamage

_INPUT_BYTES: Final = 1 << 16
_WINDOW_BITS: Final = 31
"""zlib's spelling of: a 32 KiB window, inside a gzip member."""


class MemberReader:
    """Decompresses the members of one gzip file one after the other (RFC 1952, section 2.2).

    `damage` is set, once `pieces` is exhausted, if the file breaks off or is corrupt. The bytes that come out before
    do not depend on how input is cut: where zlib refuses a piece of input, the piece is given to it again byte by byte.
    """

    def __init__(self, stream: BinaryIO, size_bytes: int) -> None:
        self.damage: StreamDamage | None = None
        self._stream = stream
        self._size_bytes = size_bytes

    def pieces(self, max_bytes: int) -> Iterator[bytes]:
        """Decompressed pieces, of at most `max_bytes` each while the file is sound."""
        given = self._stream.read(_INPUT_BYTES)
        if not given:
            self._stop(DamageReason.TRUNCATED, num_unused=0)
        while given:
            rest = yield from self._member(given, max_bytes)
            if self.damage is not None:
                return
            given = self._after_padding(rest)

    def _member(self, given: bytes, max_bytes: int) -> Generator[bytes, None, bytes]:
        """The pieces of one member; returns the input beyond it that was already read."""
        decoder = zlib.decompressobj(_WINDOW_BITS)
        while given:
            # A failing call swallows what it had decompressed until then; this copy gives it once more.
            before = decoder.copy()
            try:
                piece = decoder.decompress(given, max_bytes)
            except zlib.error:
                yield from self._until_failure(before, given)
                return b""
            if piece:
                yield piece
            if decoder.eof:
                return decoder.unused_data
            given = decoder.unconsumed_tail or self._stream.read(_INPUT_BYTES)
        # All input is used, but what did not fit below `max_bytes` in the last call is still inside zlib.
        if piece := decoder.flush():
            yield piece
        self._stop(DamageReason.TRUNCATED, num_unused=0)
        return b""

    def _until_failure(self, decoder: Any, given: bytes) -> Iterator[bytes]:  # Any: zlib does not export the type
        for place in range(-1, len(given)):
            # First nothing: a byte may have been taken whose last bits are the failure, when there was no more room.
            try:
                piece = decoder.decompress(given[max(0, place) : place + 1])
            except zlib.error:
                self._stop(DamageReason.CORRUPT, num_unused=len(given) - place)
                return
            if piece:
                yield piece

    def _after_padding(self, rest: bytes) -> bytes:
        """The next input that is not padding: gzip itself accepts zeros after a member, as tapes leave them."""
        while not (given := rest.lstrip(b"\0")):
            rest = self._stream.read(_INPUT_BYTES)
            if not rest:
                return b""
        return given

    def _stop(self, reason: DamageReason, num_unused: int) -> None:
        self.damage = StreamDamage(reason, self._size_bytes - self._stream.tell() + num_unused)
