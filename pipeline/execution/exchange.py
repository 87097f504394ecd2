"""The file-based exchange: rows of equal key meet in one partition, in a total order, through files alone.

Each map unit writes one Arrow IPC file with exactly one record batch per partition, so the file's own footer is the
index and a reducer reads its slices and nothing else. Files outlive actors and nodes: a lost reducer is run again from
them. A partition that exceeds the memory budget is read in key ranges, several passes over memory-mapped files; the
rows and their order are the same either way.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.document import POSITION
from pipeline.errors import StorageError
from pipeline.execution.faults import reach
from pipeline.plan.stages import Partitioning

_ORDINAL = "__ordinal"
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
CHUNK_ROWS = 1 << 16
"""Rows are handed to the partition operator in chunks of at most this many."""

UIntArray = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class PartitionInput:
    """One partition of an exchange: the map units' files, in the order of the units."""

    index: int
    files: tuple[str, ...]
    partitioning: Partitioning
    base_rows: int = 0
    """Rows of the base's shard to which the partition goes home; 0 where it does not."""


class ExchangeWriter:
    """Collects the rows of one map unit and writes them by partition. Rows with a null key meet nobody and stay out."""

    def __init__(self, partitioning: Partitioning) -> None:
        self._target = partitioning
        self._batches: list[pa.RecordBatch] = []
        self.num_rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Takes the columns that travel, for rows that have a key."""
        columns = [batch[name] for name in self._target.schema.names]
        batch = pa.RecordBatch.from_arrays(columns, schema=self._target.schema)
        if batch[self._target.key].null_count:
            batch = batch.filter(pc.is_valid(batch[self._target.key]))
        if batch.num_rows:
            self._batches.append(batch)
            self.num_rows += batch.num_rows

    def close(self, path: Path) -> None:
        """Writes the file: one record batch per partition, rows in arrival order."""
        target = self._target
        table = pa.Table.from_batches(self._batches, target.schema)
        partitions = _partition_of(table[target.key], target)
        order = np.argsort(partitions, kind="stable")
        bounds = np.searchsorted(partitions[order], np.arange(target.num_partitions + 1))
        table = table.take(pa.array(order)).combine_chunks()
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, target.schema) as writer:
            for index in range(target.num_partitions):
                rows = table.slice(int(bounds[index]), int(bounds[index + 1] - bounds[index]))
                batches = rows.combine_chunks().to_batches()
                writer.write_batch(batches[0] if batches else _empty(target.schema))
        reach("exchange.map.closed")


def read_partition(source: PartitionInput, memory_bytes: int, chunk_rows: int = CHUNK_ROWS) -> Iterator[pa.RecordBatch]:
    """The partition's rows in chunks: sorted by key, sort columns and position, or as they arrived.

    Memory stays near `memory_bytes`, unless one key alone is larger; rows in order of arrival are never all in memory.
    """
    reach("exchange.reduce.begin")
    exchange = source.partitioning.exchange
    if exchange is not None and exchange.order == "arrival":
        for path in source.files:
            yield from _chunks(_slice(path, source.index), chunk_rows)
        return
    slices = [_slice(path, source.index) for path in source.files]
    total = sum(batch.nbytes for batch in slices)
    if total <= memory_bytes:
        yield from _sorted_chunks(slices, source.partitioning, chunk_rows)
        return
    key = source.partitioning.key
    proxies = [_proxy(batch[key]) for batch in slices]
    for low, high in _ranges(np.concatenate(proxies), -(-total // memory_bytes)):
        picked = [
            batch.filter(pa.array((proxy >= low) & (proxy <= high)))
            for batch, proxy in zip(slices, proxies, strict=True)
        ]
        yield from _sorted_chunks(picked, source.partitioning, chunk_rows)


def _ranges(proxies: UIntArray, num_ranges: int) -> Iterator[tuple[np.uint64, np.uint64]]:
    """Inclusive key ranges of about equal numbers of rows; equal keys are never parted."""
    ordered = np.sort(proxies)
    last = ordered[np.minimum(np.arange(1, num_ranges + 1) * len(ordered) // num_ranges, len(ordered) - 1)]
    start = 0
    for end in np.unique(np.searchsorted(ordered, last, side="right")):
        yield ordered[start], ordered[end - 1]
        start = end


def _sorted_chunks(
    batches: Sequence[pa.RecordBatch], target: Partitioning, chunk_rows: int
) -> Iterator[pa.RecordBatch]:
    table = pa.Table.from_batches(batches, target.schema).combine_chunks()
    if table.num_rows == 0:
        return
    table = table.append_column(_ORDINAL, pa.array(np.arange(table.num_rows, dtype=np.int64)))
    keys = {target.key: "ascending"}  # a column counts where it first stands: the key, then as `sort` says
    for key in () if target.exchange is None else target.exchange.sort:
        keys.setdefault(key.column, "descending" if key.descending else "ascending")
    if POSITION in target.schema.names:
        keys.setdefault(POSITION, "ascending")
    # The ordinal makes the order total: map units in order, rows in order. Without it ties have no defined order.
    keys[_ORDINAL] = "ascending"
    order = pc.sort_indices(table, sort_keys=[(name, way, "at_end") for name, way in keys.items()])
    (whole,) = table.drop_columns([_ORDINAL]).take(order).combine_chunks().to_batches()
    yield from _chunks(whole, chunk_rows)


def _chunks(batch: pa.RecordBatch, chunk_rows: int) -> Iterator[pa.RecordBatch]:
    for begin in range(0, batch.num_rows, chunk_rows):
        yield batch.slice(begin, chunk_rows)


def _partition_of(keys: pa.ChunkedArray, target: Partitioning) -> npt.NDArray[np.int64]:
    if len(keys) == 0:
        return np.empty(0, np.int64)
    proxy = _proxy(keys.combine_chunks())
    if target.exchange is None:
        return (proxy >> np.uint64(32)).astype(np.int64)
    mixed = proxy ^ (proxy >> np.uint64(33))
    mixed = mixed * _MULTIPLIER
    mixed ^= mixed >> np.uint64(29)
    return (mixed % np.uint64(target.num_partitions)).astype(np.int64)


def _proxy(keys: pa.Array) -> UIntArray:
    """A uint64 per key that orders as the keys do: the key itself, or its first eight bytes."""
    exact = _proxy_exact(keys)
    if pa.types.is_uint64(keys.type):
        return exact.view(np.uint64)
    return exact.view(">u8").reshape(len(exact), 2)[:, 0].astype(np.uint64)


def _proxy_exact(keys: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.void] | UIntArray:
    array = keys.combine_chunks() if isinstance(keys, pa.ChunkedArray) else keys
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0)
    if pa.types.is_uint64(array.type):
        return np.asarray(array.to_numpy(zero_copy_only=False), np.uint64)
    width = array.type.byte_width
    data = np.frombuffer(array.buffers()[1], np.dtype((np.void, width)))
    return data[array.offset : array.offset + len(array)]


def _slice(path: str, partition: int) -> pa.RecordBatch:
    try:
        with pa.memory_map(path) as source:
            return pa.ipc.open_file(source).get_batch(partition)
    except FileNotFoundError as error:
        raise StorageError(f"exchange file {path!r}: expected by a commit; not found; run the recipe again") from error


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)
