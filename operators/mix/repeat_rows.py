"""Expands rows: each stands as often as a column says, and every copy is a document of its own."""

from collections.abc import Iterator
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from operators.mix.drop_unchosen import REPETITIONS, REPETITIONS_TYPE
from pipeline.document import DOC_ID, DOC_ID_TYPE, PARENT_DOC_ID, derived_doc_ids
from pipeline.errors import OperatorError, SchemaError
from pipeline.operator import ShardFunction, ShardOperator

CHUNK_BYTES: Final = 32 << 20
"""Copies are made so many bytes at a time, however often a row stands."""

Numbers = npt.NDArray[np.int64]


class RepeatRows(ShardOperator):
    """Each row as often as `column` says: the row itself, then its copies, right behind it.

    A copy has the id that its original's id and its number give (`derived_doc_id`), so no id is there twice, and the
    same copy has the same id in every build. The original keeps its id.

    Columns:
        reads doc_id and `column` (int32, at least 1).
        writes all columns that it is given but `column`, and parent_doc_id (16 bytes, never null): the id of the
        original, which is the row's own in the original itself.

    Determinism:
        EXACT.

    Raises:
        SchemaError: the rows have a parent_doc_id already.
        OperatorError: a row is to stand less than once. `drop_unchosen` drops such rows, and says so in the ledger.

    Source:
        None.

    Cost:
        A copy of the rows, and about a microsecond for the id of each copy. A shard grows with its copies; memory does
        not.
    """

    name: ClassVar[str] = "repeat_rows"

    column: str = REPETITIONS

    def requires(self) -> pa.Schema:
        """Whose rows they are, and how often they are to stand."""
        return pa.schema([pa.field(DOC_ID, DOC_ID_TYPE, nullable=False), pa.field(self.column, REPETITIONS_TYPE)])

    def output_schema(self, given: pa.Schema) -> pa.Schema:
        """The columns without the number, and the original's id."""
        if PARENT_DOC_ID in given.names:
            raise SchemaError(
                f"{self.name}: expected rows that were not repeated before; found a column {PARENT_DOC_ID!r}; "
                "leave it out of `columns` where they were written"
            )
        kept = [field for field in given if field.name != self.column]
        return pa.schema([*kept, pa.field(PARENT_DOC_ID, DOC_ID_TYPE, nullable=False)])

    def open(self) -> ShardFunction:
        """Returns the expansion of one shard."""

        def repeat(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                schema = self.output_schema(batch.schema)
                for rows, ordinals in chosen_rows(self._times(batch), rows_at_once(batch)):
                    yield _copies(batch, rows, ordinals, schema)

        return repeat

    def _times(self, batch: pa.RecordBatch) -> Numbers:
        """(D,) how often each row is to stand."""
        times: Numbers = batch.column(self.column).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        if times.size and times.min() < 1:
            raise OperatorError(
                f"{self.name}: expected {self.column!r} to be at least 1; found {times.min()}; put drop_unchosen "
                "before, or bind the removals of the step that chose"
            )
        return times


def chosen_rows(times: Numbers, at_once: int) -> Iterator[tuple[Numbers, Numbers]]:
    """For D rows that stand `times` often each: row numbers and the copies' numbers, at most `at_once` at a time."""
    ends = np.cumsum(times)
    for begin in range(0, int(ends[-1]) if len(ends) else 0, at_once):
        places = np.arange(begin, min(begin + at_once, int(ends[-1])))
        rows = np.searchsorted(ends, places, side="right")
        yield rows, places - (ends - times)[rows]


def rows_at_once(batch: pa.RecordBatch) -> int:
    """So many rows as large as the batch's largest one fill CHUNK_BYTES; at least one."""
    if batch.num_rows == 0:
        return 1
    return int(max(1, CHUNK_BYTES // max(1, sum(_largest_value(column) for column in batch.columns))))


def _largest_value(column: pa.Array) -> int:
    """Bytes of the largest value of a column, or more."""
    kind = column.type
    if pa.types.is_large_list(kind) or pa.types.is_list(kind):
        inner = column.flatten()
        width = -(-inner.nbytes // max(1, len(inner))) if pa.types.is_primitive(kind.value_type) else 0
        return int((pc.max(pc.list_value_length(column)).as_py() or 0) * width) if width else int(column.nbytes)
    if any(is_kind(kind) for is_kind in (pa.types.is_string, pa.types.is_large_string, pa.types.is_large_binary)):
        return int(pc.max(pc.binary_length(column)).as_py() or 0)
    if pa.types.is_primitive(kind) or pa.types.is_fixed_size_binary(kind) or pa.types.is_fixed_size_list(kind):
        return int(-(-column.nbytes // len(column)))
    return int(column.nbytes)


def _copies(batch: pa.RecordBatch, rows: Numbers, ordinals: Numbers, schema: pa.Schema) -> pa.RecordBatch:
    """The rows of these numbers, each with the id of its copy."""
    is_whole = len(rows) == batch.num_rows and not ordinals.any()
    taken = batch if is_whole else batch.take(pa.array(rows))
    parents = taken.column(DOC_ID)
    columns = {name: taken.column(name) for name in taken.schema.names}
    columns |= {DOC_ID: _ids(parents, ordinals), PARENT_DOC_ID: parents}
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def _ids(parents: pa.Array, ordinals: Numbers) -> pa.Array:
    """The parents' ids, and derived ones for copies."""
    is_copy = ordinals > 0
    if not is_copy.any():
        return parents
    derived = derived_doc_ids(parents.filter(pa.array(is_copy)).to_pylist(), ordinals[is_copy].tolist())
    return pc.replace_with_mask(parents, pa.array(is_copy), derived)
