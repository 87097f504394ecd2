"""The fields of one JSON line, and what is wrong with it. Knows nothing of other lines."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import msgspec

from pipeline.document import COLUMN_TYPES
from pipeline.io.read_batch import RejectReason

BLANK: Final = b" \t\r"
BIG_INTEGER: Final = "integer beyond int64"
_INT64_MIN: Final = -(1 << 63)
_INT64_MAX: Final = (1 << 63) - 1
_MANY_DIGITS: Final = 40
"""Longer integers are beyond int64 without a look: turning thousands of digits into a number is refused by Python."""
_PYTHON_TYPES: Final[dict[str, type]] = {"string": str, "int64": int, "float64": float, "bool": bool}
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
            found = json_kind(line.strip(BLANK))
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


class TypedField:
    """Reads one declared column; a missing field is null."""

    def __init__(self, name: str, kind: str) -> None:
        self.type = COLUMN_TYPES[kind]
        self._name = name
        self._kind = kind
        self._decoder = msgspec.json.Decoder(_PYTHON_TYPES[kind] | None)

    def value(self, raw: msgspec.Raw | None) -> Any:  # Any: one of the four declared types
        """What a field says.

        Raises:
            RejectedRecordError: it is of another type than declared.
        """
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


def json_kind(raw: bytes) -> str:
    """The type of a JSON value as the messages of rejected records call it."""
    kind = _KINDS.get(raw[:1])
    if kind is not None:
        return kind
    if not raw.removeprefix(b"-").isdigit():
        return "float64"
    is_short = len(raw) < _MANY_DIGITS
    return "int64" if is_short and _INT64_MIN <= int(raw) <= _INT64_MAX else BIG_INTEGER
