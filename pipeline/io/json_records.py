"""Turns JSON lines into columns, with everything that is wrong named per record. Knows nothing of files.

A kernel reads the plain records of a block. All other lines are read one by one here, which is the meaning: the kernel
gives nothing but what would be found here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.document import (
    DOC_ID,
    DOC_ID_TYPE,
    INPUT_ID,
    METADATA,
    SOURCE,
    TEXT,
    TEXT_TYPE,
    IdHasher,
    doc_id_from_input_id,
    doc_ids_from_input_ids,
)
from pipeline.io.json_fields import BIG_INTEGER, BLANK, Fields, LineParser, RejectedRecordError, TypedField, json_kind
from pipeline.io.read_batch import ReadBatch, Rejected, RejectReason
from pipeline.plan.logical import Source

if TYPE_CHECKING:
    from pipeline.io.plain_records import PlainRecords

Rows = TypeVar("Rows", pa.Array, pa.RecordBatch)

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_MAX_KNOWN_NAMES: Final = 4096
"""Spelled names of members that are kept: records share a few dozen; records keyed by value must not fill memory."""
_INTEGERS: Final = ("int64", BIG_INTEGER)
_LONG_STRING: Final = 1 << 20


class _SpelledNames(dict[str, bytes]):
    """JSON spelling of member names, after a comma and before a colon; made on first use."""

    def __missing__(self, name: str) -> bytes:
        if len(self) >= _MAX_KNOWN_NAMES:
            self.clear()
        self[name] = spelled = b"," + msgspec.json.encode(name) + b":"
        return spelled


class RecordDecoder:
    """Turns blocks of lines of one file into batches of documents.

    Columns of `schema` that the source does not declare are null: a step may read sources that differ.
    """

    def __init__(self, source_name: str, relative_path: str, source: Source, schema: pa.Schema) -> None:
        from pipeline.io.plain_records import PlainReader  # noqa: PLC0415 -- it loads Numba, and plans do without

        self.num_records = 0
        self._source_name = source_name
        self._source = source
        self._schema = schema
        self._ids = IdHasher(source_name, relative_path)
        self._parser = LineParser()
        self._texts = msgspec.json.Decoder(str | None)
        self._declared = {name: TypedField(name, kind) for name, kind in source.columns.items()}
        self._consumed = {source.text_column, source.id_column, *source.columns}
        self._with_metadata = METADATA in schema.names
        self._plain = PlainReader(source, with_metadata=self._with_metadata)
        self._spelled_names = _SpelledNames()

    @property
    def num_duplicate_keys(self) -> int:
        """JSON members that a later one of the same name replaced."""
        return self._parser.num_duplicate_keys

    def decode(self, offset: int, block: bytes) -> ReadBatch:
        """The records of a block of lines whose first byte lies at `offset` of the decompressed stream.

        The lines are whole, but for those that are too long.
        """
        is_utf8 = _is_utf8(block)
        plain = self._plain.read(block, is_utf8=is_utf8)
        rows = _Rows(columns={name: [] for name in self._declared})
        for (begin, end), place in zip(plain.other_spans.tolist(), plain.other_places.tolist(), strict=True):
            line, position = block[begin:end], offset + begin
            content = line.removeprefix(BYTE_ORDER_MARK) if position == 0 else line
            if len(line) > self._source.max_document_bytes or content.strip(BLANK):
                self._decode_line(position, line, rows, place, is_utf8=is_utf8)
        batch = self._joined(offset, plain, rows)
        self.num_records += batch.num_records
        return batch

    def _joined(self, offset: int, plain: "PlainRecords", rows: "_Rows") -> ReadBatch:
        """The plain records of a block and the others, in their order."""
        num_records = len(plain.begins) + len(rows.positions)
        positions = plain.begins.astype(np.uint64) + np.uint64(offset)
        rejected = [one.ordinal - self.num_records for one in rows.rejected]
        is_document = np.ones(num_records, np.bool_)
        is_document[rejected] = False
        input_ids = pa.array(rows.input_ids, pa.large_string())
        return ReadBatch(
            documents=_merge(
                self._plain_documents(positions, plain),
                self._documents(rows),
                rows.document_places,
                pa.concat_batches,
            ),
            ordinals=self.num_records + np.flatnonzero(is_document),  # (D,) int64
            num_records=num_records,
            positions=np.insert(positions, rows.places, np.array(rows.positions, np.uint64)),  # (R,)
            input_ids=_merge(plain.input_ids, input_ids, rows.places, pa.concat_arrays),  # (R,)
            rejected=tuple(rows.rejected),
        )

    def _decode_line(self, position: int, line: bytes, rows: "_Rows", place: int, *, is_utf8: bool) -> None:
        """Adds one record, behind `place` plain ones, to `rows`, as a document or as a rejected one."""
        ordinal = self.num_records + place + len(rows.positions)
        rows.positions.append(position)
        rows.places.append(place)
        input_id: str | None = None
        try:
            _check_size(line, self._source.max_document_bytes)
            if not is_utf8:
                _check_utf8(line)
            fields = self._parser.parse(line.removeprefix(BYTE_ORDER_MARK) if position == 0 else line)
            input_id = self._input_id(fields)
            text = self._text(fields)
            values = [column.value(fields.get(name)) for name, column in self._declared.items()]
        except RejectedRecordError as error:
            rows.rejected.append(Rejected(ordinal, position, error.reason, error.detail))
        else:
            rows.document_places.append(place)
            rows.doc_ids.append(self._doc_id(position, input_id))
            rows.document_input_ids.append(input_id)
            rows.texts.append(text)
            for column, value in zip(rows.columns.values(), values, strict=True):
                column.append(value)
            if self._with_metadata:
                rows.metadata.append(self._metadata(fields))
        rows.input_ids.append(input_id)

    def _doc_id(self, position: int, input_id: str | None) -> bytes:
        if self._source.id_from == "column" and input_id is not None:
            return doc_id_from_input_id(self._source_name, input_id)
        return self._ids.at(position)

    def _input_id(self, fields: Fields) -> str | None:
        name = self._source.id_column
        raw = bytes(fields[name]) if name in fields else b"null"
        kind = json_kind(raw)
        if kind == "string":
            text: str | None = self._texts.decode(raw)
            return text
        if kind in _INTEGERS:
            # JSON spells an integer in one way only, but for the zero that may carry a sign.
            return "0" if raw == b"-0" else raw.decode()
        if kind != "null":
            detail = f"column {name!r}: expected string or int64, found {kind}"
            raise RejectedRecordError(RejectReason.WRONG_TYPE, detail)
        if self._source.id_from == "column":
            raise RejectedRecordError(RejectReason.NO_ID, f"column {name!r}: expected an id, found none")
        return None

    def _text(self, fields: Fields) -> str:
        name = self._source.text_column
        raw = fields.get(name)
        if raw is None:
            raise RejectedRecordError(RejectReason.NO_TEXT, f"column {name!r}: expected string, found no such field")
        _expect_memory(raw)
        try:
            text: str | None = self._texts.decode(raw)
        except msgspec.ValidationError as error:
            detail = f"column {name!r}: expected string, found {json_kind(bytes(raw))}"
            raise RejectedRecordError(RejectReason.WRONG_TYPE, detail) from error
        if text is None:
            raise RejectedRecordError(RejectReason.NULL_TEXT, f"column {name!r}: expected string, found null")
        return text

    def _metadata(self, fields: Fields) -> bytes | None:
        """All fields that nothing else reads, as one JSON object; null if there are none."""
        pieces: list[bytes | msgspec.Raw] = []
        for name, value in fields.items():
            if name not in self._consumed:
                pieces += (self._spelled_names[name], value)
        return b"{" + b"".join(pieces)[1:] + b"}" if pieces else None

    def _documents(self, rows: "_Rows") -> pa.RecordBatch:
        columns = {
            DOC_ID: pa.array(rows.doc_ids, DOC_ID_TYPE),
            INPUT_ID: pa.array(rows.document_input_ids, pa.large_string()),
            TEXT: pa.array(rows.texts, TEXT_TYPE),
            **{name: pa.array(rows.columns[name], column.type) for name, column in self._declared.items()},
        }
        if self._with_metadata:
            columns[METADATA] = pa.array(rows.metadata, pa.large_binary()).cast(pa.large_string())
        return self._with_schema(columns, len(rows.texts))

    def _plain_documents(self, positions: npt.NDArray[np.uint64], plain: "PlainRecords") -> pa.RecordBatch:
        if self._source.id_from == "column":
            doc_ids = doc_ids_from_input_ids(self._source_name, plain.input_ids.to_pylist())
        else:
            doc_ids = self._ids.many(positions.tolist())
        columns = {DOC_ID: doc_ids, INPUT_ID: plain.input_ids, TEXT: plain.texts, **plain.columns}
        if self._with_metadata:
            columns[METADATA] = plain.metadata
        return self._with_schema(columns, len(positions))

    def _with_schema(self, columns: dict[str, pa.Array], num_rows: int) -> pa.RecordBatch:
        """Documents of this source: all columns of the schema, in its order."""
        columns[SOURCE] = pa.repeat(pa.scalar(self._source_name, pa.string()), num_rows)
        arrays = [
            columns[field.name] if field.name in columns else pa.nulls(num_rows, field.type) for field in self._schema
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The records of one block that are not plain, while they are collected: R in all, D of them documents."""

    columns: dict[str, list[Any]]  # each (D,); Any: the values of declared columns
    positions: list[int] = field(default_factory=list)  # (R,)
    places: list[int] = field(default_factory=list)  # (R,) how many plain records stand before each
    input_ids: list[str | None] = field(default_factory=list)  # (R,)
    rejected: list[Rejected] = field(default_factory=list)  # (R - D,)
    document_places: list[int] = field(default_factory=list)  # (D,)
    doc_ids: list[bytes] = field(default_factory=list)  # (D,)
    document_input_ids: list[str | None] = field(default_factory=list)  # (D,)
    texts: list[str] = field(default_factory=list)  # (D,)
    metadata: list[bytes | None] = field(default_factory=list)  # (D,)


