"""Footers of Parquet files: row groups for planning, and how the columns of a file become columns of documents."""

import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.document import COLUMN_TYPES, CORE_FIELDS, INPUT_ID, RESERVED, TEXT
from pipeline.errors import SchemaError
from pipeline.io.footer_checks import Leaf, is_safe
from pipeline.io.storage import InputFile, is_url, open_planned
from pipeline.plan.logical import Source

_LOCAL_PIECE_BYTES: Final = 1 << 20
_REMOTE_PIECE_BYTES: Final = 8 << 20
"""Of a column, read at once; a request to a store costs as much as some megabytes."""
_TRAILER: Final = struct.Struct("<I4s")
"""The footer's length, and the mark of the format."""
_WIDTHS: Final = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 12}


@dataclass(frozen=True, slots=True)
class Footer:
    """What planning needs to know of a Parquet file with G row groups."""

    schema: pa.Schema
    group_rows: tuple[int, ...]  # (G,)
    group_bytes: tuple[int, ...]  # (G,) decompressed
    group_ranges: tuple[tuple[int, int], ...]  # (G,) first byte and end of the stored column chunks
    num_rows: int
    """Of the whole file, as the footer has it; that need not be the sum over the groups."""

    @property
    def group_own_bytes(self) -> tuple[int, ...]:  # (G,)
        """Stored bytes that no group before has claimed: where groups share some, one alone may expand for them."""
        own: list[int] = []
        claimed_until = 0
        for start, end in self.group_ranges:
            own.append(max(0, end - max(start, claimed_until)))
            claimed_until = max(claimed_until, end)
        return tuple(own)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A column within a row group, as the footer has it."""

    path: str
    start: int
    end: int
    num_values: int
    is_flat: bool
    """Whether each row has one value."""
    width: int | None
    """Bytes of a decoded value; None where values have lengths of their own."""
    codec: str


def read_footer(file: InputFile, *, known_safe: bool = False) -> Footer | None:
    """The footer, or None if the file is broken so that it has none.

    Args:
        file: as it was planned.
        known_safe: this footer was read before, and it was one; looking through it again would take as long as reading.

    Raises:
        StorageError: the file cannot be read at all, or changed after the run was planned.
    """
    with open_planned(file) as stream:
        try:
            with pq.ParquetFile(stream) as opened:
                return _footer(opened) if known_safe or _is_safe(opened, stream) else None
        except UnicodeDecodeError:  # a name is no text
            return None
        except (OSError, pa.ArrowException) as error:
            if is_broken_content(error):
                return None
            raise


def open_parquet(file: InputFile) -> Any:  # Any: pyarrow is untyped
    """The file, opened for reading row groups; local files are read without passing through Python.

    Columns are read piece by piece: by itself Arrow fetches a whole row group before it decodes any of it, and writers
    make groups of gigabytes.
    """
    stream = open_planned(file)
    if is_url(file.path):
        return pq.ParquetFile(
            stream, page_checksum_verification=True, pre_buffer=False, buffer_size=_REMOTE_PIECE_BYTES
        )
    stream.close()
    return pq.ParquetFile(file.path, page_checksum_verification=True, pre_buffer=False, buffer_size=_LOCAL_PIECE_BYTES)


def chunks_of(opened: Any, group: int, columns: Sequence[str]) -> list[Chunk]:  # Any: pyarrow is untyped
    """The chunks of a row group that hold these columns of the file, nested ones too."""
    row_group, schema, names = opened.metadata.row_group(group), opened.schema, set(columns)
    return [
        _chunk(row_group.column(place), schema.column(place))
        for place in range(row_group.num_columns)
        # A dot stands in names, too, not only between a column and what is nested in it.
        if not names.isdisjoint(accumulate(schema.column(place).path.split("."), "{}.{}".format))
    ]


def is_broken_content(error: Exception) -> bool:
    """Whether an error of the Parquet library speaks of the file's content, not of access to it or of this machine."""
    # Arrow reports broken pages and footers as ArrowInvalid or as a bare OSError; the system's errors have a number.
    # Its want of memory is an ArrowException, too: rows must not be lost where another machine would keep them.
    if isinstance(error, MemoryError):
        return False
    return isinstance(error, pa.ArrowException) or (type(error) is OSError and error.errno is None)


def document_columns(schema: pa.Schema, source: Source) -> dict[str, str]:
    """For each column of a document that comes from the file: the file's column. `schema` is the file's.

    Raises:
        SchemaError: two columns would get one name.
    """
    columns = {TEXT: source.text_column}
    if source.id_column is not None and source.id_column in schema.names:
        columns[INPUT_ID] = source.id_column
    columns |= {name: name for name in source.columns}
    used = set(columns.values())
    for name in schema.names:
        if name in used:
            continue
        target = f"input_{name}" if name in RESERVED else name
        if target in columns or (target != name and target in schema.names):
            raise SchemaError(
                f"column {name!r}: expected to read it as {target!r}, since {name!r} is reserved; "
                f"found that name taken; rename a column; columns: {schema.names}"
            )
        columns[target] = name
    return columns


