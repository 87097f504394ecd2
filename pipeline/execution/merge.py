"""Sorted rows of many map files with bounded memory, where they do not fit into it at once: a merge by blocks.

Each file's rows are a sorted run, as an array of row numbers over the file's mapped memory. Runs are cut into blocks,
and all blocks ordered by their first rows. Loading blocks in that order, every row that comes before the first row of
the next block is final: what is not loaded yet comes later. K runs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.execution.row_order import IndexArray, RowOrder

RowArray = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Run:
    """Rows of one map file that take part. In `rows`, their numbers in `batch`; 4 bytes of memory a row."""

    number: int
    batch: pa.RecordBatch
    rows: RowArray

    def first_rows(self, block_rows: int, order: RowOrder) -> tuple[pa.RecordBatch, IndexArray]:
        """Of every block the first row, in the columns that `order` compares, and its ordinal."""
        rows = self.rows[::block_rows]
        return self.batch.select(order.names).take(pa.array(rows)), self._ordinals(rows)

    def load(self, start: int, stop: int) -> tuple[pa.RecordBatch, IndexArray]:
        """Rows `start` to `stop` of the run, and their ordinals."""
        rows = self.rows[start:stop]
        return self.batch.take(pa.array(rows)), self._ordinals(rows)

    def _ordinals(self, rows: RowArray) -> IndexArray:
        """What orders rows that are equal otherwise: file, then row."""
        return np.int64(self.number << 32) | rows.astype(np.int64)


def merge_runs(runs: Sequence[Run], order: RowOrder, memory_bytes: int, row_bytes: float) -> Iterator[pa.RecordBatch]:
    """All rows in order. `runs` hold their rows in any order; `row_bytes` is what a row takes on average.

    Blocks are so small that K of them fill a quarter of the memory: rows that wait are of the last block of a run.
    Half of the memory is loaded at a time.
    """
    runs = [_sorted_run(run, order) for run in runs]
    block_rows = max(1, int(memory_bytes / (4 * len(runs) * row_bytes)))
    round_blocks = max(1, int(memory_bytes / (2 * block_rows * row_bytes)))
    blocks = [(run, start) for run in runs for start in range(0, len(run.rows), block_rows)]
    sequence = order.indices(*_joined([run.first_rows(block_rows, order) for run in runs]))
    held: list[tuple[pa.RecordBatch, IndexArray]] = []
    for at in range(0, len(sequence), round_blocks):
        loading = [blocks[index] for index in sequence[at : at + round_blocks]]
        following = [blocks[index] for index in sequence[at + round_blocks : at + round_blocks + 1]]
        held += [run.load(start, start + block_rows) for run, start in loading]
        held += [run.load(start, start + 1) for run, start in following]
        rows, ordinals = _joined(held)
        indices = order.indices(rows, ordinals)
        # The row that follows was joined last: what stands before it is final, and itself it comes with its block.
        cut = int(np.flatnonzero(indices == len(indices) - 1)[0]) if following else len(indices)
        yield rows.take(pa.array(indices[:cut]))
        waiting = indices[cut + 1 :]
        held = [(rows.take(pa.array(waiting)), ordinals[waiting])]


def _sorted_run(run: Run, order: RowOrder) -> Run:
    deciding = run.batch.select(order.names).take(pa.array(run.rows))
    return Run(run.number, run.batch, run.rows[order.indices(deciding)])


def _joined(parts: Sequence[tuple[pa.RecordBatch, IndexArray]]) -> tuple[pa.RecordBatch, IndexArray]:
    return pa.concat_batches([batch for batch, _ in parts]), np.concatenate([ordinals for _, ordinals in parts])
