"""Turns JSON lines into columns, with everything that is wrong named per record. Knows nothing of files."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from pipeline.document import (
    COLUMN_TYPES,
    DOC_ID,
    DOC_ID_TYPE,
    INPUT_ID,
    METADATA,
    SOURCE,
    TEXT,
    TEXT_TYPE,
    IdHasher,
    doc_id_from_input_id,
)
from pipeline.io.read_batch import ReadBatch, Rejected, RejectReason
from pipeline.plan.logical import Source

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_BLANK: Final = b" \t\r"
_MAX_KNOWN_NAMES: Final = 4096
"""Spelled names of members that are kept: records share a few dozen; records keyed by value must not fill memory."""
_INT64_MIN: Final = -(1 << 63)
_INT64_MAX: Final = (1 << 63) - 1
_MANY_DIGITS: Final = 40
"""Longer integers are beyond int64 without a look: turning thousands of digits into a number is refused by Python."""
_BIG_INTEGER: Final = "integer beyond int64"
_INTEGERS: Final = ("int64", _BIG_INTEGER)
_PYTHON_TYPES: Final[dict[str, type]] = {"string": str, "int64": int, "float64": float, "bool": bool}
_LONG_STRING: Final = 1 << 20
_KINDS: Final = {b'"': "string", b"{": "object", b"[": "array", b"t": "bool", b"f": "bool", b"n": "null"}


class RejectedRecordError(Exception):
    """One record is no document. Caught where records are collected; never leaves the reader."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class _Member(str):
    """The name of one JSON member. Equal to itself alone, so a dict keeps members of the same name apart."""

    __slots__ = ()
    __eq__ = object.__eq__
    __hash__ = object.__hash__


Members = dict[_Member, msgspec.Raw]
Fields = dict[str, msgspec.Raw]
"""Values as they are spelled in the input, by name, in the order of the record."""


class _SpelledNames(dict[str, bytes]):
    """JSON spelling of member names, after a comma and before a colon; made on first use."""

    def __missing__(self, name: str) -> bytes:
        if len(self) >= _MAX_KNOWN_NAMES:
            self.clear()
        self[name] = spelled = b"," + msgspec.json.encode(name) + b":"
        return spelled


class LineParser:
    """Checks one line whole and gives its members, their values as they are spelled.

    Of members with one name the last wins; `num_duplicate_keys` counts the others.
    """

    def __init__(self) -> None:
        self.num_duplicate_keys = 0
        self._decoder = msgspec.json.Decoder(Members, dec_hook=str.__new__)

    def parse(self, line: bytes) -> Fields:
        """The record's fields.

        Raises:
            RejectedRecordError: the line is not one JSON object.
        """
        try:
            members = self._decode(line)
        except msgspec.ValidationError as error:
            found = json_kind(line.strip(_BLANK))
            raise RejectedRecordError(RejectReason.NOT_AN_OBJECT, f"expected a JSON object, found {found}") from error
        except msgspec.DecodeError as error:
            # The decoder's messages name a byte and a rule, never content.
            raise RejectedRecordError(RejectReason.INVALID_JSON, str(error)) from error
        except RecursionError as error:
            raise RejectedRecordError(RejectReason.INVALID_JSON, "JSON nests too deeply") from error
        fields = dict(zip(map(str, members), members.values(), strict=True))
        self.num_duplicate_keys += len(members) - len(fields)
        return fields

    def _decode(self, line: bytes) -> Members:
        try:
            return self._decoder.decode(line)
        except RecursionError:
            # How deep a record may nest must not depend on how deep the caller runs: a new thread has an empty stack.
            with ThreadPoolExecutor(1) as pool:
                return pool.submit(self._decoder.decode, line).result()


