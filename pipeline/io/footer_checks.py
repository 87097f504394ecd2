"""What a footer may not hold, since pyarrow meets it where it cannot raise an error, and ends the process.

Source:
    Apache Parquet format, parquet.thrift: FileMetaData, ColumnChunk, SizeStatistics.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.io.compact_reader import CompactError, CompactReader

_ROW_GROUPS: Final = 4
_COLUMNS: Final = 1
_ENCRYPTION: Final = 8
_CHUNK: Final = 3
_SIZES: Final = 16
_TEXT_BYTES, _REPETITIONS, _DEFINITIONS = 1, 2, 3
_STRUCT: Final = 12
_LISTS: Final = (9, 10)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A column that has values, as the schema has it."""

    is_text: bool
    num_repetitions: int
    """Levels, the lowest included."""
    num_definitions: int


def is_safe(footer: bytes, leaves: Sequence[Leaf]) -> bool:
    """Whether each column chunk is one that `RowGroupMetaData.column` can be asked for.

    Its sizes have a count for each level or none, and bytes of text only where there is text; nothing is encrypted.
    """
    reader = CompactReader(footer)
    try:
        for _ in _structs_in(reader, _ROW_GROUPS):
            for place in _structs_in(reader, _COLUMNS):
                if not _is_safe_chunk(reader, leaves[place]):
                    return False
    except (CompactError, IndexError):
        return False
    return True


def _structs_in(reader: CompactReader, wanted: int) -> Iterator[int]:
    """The places of the structs in the list that is this field of a struct; each is to be read in between."""
    for number, kind in reader.fields():
        if number != wanted:
            reader.skip(kind)
            continue
        if kind not in _LISTS:
            raise CompactError
        size, element = reader.list_head()
        if size and element != _STRUCT:
            raise CompactError
        yield from range(size)


def _is_safe_chunk(reader: CompactReader, leaf: Leaf) -> bool:
    is_safe_so_far = True
    for number, kind in reader.fields():
        if number == _CHUNK and kind == _STRUCT:
            is_safe_so_far &= _has_safe_sizes(reader, leaf)
        else:
            is_safe_so_far &= number != _ENCRYPTION
            reader.skip(kind)
    return is_safe_so_far


def _has_safe_sizes(reader: CompactReader, leaf: Leaf) -> bool:
    is_safe_so_far = True
    for number, kind in reader.fields():
        if number == _SIZES and kind == _STRUCT:
            is_safe_so_far &= _are_safe_sizes(reader, leaf)
        else:
            reader.skip(kind)
    return is_safe_so_far


def _are_safe_sizes(reader: CompactReader, leaf: Leaf) -> bool:
    num_levels = {_REPETITIONS: leaf.num_repetitions, _DEFINITIONS: leaf.num_definitions}
    is_safe_so_far = True
    for number, kind in reader.fields():
        if number in num_levels and kind in _LISTS:
            size, element = reader.list_head()
            is_safe_so_far &= size in (0, num_levels[number])
            for _ in range(size):
                reader.skip(element)
        else:
            is_safe_so_far &= number != _TEXT_BYTES or leaf.is_text
            reader.skip(kind)
    return is_safe_so_far