def _merge(plain: Rows, others: Rows, places: list[int], concatenate: Callable[[list[Rows]], Rows]) -> Rows:
    """All rows in order, where `places` of the plain ones stand before each of the others."""
    pieces: list[Rows] = []
    num_plain = num_others = 0
    for place, neighbours in groupby(places):
        num_neighbours = len(list(neighbours))
        pieces += [plain[num_plain:place], others[num_others : num_others + num_neighbours]]
        num_plain, num_others = place, num_others + num_neighbours
    return concatenate([*pieces, plain[num_plain:]]) if pieces else plain


def _is_utf8(block: bytes) -> bool:
    """Whether a block is UTF-8 throughout; Arrow's check makes no string and runs at memory speed."""
    bounds = pa.py_buffer(np.array([0, len(block)], np.int64))
    try:
        pa.LargeStringArray.from_buffers(1, bounds, pa.py_buffer(block)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _expect_memory(raw: msgspec.Raw) -> None:
    """Raises MemoryError where there is none for a long string: the decoder would end the process instead."""
    num_bytes = len(memoryview(raw))
    if num_bytes >= _LONG_STRING:
        np.empty(4 * num_bytes, np.uint8)  # a character takes 4 bytes at most; nothing is written there


def _check_size(line: bytes, max_bytes: int) -> None:
    if len(line) > max_bytes:
        # The line may lack its end here, so how long it is nobody knows.
        raise RejectedRecordError(RejectReason.TOO_LARGE, f"expected at most {max_bytes} bytes, found more")


def _check_utf8(line: bytes) -> None:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        detail = f"expected UTF-8, found an invalid sequence at byte {error.start} of {len(line)}"
        raise RejectedRecordError(RejectReason.INVALID_UTF8, detail) from error
