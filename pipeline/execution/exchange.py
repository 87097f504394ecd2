"""The file-based exchange: rows of equal key meet in one partition, in a total order, through files alone.

Each map unit writes one Arrow IPC file in pieces of bounded size, each with exactly one record batch per partition, so
the file's own footer is the index and a reducer reads its slices and nothing else. Files outlive actors and nodes: a
lost reducer is run again from them. A partition that exceeds the memory budget is read in key ranges, several passes
over memory-mapped files, and a range that does is merged from sorted runs; the rows and their order are the same either
way.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import StorageError
from pipeline.execution.faults import reach
from pipeline.execution.merge import Run, merge_runs
from pipeline.execution.row_order import RowOrder, UIntArray, leading_words
from pipeline.io.object_path import ObjectFile
from pipeline.io.scratch import fresh_file
from pipeline.io.store import Place, place_of
from pipeline.plan.stages import Partitioning

_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
CHUNK_ROWS: Final = 1 << 16
"""Rows are handed to the partition operator in chunks of at most this many."""
CHUNK_BYTES: Final = 32 << 20
"""And of about so many bytes, where rows are large."""
SAMPLED_KEYS: Final = 1 << 18
"""Of so many keys, about, key ranges are made. They decide speed, never rows."""


@dataclass(frozen=True, slots=True)
class PartitionInput:
    """One partition of an exchange."""

    index: int
    listing: str
    """File that names the map units' files, which lie beside it, in the order of the units."""
    partitioning: Partitioning
    base_rows: int = 0
    """Rows of the base's shard to which the partition goes home; 0 where it does not."""

    def files(self) -> list[Place]:
        """The map units' files."""
        listing = place_of(self.listing)
        try:
            names = listing.read_text().splitlines()
        except FileNotFoundError as error:
            raise _lost("listing", self.listing) from error
        return [listing.parent / name for name in names]


