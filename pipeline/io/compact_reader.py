"""The compact protocol of Apache Thrift, in which Parquet writes its headers and its footer.

Source:
    Apache Thrift, doc/specs/thrift-compact-protocol.md.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

_MAX_DEPTH: Final = 8


class CompactError(Exception):
    """Bytes that are no struct."""


class CompactReader:
    """Reads one struct, as far as `data` goes: IndexError where it goes on behind the end."""

    def __init__(self, data: bytes) -> None:
        self.at = 0
        self._data = data
        self._depth = 0

    def struct(self) -> dict[int, Any]:  # Any: by the field's type
        """The fields by number; strings and containers are passed over."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise CompactError
        fields = {number: kind == 1 if kind in (1, 2) else self.value(kind) for number, kind in self.fields()}
        self._depth -= 1
        return fields

    def fields(self) -> Iterator[tuple[int, int]]:
        """Number and type of each field of a struct; its value is to be read in between, unless it is a truth value."""
        number = 0
        while head := self.byte():
            number = number + (head >> 4) if head >> 4 else self.integer()
            yield number, head & 15

    def value(self, kind: int) -> Any:  # Any: by the type
        """A value of a field; None for a string or a container, which is passed over."""
        if kind not in _READERS:
            raise CompactError
        return _READERS[kind](self)

    def skip(self, kind: int) -> None:
        """Passes over the value of a field."""
        if kind not in (1, 2):
            self.value(kind)

    def byte(self) -> int:
        """The next byte."""
        self.at += 1
        return self._data[self.at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise CompactError

    def integer(self) -> int:
        """An integer of any width."""
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def double(self) -> None:
        """Passes over a floating-point number."""
        self._skip(8)

    def binary(self) -> None:
        """Passes over a string."""
        self._skip(self._varint())

    def list_head(self) -> tuple[int, int]:
        """The size of a list and the type of its elements, which follow."""
        head = self.byte()
        size = head >> 4
        return self._varint() if size == 15 else size, head & 15

    def list(self) -> None:
        """Passes over a list."""
        size, kind = self.list_head()
        for _ in range(size):
            self._element(kind)

    def map(self) -> None:
        """Passes over a map."""
        size = self._varint()
        kinds = self.byte() if size else 0
        for _ in range(size):
            self._element(kinds >> 4)
            self._element(kinds & 15)

    def _element(self, kind: int) -> None:
        """Of a list or map, where a truth value has a byte of its own."""
        if kind in (1, 2):
            self.byte()
        else:
            self.value(kind)

    def _skip(self, num_bytes: int) -> None:
        self.at += num_bytes
        if self.at > len(self._data):
            raise IndexError


_READERS: Final[dict[int, Callable[[CompactReader], Any]]] = {  # Any: by the type
    3: CompactReader.byte, 4: CompactReader.integer, 5: CompactReader.integer, 6: CompactReader.integer,
    7: CompactReader.double, 8: CompactReader.binary, 9: CompactReader.list, 10: CompactReader.list,
    11: CompactReader.map, 12: CompactReader.struct,
}  # fmt: skip
"""Of values, by their types. Functions, not methods: a reader that held its own methods would hold itself and its data
until garbage is looked for, which is seldom."""
