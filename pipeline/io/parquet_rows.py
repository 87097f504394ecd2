"""Turns decoded Parquet rows into documents, with everything that is wrong named per row.

Checks run on whole columns; only when one fails are rows looked at, by bisection.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.document import (
    COLUMN_TYPES,
    DOC_ID,
    INPUT_ID,
    SOURCE,
    TEXT,
    TEXT_TYPE,
    IdHasher,
    doc_ids_from_input_ids,
)
from pipeline.io.parquet_footer import document_columns
from pipeline.io.read_batch import ReadBatch, Rejected, RejectReason
from pipeline.io.storage import InputFile
from pipeline.plan.logical import Source

Rows = npt.NDArray[np.int64]


class RowDecoder:
    """Turns rows of one file into batches of documents of `schema`; columns that the file lacks are null.

    Whoever asks for doc_ids reads the records for the first time: then the text, the id and declared columns are
    checked, whether `schema` has them or not. Otherwise only the columns of `schema` are.
    """

    def __init__(self, file: InputFile, source: Source, file_schema: pa.Schema, schema: pa.Schema) -> None:
        self._file = file
        self._source = source
        self._schema = schema
        self._columns = document_columns(file_schema, source)
        self._ids = IdHasher(file.source, file.relative_path)
        checked = {TEXT, INPUT_ID, *source.columns} if DOC_ID in schema.names else set()
        self._used = {name: column for name, column in self._columns.items() if name in checked | set(schema.names)}

    @property
    def file_columns(self) -> list[str]:
        """The file's columns that have to be decoded: one at least, since it tells the number of rows."""
        return list(dict.fromkeys(self._used.values())) or [self._source.text_column]

    def decode(self, rows: pa.RecordBatch, position: int, ordinal: int) -> ReadBatch:
        """The documents among R rows; the first is row `position` of the file and the `ordinal`-th of the split."""
        rejections = _Rejections(rows.num_rows)
        self._reject_bytes(rows, rejections)
        input_ids = self._input_ids(rows, rejections)  # (R,)
        self._reject_nulls(rows, input_ids, rejections)
        self._reject_large(rows, rejections)
        self._reject_types(rows, rejections)
        kept = rejections.kept()  # (D,)
        sound_ids = input_ids
        if len(kept) < rows.num_rows:
            places = pa.array(kept, pa.int64())
            rows, sound_ids = rows.take(places), input_ids.take(places)
        return ReadBatch(
            documents=self._documents(rows, kept + position, sound_ids),
            ordinals=kept + ordinal,
            num_records=len(input_ids),
            positions=np.arange(position, position + len(input_ids), dtype=np.uint64),
            input_ids=input_ids,
            rejected=rejections.in_order(position, ordinal),
        )

    def lost(self, num_rows: int, position: int, ordinal: int, detail: str) -> ReadBatch:
        """R rows that their row group does not give: records that are rejected; places as in `decode`."""
        rejections = _Rejections(num_rows)
        rejections.add(np.arange(num_rows), RejectReason.DAMAGED, detail)
        return ReadBatch(
            documents=pa.RecordBatch.from_pylist([], schema=self._schema),
            ordinals=np.empty(0, np.int64),
            num_records=num_rows,
            positions=np.arange(position, position + num_rows, dtype=np.uint64),
            input_ids=pa.nulls(num_rows, pa.large_string()),
            rejected=rejections.in_order(position, ordinal),
        )

    def _reject_bytes(self, rows: pa.RecordBatch, rejections: "_Rejections") -> None:
        """Rejects rows with strings that are not UTF-8; Parquet files promise it, and writers break the promise."""
        for name in self._used.values():
            detail = f"column {name!r}: expected UTF-8, found other bytes"
            rejections.add(_failing(rows.column(name), _check_content), RejectReason.INVALID_UTF8, detail)
        if TEXT in self._used and not _is_string(rows.column(self._source.text_column)):
            detail = f"column {self._source.text_column!r}: expected UTF-8, found other bytes"
            text = rejections.masked(rows.column(self._source.text_column))
            rejections.add(_failing(text, _cast_to(TEXT_TYPE)), RejectReason.INVALID_UTF8, detail)

    def _input_ids(self, rows: pa.RecordBatch, rejections: "_Rejections") -> pa.Array:
        """(R,) large_string; null where the id is null or not UTF-8."""
        name = self._used.get(INPUT_ID)
        if name is None:
            return pa.nulls(rows.num_rows, pa.large_string())
        return rejections.masked(rows.column(name)).cast(pa.large_string())

    def _reject_nulls(self, rows: pa.RecordBatch, input_ids: pa.Array, rejections: "_Rejections") -> None:
        if self._source.id_from == "column" and INPUT_ID in self._used:
            detail = f"column {self._source.id_column!r}: expected an id, found none"
            rejections.add(_nulls(input_ids), RejectReason.NO_ID, detail)
        if TEXT in self._used:
            detail = f"column {self._source.text_column!r}: expected string, found null"
            rejections.add(_nulls(rows.column(self._source.text_column)), RejectReason.NULL_TEXT, detail)

    def _reject_large(self, rows: pa.RecordBatch, rejections: "_Rejections") -> None:
        limit = self._source.max_document_bytes
        # All texts together rarely reach the limit of one.
        if TEXT not in self._used or rows.column(self._source.text_column).nbytes <= limit:
            return
        texts = rejections.masked(rows.column(self._source.text_column)).cast(TEXT_TYPE)
        num_bytes = pc.fill_null(pc.binary_length(texts), 0).to_numpy()  # (R,)
        detail = f"column {self._source.text_column!r}: expected at most {limit} bytes, found more"
        rejections.add(np.flatnonzero(num_bytes > limit).astype(np.int64), RejectReason.TOO_LARGE, detail)

    def _reject_types(self, rows: pa.RecordBatch, rejections: "_Rejections") -> None:
        for name, kind in self._source.columns.items():
            if name not in self._used:
                continue
            column = rejections.masked(rows.column(name))
            detail = f"column {name!r}: expected {kind}, found {column.type}"
            rejections.add(_failing(column, _cast_to(COLUMN_TYPES[kind])), RejectReason.WRONG_TYPE, detail)

    def _documents(self, rows: pa.RecordBatch, positions: Rows, input_ids: pa.Array) -> pa.RecordBatch:
        """The documents of D sound rows."""
        made = {INPUT_ID: input_ids}
        for field in self._schema:
            if field.name == DOC_ID:
                made[DOC_ID] = self._doc_ids(positions, input_ids)
            elif field.name == SOURCE:
                made[SOURCE] = pa.repeat(pa.scalar(self._file.source, pa.string()), rows.num_rows)
            elif field.name in self._used and field.name not in made:
                made[field.name] = rows.column(self._used[field.name]).cast(field.type)
        arrays = [
            made[field.name] if field.name in made else pa.nulls(rows.num_rows, field.type) for field in self._schema
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _doc_ids(self, positions: Rows, input_ids: pa.Array) -> pa.Array:
        if self._source.id_from == "column":
            return doc_ids_from_input_ids(self._file.source, map(str, input_ids.to_pylist()))
        return self._ids.many(positions.tolist())


class _Rejections:
    """The first thing that is wrong with each of R rows."""

    def __init__(self, num_rows: int) -> None:
        self._found: dict[int, tuple[RejectReason, str]] = {}
        self._num_rows = num_rows

    def add(self, rows: Rows, reason: RejectReason, detail: str) -> None:
        for row in rows.tolist():
            self._found.setdefault(row, (reason, detail))

    def kept(self) -> Rows:
        """(D,) the rows with nothing wrong."""
        is_kept = np.ones(self._num_rows, np.bool_)
        is_kept[list(self._found)] = False
        return np.flatnonzero(is_kept).astype(np.int64)

    def masked(self, column: pa.Array) -> pa.Array:
        """The column with nulls where a row is rejected already, so that its bytes reach no conversion."""
        if not self._found:
            return column
        places: list[int | None] = list(range(self._num_rows))
        for row in self._found:
            places[row] = None
        return column.take(pa.array(places, pa.int64()))

    def in_order(self, position: int, ordinal: int) -> tuple[Rejected, ...]:
        return tuple(
            Rejected(ordinal + row, position + row, reason, detail)
            for row, (reason, detail) in sorted(self._found.items())
        )


def _is_string(column: pa.Array) -> bool:
    """Whether `_check_content` has looked at the column's bytes as UTF-8."""
    return bool(pa.types.is_string(column.type) or pa.types.is_large_string(column.type))


def _nulls(column: pa.Array) -> Rows:
    return np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False)).astype(np.int64)


def _cast_to(kind: pa.DataType) -> Callable[[pa.Array], object]:
    return lambda column: column.cast(kind)


def _check_content(column: pa.Array) -> None:
    column.validate(full=True)


def _failing(column: pa.Array, check: Callable[[pa.Array], object]) -> Rows:
    """The rows of a column for which `check` raises ArrowInvalid, found by halving."""
    failing: list[int] = []
    waiting = [range(len(column))]
    while waiting:
        rows = waiting.pop()
        try:
            # A taken copy holds these rows alone: checks of nested columns look at all bytes behind a slice.
            check(column if len(rows) == len(column) else column.take(pa.array(rows, pa.int64())))
        except pa.ArrowInvalid:
            if len(rows) == 1:
                failing.append(rows[0])
            else:
                middle = len(rows) // 2
                waiting += [rows[middle:], rows[:middle]]
    return np.array(failing, np.int64)
