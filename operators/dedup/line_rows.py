"""Documents into one row a line, combined so that a line that a shard has often sends few rows under its hash.

Arrays: D documents of a chunk, U of their units.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from operators.dedup.repeated_lines import MIN_WORDS, participating_units, required_columns
from operators.text.characters import character_classes
from operators.text.key_table import KeyTable, count_key, empty_table, find_slot, key_table_for
from operators.text.line_hashes import Units
from operators.text.normalize import load_folding
from operators.text.units import Unit
from pipeline.document import POSITION, POSITION_TYPE
from pipeline.errors import SchemaError
from pipeline.hashing import GOLDEN_RATIO
from pipeline.kernel import kernel
from pipeline.operator import ShardFunction, ShardOperator

LINE: Final = "line"
ORDINAL: Final = "ordinal"
COUNT: Final = "count"
LINE_FIELDS: Final = (
    pa.field(LINE, pa.uint64(), nullable=False),
    pa.field(POSITION, POSITION_TYPE, nullable=False),
    pa.field(ORDINAL, pa.uint32(), nullable=False),
    pa.field(COUNT, pa.uint32(), nullable=False),
)
CHUNK_UNITS: Final = 1 << 18
"""Units that are combined at once: a chunk ends with the document that reaches it. Bounds memory; decides no result."""

_SENT: Final = np.uint32(1 << 31)  # flag of a count: the first of the units that it counts has been met

IndexArray = npt.NDArray[np.int64]
Counts = npt.NDArray[np.uint32]


@kernel
def _combine(
    order: IndexArray, starts: IndexArray, hashes: npt.NDArray[np.uint64], min_count: int, table: KeyTable, out: Counts
) -> None:
    """Writes the count of each unit's row, (U,).

    `order`, (D,), are the documents as survivors are chosen; `starts`, (D + 1,), their first units.
    A hash that the chunk has `min_count` times or more is repeated whatever other chunks hold: its first unit counts
    for all of them, and the others, which go in any case, count 0. Any other unit counts 1.
    """
    mask, stamp = empty_table(np.uintp(hashes.shape[0]), table)
    for index in range(hashes.shape[0]):
        count_key(hashes[np.uintp(index)], mask, stamp, table)
    for document in order:
        d = np.uintp(document)
        for index in range(np.uintp(starts[d]), np.uintp(starts[d + np.uintp(1)])):
            u = np.uintp(index)
            slot = find_slot(hashes[u], mask, stamp, table)
            count = table.counts[slot]
            if count & _SENT:
                out[u] = np.uint32(0)
            elif np.int64(count) < min_count:
                out[u] = np.uint32(1)
            else:
                out[u] = count
                table.counts[slot] = count | _SENT


class LineRows(ShardOperator):
    """Yields one row for each line, or paragraph, that takes part.

    Lines take part that have at least `min_words` words, are outside of code fences (``` or ~~~, as in Markdown), and
    belong to no document that `code_column` marks. Of a paragraph no line may be in a fence.

    Columns:
        text, position, the columns of `order_by`, `code_column`: read.
        line: written; 64-bit hash of the normalised line. Of rows with count 0 a number made of the position, so that
            they spread over partitions.
        position, ordinal: written; the document, and the number of the line in it, from 0, blank lines included.
        count: written; how many lines the row stands for: 1, or at least `min_count` for the first of them in a chunk.
            0 for the others of those, which are repeated for certain.
        The columns of `order_by`: as they are.

    Determinism:
        Exact. Of 10^10 different lines about 3 pairs share a hash.

    Raises:
        SchemaError: the view lacks a column of `order_by`.

    Source:
        Normalisation as for paragraphs in CCNet (Wenzek et al. 2019, arXiv 1911.00359, section 3.1): lower case,
        numbers as one, no punctuation, no accents; hashes of 64 bits. Unlike there, lines that differ in a digit are
        different, and deduplication is over the whole corpus, not over one part of it.

    Cost:
        One pass over the text at about 200 MB/s; 24 bytes and the sort columns a row go through the exchange; no text
        does. A line of every document sends its hash `min_count` - 1 times a chunk of 2^18 lines at most.
    """

    name: ClassVar[str] = "line_rows"

    unit: Unit = "line"
    min_words: int = Field(default=MIN_WORDS, ge=1)
    min_count: int = Field(default=2, ge=2)
    order_by: tuple[str, ...] = ()
    """Columns that say which document's line stays: the first. `-` before a name: largest first; then position."""
    code_column: str | None = None
    """A bool column that is true for documents that are code, which are left alone."""

    def requires(self) -> pa.Schema:
        """The text, whose it is, and whether it is code."""
        return pa.schema([*required_columns(self.code_column), pa.field(POSITION, POSITION_TYPE, nullable=False)])

    def output_schema(self, given: pa.Schema) -> pa.Schema:
        """Lines, and what orders them."""
        missing = sorted(set(self._ways()) - set(given.names))
        if missing:
            raise SchemaError(
                f"{self.name}: expected the columns of order_by; {missing} are not there; available: {given.names}"
            )
        return pa.schema([*LINE_FIELDS, *(given.field(name) for name in self._ways() if name != POSITION)])

    def open(self) -> ShardFunction:
        """Loads the tables of characters."""
        load_folding()
        character_classes()

        def rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            table = key_table_for(CHUNK_UNITS)
            for documents, units in _chunks(self._found(batch) for batch in batches):
                if len(units.hashes) > len(table.keys) // 2:  # a document that is longer than a chunk
                    table = key_table_for(len(units.hashes))
                yield self._rows(documents, units, table)

        return rows

    def _ways(self) -> dict[str, str]:
        """The columns of `order_by` and their directions; a column counts where it first stands."""
        ways: dict[str, str] = {}
        for key in self.order_by:
            ways.setdefault(key.removeprefix("-"), "descending" if key.startswith("-") else "ascending")
        return ways

    def _found(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, Units]:
        units = participating_units(batch, unit=self.unit, min_words=self.min_words, code_column=self.code_column)
        return batch.select(list({POSITION: None, **self._ways()})), units

    def _rows(self, documents: pa.RecordBatch, units: Units, table: KeyTable) -> pa.RecordBatch:
        sort_keys = [(name, way, "at_end") for name, way in {**self._ways(), POSITION: "ascending"}.items()]
        order = pc.sort_indices(documents, sort_keys=sort_keys).to_numpy()
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(units.num_units)])
        counts = np.empty(len(units.hashes), np.uint32)
        _combine(order.astype(np.int64), starts, units.hashes, self.min_count, table, counts)
        travelling = documents.take(pa.array(np.repeat(np.arange(documents.num_rows), units.num_units)))
        positions = travelling.column(POSITION).to_numpy()
        keys = np.where(counts == 0, positions * GOLDEN_RATIO, units.hashes)
        made = {LINE: keys, ORDINAL: units.ordinals, COUNT: counts}
        schema = self.output_schema(documents.schema)
        columns = [pa.array(made[name]) if name in made else travelling.column(name) for name in schema.names]
        return pa.RecordBatch.from_arrays(columns, schema=schema)


def _chunks(parts: Iterator[tuple[pa.RecordBatch, Units]]) -> Iterator[tuple[pa.RecordBatch, Units]]:
    """The same documents, cut behind each that makes CHUNK_UNITS full: the same chunks for any batches."""
    waiting: list[tuple[pa.RecordBatch, Units]] = []
    num_units = 0
    for documents, units in parts:
        ends = np.cumsum(units.num_units)
        first = taken = 0
        while first < documents.num_rows:
            full = int(np.searchsorted(ends, taken + CHUNK_UNITS - num_units)) + 1
            stop = min(full, documents.num_rows)
            end = int(ends[stop - 1])
            part = Units(units.hashes[taken:end], units.ordinals[taken:end], units.num_units[first:stop])
            waiting.append((documents.slice(first, stop - first), part))
            num_units += end - taken
            first, taken = stop, end
            if num_units >= CHUNK_UNITS:
                yield _joined(waiting)
                waiting, num_units = [], 0
    if num_units:
        yield _joined(waiting)


def _joined(parts: list[tuple[pa.RecordBatch, Units]]) -> tuple[pa.RecordBatch, Units]:
    table = pa.Table.from_batches([documents for documents, _ in parts]).combine_chunks()
    return table.to_batches()[0], Units(*map(np.concatenate, zip(*(units for _, units in parts), strict=True)))