def document_schema(schema: pa.Schema, source: Source, where: str) -> pa.Schema:
    """The schema of the documents that a file of this schema gives.

    Args:
        schema: the file's.
        source: how to read it.
        where: names the file in errors.

    Raises:
        SchemaError: a column that is read is missing or has a type that cannot be read.
    """
    if len(set(schema.names)) < len(schema.names):
        raise SchemaError(f"{where}: expected different column names; found {schema.names}; rename columns")
    required = [source.text_column, *source.columns, *([source.id_column] if source.id_from == "column" else [])]
    missing = [name for name in required if name not in schema.names]
    if missing:
        raise SchemaError(
            f"{where}: expected columns {missing}; found {schema.names}; "
            "correct text_column, id_column or columns of the source"
        )
    columns = document_columns(schema, source)
    _check_text(schema.field(source.text_column), where)
    if INPUT_ID in columns:
        _check_id(schema.field(columns[INPUT_ID]), where)
    for name, kind in source.columns.items():
        _check_cast(schema.field(name), COLUMN_TYPES[kind], where)
    others = [
        pa.field(target, document_type(schema.field(name).type))
        for target, name in columns.items()
        if target not in (TEXT, INPUT_ID) and target not in source.columns
    ]
    declared = [pa.field(name, COLUMN_TYPES[kind]) for name, kind in source.columns.items()]
    return pa.schema([*CORE_FIELDS, *declared, *others])


def document_type(kind: pa.DataType) -> pa.DataType:
    """The type that documents have for a file's type: strings are large, and nothing is dictionary-encoded."""
    if isinstance(kind, pa.BaseExtensionType):
        return document_type(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return document_type(kind.value_type)
    return pa.large_string() if _is_string(kind) else kind


def schema_difference(first: Mapping[str, pa.DataType], other: Mapping[str, pa.DataType]) -> str | None:
    """What distinguishes two sets of columns, in words; None if they agree by name and type."""
    for name in sorted(first.keys() | other.keys()):
        if name not in other:
            return f"expected column {name!r} ({first[name]}); found none"
        if name not in first:
            return f"expected no column {name!r}; found {other[name]}"
        if first[name] != other[name]:
            return f"column {name!r}: expected {first[name]}; found {other[name]}"
    return None


def _is_safe(opened: Any, stream: BinaryIO) -> bool:  # Any: pyarrow is untyped
    leaves = [_leaf(opened.schema.column(place)) for place in range(len(opened.schema))]
    return is_safe(_stored_footer(stream), leaves)


def _stored_footer(stream: BinaryIO) -> bytes:
    """The bytes of the footer of a file that Arrow has opened."""
    stream.seek(-_TRAILER.size, os.SEEK_END)
    num_bytes, _ = _TRAILER.unpack(stream.read(_TRAILER.size))
    stream.seek(-_TRAILER.size - num_bytes, os.SEEK_END)
    return stream.read(num_bytes)


def _leaf(column: Any) -> Leaf:  # Any: pyarrow is untyped
    is_text = column.physical_type == "BYTE_ARRAY"
    return Leaf(is_text, column.max_repetition_level + 1, column.max_definition_level + 1)


def _footer(opened: Any) -> Footer | None:  # Any: pyarrow is untyped
    metadata = opened.metadata
    groups = [metadata.row_group(place) for place in range(opened.num_row_groups)]
    footer = Footer(
        schema=opened.schema_arrow.remove_metadata(),
        group_rows=tuple(group.num_rows for group in groups),
        group_bytes=tuple(_num_bytes(group) for group in groups),
        group_ranges=tuple(_stored_range(group) for group in groups),
        num_rows=metadata.num_rows,
    )
    numbers = (*footer.group_rows, *footer.group_bytes, *(at for both in footer.group_ranges for at in both))
    return footer if min(numbers, default=0) >= 0 else None


def _chunks(group: Any) -> list[Any]:  # Any: pyarrow is untyped
    return [group.column(place) for place in range(group.num_columns)]


def _num_bytes(group: Any) -> int:  # Any: pyarrow is untyped
    """The most that the footer says of it, since whoever writes too little would read too much."""
    in_chunks = sum(int(chunk.total_uncompressed_size) for chunk in _chunks(group))
    return max(int(group.total_byte_size), in_chunks)


def _stored_range(group: Any) -> tuple[int, int]:  # Any: pyarrow is untyped
    ranges = [_chunk_range(chunk) for chunk in _chunks(group)]
    return min((start for start, _ in ranges), default=0), max((end for _, end in ranges), default=0)


def _chunk_range(chunk: Any) -> tuple[int, int]:  # Any: pyarrow is untyped
    start = min(chunk.data_page_offset, chunk.dictionary_page_offset or chunk.data_page_offset)
    return start, start + chunk.total_compressed_size


def _chunk(chunk: Any, column: Any) -> Chunk:  # Any: pyarrow is untyped
    start, end = _chunk_range(chunk)
    kind = column.physical_type
    width = column.length if kind == "FIXED_LEN_BYTE_ARRAY" else _WIDTHS.get(kind)
    return Chunk(column.path, start, end, chunk.num_values, column.max_repetition_level == 0, width, chunk.compression)


def _is_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _check_text(field: pa.Field, where: str) -> None:
    kind = document_type(field.type)
    # Some writers store strings without saying so; their bytes are checked row by row.
    if not (_is_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        raise SchemaError(f"{where}: column {field.name!r}: expected string; found {field.type}; correct text_column")


def _check_id(field: pa.Field, where: str) -> None:
    kind = document_type(field.type)
    if not (_is_string(kind) or pa.types.is_integer(kind)):
        raise SchemaError(
            f"{where}: column {field.name!r}: expected string or integer; found {field.type}; "
            "name another id_column, or null if the input has none"
        )


def _check_cast(field: pa.Field, target: pa.DataType, where: str) -> None:
    try:
        pa.nulls(0, field.type).cast(target)
    except pa.ArrowException as error:
        raise SchemaError(
            f"{where}: column {field.name!r}: expected a type that can become {target}; found {field.type}; "
            "correct columns of the source"
        ) from error
