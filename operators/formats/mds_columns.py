"""How the columns of a table stand in the samples of an MDS file.

A sample is the sizes of its columns of varying size, a uint32 each, then the bytes of all columns, both in the order of
their names. Every kind of column has an encoding by name, which the reader knows (`streaming/base/format/mds`).

Dimension letters: R rows of a batch, C columns, V columns of varying size, B bytes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.errors import SchemaError
from pipeline.kernel import Bytes, Offsets, kernel

SIZE_BYTES: Final = 4
"""Bytes of the size of a column that stands before a sample."""

_NUMBERS: Final = {
    pa.uint8(): "uint8",
    pa.int8(): "int8",
    pa.uint16(): "uint16",
    pa.int16(): "int16",
    pa.float16(): "float16",
    pa.uint32(): "uint32",
    pa.int32(): "int32",
    pa.float32(): "float32",
    pa.uint64(): "uint64",
    pa.int64(): "int64",
    pa.float64(): "float64",
}
"""The numbers that the format has, by its names."""

Piece = tuple[Bytes, Offsets]
"""Bytes and (R + 1,) offsets: the bytes of row r are data[offsets[r]:offsets[r + 1]]."""


@dataclass(frozen=True, slots=True)
class Encodings:
    """The columns of a table as MDS names them, in the order in which samples hold them."""

    names: tuple[str, ...]
    encodings: tuple[str, ...]
    sizes: tuple[int | None, ...]
    """Bytes of a column that has the same number in all samples."""

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """What the format stores of them."""
        return {
            "column_encodings": list(self.encodings),
            "column_names": list(self.names),
            "column_sizes": list(self.sizes),
        }

    @classmethod
    def of(cls, schema: pa.Schema) -> "Encodings":
        """The encodings of the columns of `schema`.

        Raises:
            SchemaError: a column has a type that the format does not have.
        """
        fields = sorted(schema, key=lambda field: field.name)
        pairs = [_encoding(field) for field in fields]
        return cls(
            tuple(field.name for field in fields), tuple(name for name, _ in pairs), tuple(size for _, size in pairs)
        )


def _encoding(field: pa.Field) -> tuple[str, int | None]:
    """The encoding of a column and its size, if all samples have the same."""
    kind = field.type
    if kind in _NUMBERS:
        return _NUMBERS[kind], kind.bit_width // 8
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "str", None
    if _is_bytes(kind) or (_is_list(kind) and pa.types.is_fixed_size_binary(kind.value_type)):
        return "bytes", None
    if pa.types.is_fixed_size_list(kind) and kind.value_type in _NUMBERS and kind.list_size:
        size = kind.list_size * kind.value_type.bit_width // 8
        return f"ndarray:{_NUMBERS[kind.value_type]}:{kind.list_size}", size
    if _is_list(kind) and kind.value_type in _NUMBERS:
        return f"ndarray:{_NUMBERS[kind.value_type]}", None
    raise SchemaError(
        f"mds: column {field.name!r}: expected numbers, text, bytes, or lists of numbers or of ids; found {kind}; "
        "leave the column out or cast it in a step before"
    )


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def samples(batch: pa.RecordBatch, encodings: Encodings) -> Piece:
    """The samples of `batch`, one after another: their bytes and (R + 1,) offsets.

    Raises:
        SchemaError: a value is null.
    """
    num_rows = len(batch)
    columns = [_pieces(name, batch.column(name)) for name in encodings.names]
    lengths = [sum((np.diff(offsets) for _, offsets in pieces), np.zeros(num_rows, np.int64)) for pieces in columns]
    varying = [length for length, size in zip(lengths, encodings.sizes, strict=True) if size is None]
    sizes = np.stack([*varying, np.zeros(num_rows, np.int64)], axis=1)[:, :-1].astype(np.uint32)  # (R, V)
    head: Piece = (np.ascontiguousarray(sizes).view(np.uint8).reshape(-1), _even(num_rows, SIZE_BYTES * len(varying)))
    offsets = np.zeros(num_rows + 1, np.int64)  # (R + 1,)
    np.cumsum(sum(lengths, np.diff(head[1])), out=offsets[1:])
    data = np.empty(int(offsets[-1]), np.uint8)  # (B,)
    begins = offsets[:-1].copy()  # (R,)
    for piece in (head, *(piece for pieces in columns for piece in pieces)):
        source = piece[0].view()
        source.flags.writeable = False  # as Arrow's memory is, so that the kernel compiles once
        place_rows(source, piece[1], begins, data)
        begins += np.diff(piece[1])
    return data, offsets


def _pieces(name: str, column: pa.Array) -> list[Piece]:
    """What a column puts into each sample: its bytes, and before those of an array of varying length their number."""
    kind = column.type
    inner = column.flatten() if _is_list(kind) or pa.types.is_fixed_size_list(kind) else column
    num_nulls = max(column.null_count, inner.null_count)
    if num_nulls:
        raise SchemaError(
            f"mds: column {name!r}: expected a value in every row, since the format has no null; found {num_nulls} "
            "nulls; leave the column out or fill it in a step before"
        )
    if kind in _NUMBERS or pa.types.is_fixed_size_binary(kind):
        return [(_raw(column), _even(len(column), kind.bit_width // 8))]
    if pa.types.is_fixed_size_list(kind):
        return [(_raw(inner), _even(len(column), kind.list_size * inner.type.bit_width // 8))]
    if not _is_list(kind):
        return [_text_piece(column)]
    offsets = column.offsets.to_numpy().astype(np.int64)  # (R + 1,)
    values: Piece = (_raw(inner), (offsets - offsets[0]) * (inner.type.bit_width // 8))
    if pa.types.is_fixed_size_binary(inner.type):
        return [values]
    return [_shapes(np.diff(offsets)), values]


def _shapes(lengths: npt.NDArray[np.int64]) -> Piece:
    """What stands before arrays of varying length: that they have one dimension, and their length."""
    width = np.searchsorted(np.array([1 << 8, 1 << 16, 1 << 32], np.int64), lengths, side="right")  # (R,) log2 of bytes
    offsets = np.zeros(len(lengths) + 1, np.int64)  # (R + 1,)
    np.cumsum(1 + (1 << width), out=offsets[1:])
    data = np.zeros(int(offsets[-1]), np.uint8)  # (B,)
    data[offsets[:-1]] = 1 << 2 | width
    for byte in range(8):
        rows = np.flatnonzero(1 << width > byte)
        data[offsets[rows] + 1 + byte] = lengths[rows] >> (8 * byte) & 0xFF
    return data, offsets


def _raw(values: pa.Array) -> Bytes:
    """The bytes of an array whose values all have one width."""
    width = values.type.bit_width // 8
    _, data = values.buffers()
    if data is None or len(values) == 0:
        return np.empty(0, np.uint8)
    return np.frombuffer(data, np.uint8)[values.offset * width : (values.offset + len(values)) * width]


def _text_piece(column: pa.Array) -> Piece:
    """Text or bytes of varying length."""
    narrow = pa.types.is_string(column.type) or pa.types.is_binary(column.type)
    _, bounds, data = column.buffers()
    if len(column) == 0:
        return np.empty(0, np.uint8), np.zeros(1, np.int64)
    offsets = np.frombuffer(bounds, np.int32 if narrow else np.int64)[column.offset : column.offset + len(column) + 1]
    return np.frombuffer(data or b"", np.uint8), offsets.astype(np.int64)


def _even(num_rows: int, width: int) -> Offsets:
    return np.arange(num_rows + 1, dtype=np.int64) * width


@kernel
def place_rows(data: Bytes, offsets: Offsets, begins: Offsets, out: Bytes) -> None:
    """Copies the bytes of each row to where its place in `out` begins."""
    for r in range(begins.shape[0]):
        at = np.uintp(begins[r])
        first = np.uintp(offsets[r])
        for i in range(np.uintp(offsets[r + 1] - offsets[r])):
            out[at + np.uintp(i)] = data[first + np.uintp(i)]


def column_values(data: Bytes, bounds: Offsets, layout: Mapping[str, Any], name: str) -> npt.NDArray[np.int64]:
    """An int64 column of samples that lie in `data` (B,) at `bounds` (R + 1,), by the `layout` in their file."""
    index = layout["column_names"].index(name)
    head = SIZE_BYTES * sum(size is None for size in layout["column_sizes"])
    begins = bounds[:-1] + head  # (R,)
    passed = 0
    for size in layout["column_sizes"][:index]:
        if size is None:
            begins = begins + gathered(data, bounds[:-1] + SIZE_BYTES * passed, SIZE_BYTES).view(np.uint32)[:, 0]
            passed += 1
        else:
            begins = begins + size
    values: npt.NDArray[np.int64] = gathered(data, begins, 8).view(np.int64)[:, 0]
    return values


def gathered(data: Bytes, begins: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.uint8]:
    """(R, width): the `width` bytes from each of `begins` (R,)."""
    return np.ascontiguousarray(data[begins[:, None] + np.arange(width)])


def config_bytes(encodings: Encodings, compression: str | None, size_limit: int) -> bytes:
    """What every file says of itself before its samples."""
    config = {
        "compression": compression,
        "format": "mds",
        "hashes": [],
        "size_limit": size_limit,
        "version": 2,
        **encodings.to_json(),
    }
    return json.dumps(config, sort_keys=True).encode()
