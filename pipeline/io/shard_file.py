"""Artifact shards on disk: one writer that fixes every byte, and a reader that walks several files row by row together.

The writer re-cuts rows into row groups, and these into runs that are contiguous in memory, both by the rows alone,
never by how they arrived: otherwise chunking shows in the Parquet bytes.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from pipeline.document import INPUT_ID, METADATA, TEXT
from pipeline.errors import StorageError
from pipeline.io.scratch import local_copy

WRITER_VERSION = 6
"""Raised whenever equal rows may give other bytes; part of the layout and so of every fingerprint."""

_RUN_BYTES = 1 << 19
"""Arrow makes a run's repetition levels at once. Those of a whole row group would not stay in the cache, and
packed rows would take a fifth longer to write."""

_ALIGNED_BATCH_ROWS = 4096
_ALIGNED_BATCH_BYTES = 8 << 20

_NAMED_BY_CONTENT = re.compile(r"\d{5,}-([0-9a-f]{16})\.")

_NO_DICTIONARY = frozenset({TEXT, METADATA, INPUT_ID})


@dataclass(frozen=True, slots=True)
class RowGroups:
    """Where row groups end: after `max_rows` rows, or before `max_bytes` bytes would be passed (one row at least)."""

    max_rows: int
    max_bytes: int
    zstd_level: int


class ShardWriter:
    """Writes one Parquet file of a shard. Use as a context manager; `num_rows` is right once it is closed."""

    def __init__(self, path: Path, schema: pa.Schema, groups: RowGroups) -> None:
        self._schema = schema
        self._groups = groups
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = 0
        self._pending_bytes = 0
        self.num_rows = 0
        dictionary = [
            field.name
            for field in schema
            if field.name not in _NO_DICTIONARY
            and (pa.types.is_string(field.type) or pa.types.is_large_string(field.type))
        ]
        leaves = _leaves(schema)
        # Nobody asks for the smallest element of all lists; finding it costs a tenth of writing packed rows.
        lists = {field.name for field in schema if pa.types.is_nested(field.type)}
        self._writer = pq.ParquetWriter(
            path,
            schema,
            compression={leaf: "none" if is_noise else "zstd" for leaf, is_noise in leaves},
            compression_level={leaf: groups.zstd_level for leaf, is_noise in leaves if not is_noise},
            write_statistics=[leaf for leaf, is_noise in leaves if not is_noise and leaf.split(".", 1)[0] not in lists],
            use_dictionary=dictionary or False,
            column_encoding=dict.fromkeys(_id_leaves(schema, leaves), "BYTE_STREAM_SPLIT"),
        )

    def write(self, batch: pa.RecordBatch) -> None:
        """Appends rows; full row groups go to the file."""
        if batch.num_rows == 0:
            return
        self._pending.append(batch)
        self._pending_rows += batch.num_rows
        self._pending_bytes += batch.nbytes
        if self._pending_rows >= self._groups.max_rows or self._pending_bytes >= self._groups.max_bytes:
            self._flush(final=False)

    def close(self) -> None:
        """Writes what remains and the footer."""
        self._flush(final=True)
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, value: object, trace: object) -> None:
        if kind is None:
            self.close()
        else:
            self._writer.close()

    def _flush(self, *, final: bool) -> None:
        if not self._pending:
            return
        table = pa.Table.from_batches(self._pending, self._schema)
        sizes = row_bytes(table)
        ends = group_ends(sizes, self._groups.max_rows, self._groups.max_bytes)
        if not final:
            ends = ends[:-1]  # the last group may still grow
        start = 0
        for end in ends:
            runs = _contiguous_runs(table.slice(start, end - start), sizes[start:end])
            self._writer.write_table(runs, row_group_size=end - start)
            self.num_rows += end - start
            start = end
        rest = table.slice(start).combine_chunks()
        self._pending = rest.to_batches()
        self._pending_rows = rest.num_rows
        self._pending_bytes = int(sizes[start:].sum())


def _contiguous_runs(rows: pa.Table, sizes: npt.NDArray[np.int64]) -> pa.Table:
    """The rows, of these byte `sizes`, in chunks of about `_RUN_BYTES`; only a run that lay in several is copied."""
    runs: list[pa.RecordBatch] = []
    start = 0
    for end in group_ends(sizes, len(sizes), _RUN_BYTES):
        runs.extend(rows.slice(start, end - start).combine_chunks().to_batches())
        start = end
    return pa.Table.from_batches(runs, rows.schema)


def _leaves(schema: pa.Schema) -> list[tuple[str, bool]]:
    """Every leaf's path in the file, and whether its column holds noise, in the order of the columns."""
    with pa.BufferOutputStream() as sink:
        pq.write_table(schema.empty_table(), sink)
        written = pq.read_metadata(pa.BufferReader(sink.getvalue())).schema
    noise = {field.name for field in schema if _is_noise(field.type)}
    paths = [written.column(index).path for index in range(len(written.names))]
    return [(path, path.split(".", 1)[0] in noise) for path in paths]