class ExchangeWriter:
    """Writes the rows of one map unit by partition. Rows with a null key meet nobody and stay out.

    Args:
        partitioning: where rows go.
        path: the file to write.
        piece_bytes: about so many bytes of rows are held before they are written. It decides no row and no order.
    """

    def __init__(self, partitioning: Partitioning, path: Path, piece_bytes: int) -> None:
        self._target = partitioning
        self._piece_bytes = piece_bytes
        self._sink = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_file(self._sink, partitioning.schema)
        self._batches: list[pa.RecordBatch] = []
        self._num_bytes = 0
        self._num_pieces = 0
        self.num_rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Takes the columns that travel, for rows that have a key."""
        columns = [batch[name] for name in self._target.schema.names]
        batch = pa.RecordBatch.from_arrays(columns, schema=self._target.schema)
        if batch[self._target.key].null_count:
            batch = batch.filter(pc.is_valid(batch[self._target.key]))
        if not batch.num_rows:
            return
        self._batches.append(batch)
        self.num_rows += batch.num_rows
        self._num_bytes += batch.nbytes
        if self._num_bytes >= self._piece_bytes:
            self._write_piece()

    def close(self) -> None:
        """Ends the file, which has one piece at least."""
        if self._batches or not self._num_pieces:
            self._write_piece()
        self._writer.close()
        self._sink.close()
        reach("exchange.map.closed")

    def _write_piece(self) -> None:
        """One record batch per partition, rows in arrival order."""
        target = self._target
        rows = pa.concat_batches(self._batches) if self._batches else _empty(target.schema)
        self._batches, self._num_bytes = [], 0
        self._num_pieces += 1
        partitions = _partition_of(rows[target.key], target)
        bounds = np.cumsum(np.bincount(partitions, minlength=target.num_partitions))
        narrow = partitions.astype(np.min_scalar_type(target.num_partitions))  # a stable sort of 16 bits is a fast one
        rows = rows.take(pa.array(np.argsort(narrow, kind="stable")))
        start = 0
        for end in bounds.tolist()[: target.num_partitions]:
            self._writer.write_batch(rows.slice(start, end - start))
            start = end


def read_partition(source: PartitionInput, memory_bytes: int, chunk_rows: int = CHUNK_ROWS) -> Iterator[pa.RecordBatch]:
    """The partition's rows in chunks: sorted by key, sort columns and position, or as they arrived.

    Sorting takes about twice `memory_bytes`, and of a key that does not fit into it 4 bytes a row more. Rows in order
    of arrival take none: one file after the other is mapped. Sorting maps all files at once, of which Linux allows
    a process 65,530 (vm.max_map_count).
    """
    reach("exchange.reduce.begin")
    exchange = source.partitioning.exchange
    if exchange is not None and exchange.order == "arrival":
        for path in source.files():
            for part in _slices(path, source):
                yield from _chunks(part, min(chunk_rows, _rows_at_once(part.nbytes, part.num_rows)))
        return
    with _mapped(source) as slices:
        yield from _in_order(slices, source, memory_bytes, chunk_rows)


def _in_order(
    slices: Sequence[pa.RecordBatch], source: PartitionInput, memory_bytes: int, chunk_rows: int
) -> Iterator[pa.RecordBatch]:
    order = RowOrder.of(source.partitioning)
    num_bytes = sum(part.nbytes for part in slices)
    chunk_rows = min(chunk_rows, _rows_at_once(num_bytes, sum(part.num_rows for part in slices)))
    if num_bytes <= memory_bytes:
        yield from _sorted(slices, order, chunk_rows)
        return
    row_bytes = num_bytes / sum(part.num_rows for part in slices)
    key = source.partitioning.key
    for low, high in _ranges([part[key] for part in slices], -int(-2 * num_bytes // memory_bytes)):
        runs = [Run(number, part, _rows_between(part[key], low, high)) for number, part in enumerate(slices)]
        runs = [run for run in runs if len(run.rows)]
        if sum(len(run.rows) for run in runs) * row_bytes <= memory_bytes:
            yield from _sorted([run.batch.take(pa.array(run.rows)) for run in runs], order, chunk_rows)
        else:
            for batch in merge_runs(runs, order, memory_bytes, row_bytes):
                yield from _chunks(batch, chunk_rows)


def _sorted(parts: Sequence[pa.RecordBatch], order: RowOrder, chunk_rows: int) -> Iterator[pa.RecordBatch]:
    """Rows of all parts, copied once to lie together and once more, a chunk at a time, into their order."""
    if not parts:
        return
    rows = pa.concat_batches(parts)
    indices = order.indices(rows)
    for begin in range(0, len(indices), chunk_rows):
        yield rows.take(pa.array(indices[begin : begin + chunk_rows]))


def _rows_at_once(num_bytes: int, num_rows: int) -> int:
    """Rows that fill a chunk, as large as these are on average."""
    return max(1, CHUNK_BYTES * num_rows // max(1, num_bytes))


def _chunks(batch: pa.RecordBatch, chunk_rows: int) -> Iterator[pa.RecordBatch]:
    for begin in range(0, batch.num_rows, chunk_rows):
        yield batch.slice(begin, chunk_rows)


def _ranges(keys: Sequence[pa.Array], num_ranges: int) -> Iterator[tuple[np.uint64, np.uint64]]:
    """Inclusive ranges of keys' leading words that cover all, of about equal numbers of rows as a sample of them says.

    A word that is frequent enough to fill a range of its own gets one.
    """
    step = max(1, sum(map(len, keys)) // SAMPLED_KEYS)
    sample = np.sort(np.concatenate([leading_words(column)[::step] for column in keys]))
    last = sample[np.arange(1, num_ranges) * len(sample) // num_ranges]
    words, counts = np.unique(last, return_counts=True)
    hot = words[counts > 1]
    ends = np.union1d(words, hot[hot > 0] - np.uint64(1))
    low = np.uint64(0)
    top = np.uint64(np.iinfo(np.uint64).max)
    for high in ends[ends < top]:
        yield low, high
        low = high + np.uint64(1)
    yield low, top


def _rows_between(keys: pa.Array, low: np.uint64, high: np.uint64) -> npt.NDArray[np.uint32]:
    words = leading_words(keys)
    return np.flatnonzero((words >= low) & (words <= high)).astype(np.uint32)


def _partition_of(keys: pa.Array, target: Partitioning) -> npt.NDArray[np.int64]:
    words = leading_words(keys)
    if target.exchange is None:
        return (words >> np.uint64(32)).astype(np.int64)
    if target.exchange.placement == "range":
        return _range_of(words, np.uint64(target.num_partitions))
    mixed: UIntArray = words ^ (words >> np.uint64(33))
    mixed = mixed * _MULTIPLIER
    mixed ^= mixed >> np.uint64(29)
    return (mixed % np.uint64(target.num_partitions)).astype(np.int64)


def _range_of(words: UIntArray, count: np.uint64) -> npt.NDArray[np.int64]:
    """Which of `count` equal ranges of 64-bit numbers each word is in: the high word of a product of 128 bits."""
    half = np.uint64(32)
    high = (words >> half) * count
    low = (words & np.uint64(0xFFFFFFFF)) * count
    return ((high + (low >> half)) >> half).astype(np.int64)


def _slices(path: Place, source: PartitionInput) -> Iterator[pa.RecordBatch]:
    """What one file has of the partition, a batch a piece; none without rows."""
    try:
        with pa.memory_map(str(path)) if isinstance(path, Path) else pa.PythonFile(ObjectFile(path)) as file:
            reader = pa.ipc.open_file(file)
            for place in range(source.index, reader.num_record_batches, source.partitioning.num_partitions):
                batch = reader.get_batch(place)
                if batch.num_rows:
                    yield batch
    except FileNotFoundError as error:
        raise _lost("file", path) from error


@contextmanager
def _mapped(source: PartitionInput) -> Iterator[list[pa.RecordBatch]]:
    """The partition's rows in the order of the files, mapped, so that they take memory only while they are looked at.

    From an object store they are copied to this node first, by requests for these rows alone.
    """
    files = source.files()
    if all(isinstance(path, Path) for path in files):
        yield [part for path in files for part in _slices(path, source)]
        return
    gathered = fresh_file()
    try:
        with pa.OSFile(str(gathered), "wb") as sink, pa.ipc.new_file(sink, source.partitioning.schema) as writer:
            for path in files:
                for part in _slices(path, source):
                    writer.write_batch(part)
        with pa.memory_map(str(gathered)) as file:
            reader = pa.ipc.open_file(file)
            yield [reader.get_batch(place) for place in range(reader.num_record_batches)]
    finally:
        gathered.unlink(missing_ok=True)


def _lost(what: str, path: Place | str) -> StorageError:
    return StorageError(f"exchange {what} {str(path)!r}: expected by a commit; not found; run the recipe again")


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)