class RecordDecoder:
    """Turns blocks of lines of one file into batches of documents.

    Columns of `schema` that the source does not declare are null: a step may read sources that differ.
    """

    def __init__(self, source_name: str, relative_path: str, source: Source, schema: pa.Schema) -> None:
        self.num_records = 0
        self._source_name = source_name
        self._source = source
        self._schema = schema
        self._ids = IdHasher(source_name, relative_path)
        self._parser = LineParser()
        self._texts = msgspec.json.Decoder(str | None)
        self._declared = {name: _TypedField(name, kind) for name, kind in source.columns.items()}
        self._consumed = {source.text_column, source.id_column, *source.columns}
        self._with_metadata = METADATA in schema.names
        self._spelled_names = _SpelledNames()

    @property
    def num_duplicate_keys(self) -> int:
        """JSON members that a later one of the same name replaced."""
        return self._parser.num_duplicate_keys

    def decode(self, offset: int, block: bytes) -> ReadBatch:
        """The records of a block of lines whose first byte lies at `offset` of the decompressed stream.

        The lines are whole, but for those that are too long.
        """
        rows = _Rows(columns={name: [] for name in self._declared})
        is_utf8 = _is_utf8(block)
        for line in block.split(b"\n"):
            content = line.removeprefix(BYTE_ORDER_MARK) if offset == 0 else line
            if len(line) > self._source.max_document_bytes or content.strip(_BLANK):
                self._decode_line(offset, line, rows, is_utf8=is_utf8)
            offset += len(line) + 1
        batch = ReadBatch(
            documents=self._documents(rows),
            ordinals=np.array(rows.ordinals, np.int64),  # (D,)
            num_records=len(rows.positions),
            positions=np.array(rows.positions, np.uint64),  # (R,)
            input_ids=pa.array(rows.input_ids, pa.large_string()),  # (R,)
            rejected=tuple(rows.rejected),
        )
        self.num_records += batch.num_records
        return batch

    def _decode_line(self, position: int, line: bytes, rows: "_Rows", *, is_utf8: bool) -> None:
        """Adds one record to `rows`, as a document or as a rejected one."""
        ordinal = self.num_records + len(rows.positions)
        rows.positions.append(position)
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
            rows.ordinals.append(ordinal)
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
        num_rows = len(rows.texts)
        columns = {
            DOC_ID: pa.array(rows.doc_ids, DOC_ID_TYPE),
            INPUT_ID: pa.array(rows.document_input_ids, pa.large_string()),
            SOURCE: pa.repeat(pa.scalar(self._source_name, pa.string()), num_rows),
            TEXT: pa.array(rows.texts, TEXT_TYPE),
            **{name: pa.array(rows.columns[name], column.type) for name, column in self._declared.items()},
        }
        if self._with_metadata:
            columns[METADATA] = pa.array(rows.metadata, pa.large_binary()).cast(pa.large_string())
        arrays = [
            columns[field.name] if field.name in columns else pa.nulls(num_rows, field.type) for field in self._schema
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)


class _TypedField:
    """Reads one declared column; a missing field is null."""

    def __init__(self, name: str, kind: str) -> None:
        self.type = COLUMN_TYPES[kind]
        self._name = name
        self._kind = kind
        self._decoder = msgspec.json.Decoder(_PYTHON_TYPES[kind] | None)

    def value(self, raw: msgspec.Raw | None) -> Any:  # Any: one of the four declared types
        if raw is None:
            return None
        try:
            value = self._decoder.decode(raw)
        except msgspec.ValidationError as error:
            raise self._wrong_type(raw) from error
        if self._kind == "int64" and value is not None and not _INT64_MIN <= value <= _INT64_MAX:
            raise self._wrong_type(raw)
        return value

    def _wrong_type(self, raw: msgspec.Raw) -> RejectedRecordError:
        detail = f"column {self._name!r}: expected {self._kind}, found {json_kind(bytes(raw))}"
        return RejectedRecordError(RejectReason.WRONG_TYPE, detail)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The records of one block while they are collected: R in all, D of them documents."""

    columns: dict[str, list[Any]]  # each (D,); Any: the values of declared columns
    positions: list[int] = field(default_factory=list)  # (R,)
    input_ids: list[str | None] = field(default_factory=list)  # (R,)
    rejected: list[Rejected] = field(default_factory=list)  # (R - D,)
    ordinals: list[int] = field(default_factory=list)  # (D,)
    doc_ids: list[bytes] = field(default_factory=list)  # (D,)
    document_input_ids: list[str | None] = field(default_factory=list)  # (D,)
    texts: list[str] = field(default_factory=list)  # (D,)
    metadata: list[bytes | None] = field(default_factory=list)  # (D,)


def json_kind(raw: bytes) -> str:
    """The type of a JSON value as the messages of rejected records call it."""
    kind = _KINDS.get(raw[:1])
    if kind is not None:
        return kind
    if not raw.removeprefix(b"-").isdigit():
        return "float64"
    is_short = len(raw) < _MANY_DIGITS
    return "int64" if is_short and _INT64_MIN <= int(raw) <= _INT64_MAX else _BIG_INTEGER


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