def _id_leaves(schema: pa.Schema, leaves: Sequence[tuple[str, bool]]) -> list[str]:
    """Paths of the lists of token ids.

    Their upper bytes are nearly always 0. Split into streams of first, second, third and fourth bytes, ids are written
    in three quarters of the time, and take 7 % more room, than when zstd finds that out.
    """
    ids = {field.name for field in schema if pa.types.is_nested(field.type) and _values(field.type) == pa.uint32()}
    return [leaf for leaf, _ in leaves if leaf.split(".", 1)[0] in ids]


def _values(kind: pa.DataType) -> pa.DataType | None:
    """The type of a list's values; none of what is no list."""
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return kind.value_type if is_list else None


def _is_noise(kind: pa.DataType) -> bool:
    """Whether a column of this type holds hashes: signatures, buckets and ids.

    They neither compress nor have bounds that help. Single 64-bit numbers, positions and clusters, compress to a
    quarter or less.
    """
    return bool(pa.types.is_fixed_size_binary(kind))


def group_ends(sizes: npt.NDArray[np.int64], max_rows: int, max_bytes: int) -> list[int]:
    """Exclusive ends of the row groups of rows with these byte `sizes`, the last, perhaps partial, one included."""
    ends: list[int] = []
    total = np.cumsum(sizes)
    start = 0
    while start < len(sizes):
        before = int(total[start - 1]) if start else 0
        end = int(np.searchsorted(total, before + max_bytes, side="right"))
        start = min(max(end, start + 1), start + max_rows, len(sizes))
        ends.append(start)
    return ends


def row_bytes(table: pa.Table) -> npt.NDArray[np.int64]:
    """(rows,) int64: bytes of each row's values, counted the same way however the rows are chunked."""
    sizes = np.zeros(table.num_rows, np.int64)
    for column in table.columns:
        at = 0
        for chunk in column.chunks:
            sizes[at : at + len(chunk)] += _value_bytes(chunk)
            at += len(chunk)
    return sizes


def _value_bytes(array: pa.Array) -> npt.NDArray[np.int64] | int:
    kind = array.type
    if len(array) == 0:
        return 0
    if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind) or pa.types.is_large_list(kind):
        offsets = np.frombuffer(array.buffers()[1], np.int64)
    elif pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_list(kind):
        offsets = np.frombuffer(array.buffers()[1], np.int32).astype(np.int64)
    elif pa.types.is_fixed_size_list(kind):
        return int(kind.list_size) * _width(kind.value_type)
    else:
        return _width(kind)
    lengths = np.diff(offsets[array.offset : array.offset + len(array) + 1])
    width = _width(kind.value_type) if pa.types.is_list(kind) or pa.types.is_large_list(kind) else 1
    return lengths * width


