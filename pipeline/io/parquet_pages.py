"""Headers of the pages of a Parquet column chunk: what its pages claim to hold, known before any is decompressed.

Arrow allocates what a page's header says, and refuses a page that decompresses to anything else. So headers bound
memory; the footer, which only sums them up, may say what it likes.

Source:
    Apache Parquet format, parquet.thrift: PageHeader.
"""

import struct
from dataclasses import dataclass, field
from typing import Any, Final

from pipeline.io.compact_reader import CompactError, CompactReader

_DATA_PAGE: Final = 0
_DICTIONARY_PAGE: Final = 2
_DATA_PAGE_V2: Final = 3
_OWN_HEADER: Final = {_DATA_PAGE: (5, 2), _DICTIONARY_PAGE: (7, 2), _DATA_PAGE_V2: (8, 4)}
"""Type of a page -> field of the header that such pages have, and in that the field of the encoding."""
_DELTA_BYTE_ARRAY: Final = 7
"""Encoding that spells a value as so many bytes of the one before it, and its own."""

_LENGTH: Final = struct.Struct("<I")
_USUAL_HEADER_BYTES: Final = 1 << 10
_MAX_HEADER_BYTES: Final = 16 << 20
"""As Arrow: writers put the smallest and the largest value into headers, however long they are."""


@dataclass(frozen=True, slots=True)
class PageHeader:
    """What is used of one."""

    stored_bytes: int
    num_bytes: int
    """Decompressed."""
    num_values: int
    """Nulls too; of a dictionary its entries."""
    is_data: bool
    is_dictionary: bool
    is_delta: bool


def read_header(data: bytes) -> tuple[PageHeader, int]:
    """The header at the beginning of `data`, and its length.

    Raises:
        IndexError: `data` ends before the header does.
        CompactError: it is none.
    """
    reader = CompactReader(data)
    fields = reader.struct()
    kind, num_bytes, stored_bytes = (_count(fields, number) for number in (1, 2, 3))
    if kind not in _OWN_HEADER:
        return PageHeader(stored_bytes, num_bytes, 0, is_data=False, is_dictionary=False, is_delta=False), reader.at
    number, encoding = _OWN_HEADER[kind]
    own = fields.get(number)
    if not isinstance(own, dict):
        raise CompactError
    header = PageHeader(
        stored_bytes,
        num_bytes,
        num_values=_count(own, 1),
        is_data=kind != _DICTIONARY_PAGE,
        is_dictionary=kind == _DICTIONARY_PAGE,
        is_delta=_count(own, encoding) == _DELTA_BYTE_ARRAY,
    )
    return header, reader.at


@dataclass(slots=True)
class ChunkPages:
    """The pages of one column chunk, found while the file's bytes go by, in order, in pieces of any size.

    Args:
        next_at: where in the file the chunk begins; then the next header.
        end: where it ends.
        num_expected: values that the footer says it has.
    """

    next_at: int
    end: int
    num_expected: int
    is_broken: bool = False
    num_bytes: int = 0
    """Of all pages, decompressed."""
    num_values: int = 0
    dictionary: tuple[int, PageHeader] | None = None
    """Where its content begins in the file, and its header."""
    delta_bytes: int = 0
    """Of the largest page, decompressed, whose values begin as the ones before them: none is longer."""
    _kept: bytes = field(default=b"", repr=False)

    def feed(self, offset: int, piece: memoryview) -> None:
        """The bytes of the file from `offset` on; they follow those that were fed before."""
        while self.next_at < self.end and not self.is_broken:
            start = self.next_at + len(self._kept) - offset
            if start >= len(piece):
                return
            found = self._header(piece[start:])
            if found is None:
                return
            header, length = found
            self._kept = b""
            self._count(header, self.next_at + length)
            self.next_at += length + header.stored_bytes

    def finish(self) -> None:
        """Says that the file ended."""
        self.is_broken |= self._is_wanted and self.next_at < self.end

    @property
    def _is_wanted(self) -> bool:
        """Whether Arrow would read on: what stands behind the last value that it expects is never looked at."""
        return self.num_values < self.num_expected

    def _header(self, rest: memoryview) -> tuple[PageHeader, int] | None:
        """The header that begins with what is kept; None if the piece ends before it does, or it is none."""
        for num_bytes in (_USUAL_HEADER_BYTES, len(rest)):
            data = self._kept + bytes(rest[:num_bytes])
            try:
                return read_header(data)
            except IndexError:
                if len(data) > _MAX_HEADER_BYTES:
                    break
            except CompactError:
                break
        else:
            self._kept = data
            return None
        self.is_broken = self._is_wanted
        self.next_at = self.end
        return None

    def _count(self, header: PageHeader, content_at: int) -> None:
        self.num_bytes += header.num_bytes
        if header.is_data:
            self.num_values += header.num_values
        if header.is_dictionary:
            self.is_broken |= self.dictionary is not None  # a chunk has one
            self.dictionary = content_at, header
        if header.is_delta:
            self.delta_bytes = max(self.delta_bytes, header.num_bytes)


def longest_entry(content: memoryview, num_entries: int) -> int:
    """Bytes of the longest string in a dictionary page, decompressed.

    Raises:
        IndexError: it holds fewer strings.
    """
    longest = at = 0
    try:
        for _ in range(num_entries):
            (length,) = _LENGTH.unpack_from(content, at)
            if length > longest:  # noqa: PLR1730 -- a call of max takes as long as the rest of the loop
                longest = length
            at += 4 + length
    except struct.error as error:
        raise IndexError from error
    if at > len(content):
        raise IndexError
    return longest


def _count(fields: dict[int, Any], number: int) -> int:  # Any: as `CompactReader.struct` gives them
    """A field that must be there and is not negative."""
    value = fields.get(number)
    if not isinstance(value, int) or value < 0:
        raise CompactError
    return value