def _width(kind: pa.DataType) -> int:
    try:
        return max(1, int(kind.bit_width) // 8)
    except ValueError:
        return 8


@dataclass(frozen=True, slots=True)
class FileColumns:
    """Columns to read from one file of a shard."""

    path: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BatchSize:
    """How much passes at a time: so many rows at most, and about so many bytes, or one row that has more."""

    max_rows: int
    max_bytes: int

    def rows_of(self, num_rows: int, num_bytes: int) -> int:
        """Rows of a batch where `num_rows` of them have `num_bytes`."""
        return max(1, min(self.max_rows, self.max_bytes * num_rows // max(1, num_bytes)))


def read_aligned(files: Sequence[FileColumns], size: BatchSize) -> Iterator[pa.RecordBatch]:
    """Rows of files that hold different columns of the same rows, side by side, in batches of `size` at most."""
    streams = [_batches(file, size) for file in files]
    heads: list[pa.RecordBatch] = [next(stream, None) for stream in streams]
    while all(head is not None for head in heads):
        length = min(head.num_rows for head in heads)
        parts = [head.slice(0, length) for head in heads]
        arrays = [array for part in parts for array in part.columns]
        fields = [field for part in parts for field in part.schema]
        yield pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))
        heads = [
            head.slice(length) if head.num_rows > length else next(stream, None)
            for head, stream in zip(heads, streams, strict=True)
        ]
    if any(head is not None for head in heads):
        raise StorageError(
            f"shard files {[file.path for file in files]}: expected equal numbers of rows; found different ones"
        )


class AlignedRows:
    """Rows of files that hold different columns of the same rows, as many at a time as are asked for."""

    def __init__(self, files: Sequence[FileColumns]) -> None:
        self._files = files
        self._batches = read_aligned(files, BatchSize(_ALIGNED_BATCH_ROWS, _ALIGNED_BATCH_BYTES))
        self._rest: pa.RecordBatch | None = None

    def take(self, num_rows: int) -> pa.RecordBatch:
        """The next rows.

        Raises:
            StorageError: the files hold fewer.
        """
        parts: list[pa.RecordBatch] = []
        missing = num_rows
        while missing or not parts:
            rest = next(self._batches, None) if self._rest is None else self._rest
            if rest is None:
                raise StorageError(
                    f"shard files {[file.path for file in self._files]}: expected {missing} more rows; found their "
                    "end; remove the step's folder and run again"
                )
            parts.append(rest.slice(0, missing))
            self._rest = rest.slice(missing) if rest.num_rows > missing else None
            missing -= parts[-1].num_rows
        return parts[0] if len(parts) == 1 else pa.Table.from_batches(parts).combine_chunks().to_batches()[0]


def check_content(path: str) -> None:
    """Reads a file whose name tells the digest of its bytes, as those of artifacts do, and compares.

    Compression and the Parquet format find some damage, not all of it: a flipped bit may be another text.

    Raises:
        StorageError: the bytes are not those that were written.
    """
    told = _NAMED_BY_CONTENT.match(Path(path).name)
    if told is None:
        return
    with Path(path).open("rb") as stream:
        found = hashlib.file_digest(stream, xxhash.xxh3_64).hexdigest()
    if found != told[1]:
        raise StorageError(
            f"shard file {path!r}: expected content {told[1]}, as its name says; found {found}; the file is damaged: "
            "remove the folder of its step, and run again to make it anew"
        )


def _batches(file: FileColumns, size: BatchSize) -> Iterator[pa.RecordBatch]:
    """No batch is of two row groups, so that none has more bytes than the writer put into one."""
    try:
        copy = local_copy(file.path)
        check_content(copy)
        with pq.ParquetFile(copy, memory_map=True) as parquet:
            for group in range(parquet.num_row_groups):
                rows = size.rows_of(*_extent(parquet.metadata.row_group(group), file.names))
                for batch in parquet.iter_batches(rows, [group], columns=list(file.names), use_threads=False):
                    if batch.num_rows:
                        yield batch.select(list(file.names))
    except FileNotFoundError as error:
        raise StorageError(
            f"shard file {file.path!r}: expected by a manifest; not found; remove the folder of its step, and run "
            "again to make it anew"
        ) from error


def _extent(group: Any, names: Sequence[str]) -> tuple[int, int]:  # Any: pyarrow is untyped
    """Rows of a row group, and bytes of these columns."""
    chunks = (group.column(place) for place in range(group.num_columns))
    num_bytes = sum(chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema.split(".", 1)[0] in names)
    return group.num_rows, num_bytes
