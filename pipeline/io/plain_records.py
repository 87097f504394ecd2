"""The plain records of blocks of JSON lines as Arrow columns, without an object for any of them.

Dimension letters: N names, P plain records, O other lines.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.byte_blocks import HIGHS
from pipeline.document import COLUMN_TYPES
from pipeline.hashing import hash_blocks
from pipeline.io.json_strings import SPILL
from pipeline.io.json_values import BOOLEAN, INTEGER, NULL, NUMBER, STRING
from pipeline.io.plain_lines import MAX_MEMBERS, Found, Spans, Wanted, read_lines
from pipeline.kernel import Offsets
from pipeline.plan.logical import Source

LEAST_RECORD: Final = 8
"""Bytes of the shortest plain record, `{"":""}` and its end."""
LEAST_OTHER: Final = 2

_KINDS: Final = {"string": STRING, "int64": INTEGER, "float64": INTEGER | NUMBER, "bool": BOOLEAN}
_LISTS: Final[dict[str, Any]] = {  # Any: types
    "string": list[str | None],
    "int64": list[int | None],
    "float64": list[float | None],
    "bool": list[bool | None],
}


@dataclass(frozen=True, slots=True)
class PlainRecords:
    """The P plain records of a block, as columns, and where the lines are that are left to others."""

    begins: Offsets  # (P,) first bytes of their lines
    texts: pa.Array  # (P,) large_string
    input_ids: pa.Array  # (P,) large_string
    metadata: pa.Array  # (P,) large_string; null unless it is wanted
    columns: dict[str, pa.Array]  # each (P,)
    other_spans: Spans  # (O, 2) of lines that are not blank
    other_places: Offsets  # (O,) how many plain records stand before each


class PlainReader:
    """Finds the plain records of blocks of lines of one source."""

    def __init__(self, source: Source, *, with_metadata: bool) -> None:
        self._max_line_bytes = np.uintp(source.max_document_bytes)
        self._kinds = _kinds(source)
        self._wanted = _wanted(source, self._kinds, with_metadata=with_metadata)
        self._columns = [(name, list(self._kinds).index(name), kind) for name, kind in source.columns.items()]

    def read(self, block: bytes, *, is_utf8: bool) -> PlainRecords:
        """The plain records of a block; where it is not UTF-8, no record with bytes beyond ASCII is one."""
        data = np.frombuffer(block, np.uint8)
        foreign = np.uint64(0) if is_utf8 else HIGHS
        text, ids, metadata = (pa.allocate_buffer(len(block) + SPILL, resizable=True) for _ in range(3))
        found = _room(block, len(self._kinds), text, ids, metadata)
        num_plain, num_others = map(int, read_lines(data, foreign, self._max_line_bytes, self._wanted, found))
        rows, bounds = slice(num_plain), slice(num_plain + 1)
        has_metadata = np.diff(found.metadata_bounds[bounds]) > 0
        return PlainRecords(
            begins=found.begins[rows],
            texts=_strings(text, found.text_bounds[bounds], np.ones(num_plain, np.bool_)),
            input_ids=_strings(ids, found.id_bounds[bounds], found.has_id[rows]),
            metadata=_strings(metadata, found.metadata_bounds[bounds], has_metadata),
            columns={name: _column(block, found.spans[rows, n], kind) for name, n, kind in self._columns},
            other_spans=found.other_spans[:num_others],
            other_places=found.other_places[:num_others],
        )


def _kinds(source: Source) -> dict[str, np.uint8]:
    """The names that are read, and of which kinds their values are in plain records: the text first, then the id."""
    kinds = {source.text_column: STRING}
    if source.id_column is not None:
        kind = STRING | INTEGER | (NULL if source.id_from == "position" else np.uint8(0))
        kinds[source.id_column] = kinds.get(source.id_column, kind) & kind
    for name, declared in source.columns.items():
        kind = _KINDS[declared] | NULL
        kinds[name] = kinds.get(name, kind) & kind
    return kinds


def _wanted(source: Source, kinds: dict[str, np.uint8], *, with_metadata: bool) -> Wanted:
    names = list(kinds)
    spelled = [name.encode() for name in names]
    data = np.frombuffer(b"".join(spelled), np.uint8)
    bounds = np.cumsum([0, *map(len, spelled)], dtype=np.int64)
    ends = zip(bounds.astype(np.uintp), bounds[1:].astype(np.uintp), strict=False)
    id_required = {source.id_column} if source.id_from == "column" else set()
    return Wanted(
        data=data,
        bounds=bounds,
        hashes=np.array([hash_blocks(data, begin, end) for begin, end in ends], np.uint64),
        kinds=np.array(list(kinds.values()), np.uint8),
        required=np.array([name in {source.text_column} | id_required for name in names], np.bool_),
        id_name=np.uintp(len(names) if source.id_column is None else names.index(source.id_column)),
        with_metadata=np.bool_(with_metadata),
    )


def _room(block: bytes, num_names: int, text: pa.Buffer, ids: pa.Buffer, metadata: pa.Buffer) -> Found:
    """Room for all that a block may hold. What is never written takes no memory, but for the system's word for it."""
    num_lines = block.count(b"\n") + 1
    num_plain = min(num_lines, len(block) // LEAST_RECORD + 1)
    num_others = min(num_lines, len(block) // LEAST_OTHER + 1)
    return Found(
        begins=np.empty(num_plain, np.int64),
        spans=np.empty((num_plain, num_names, 2), np.int64),
        text=np.frombuffer(text, np.uint8),
        text_bounds=np.empty(num_plain + 1, np.int64),
        ids=np.frombuffer(ids, np.uint8),
        id_bounds=np.empty(num_plain + 1, np.int64),
        has_id=np.empty(num_plain, np.bool_),
        metadata=np.frombuffer(metadata, np.uint8),
        metadata_bounds=np.empty(num_plain + 1, np.int64),
        other_spans=np.empty((num_others, 2), np.int64),
        other_places=np.empty(num_others, np.int64),
        names=np.empty(MAX_MEMBERS, np.uint64),
    )


def _strings(data: pa.Buffer, bounds: Offsets, valid: npt.NDArray[np.bool_]) -> pa.Array:
    """A column of strings; gives back what of their buffer was not used."""
    data.resize(int(bounds[-1]), shrink_to_fit=True)
    bits = None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.LargeStringArray.from_buffers(valid.size, pa.py_buffer(bounds), data, bits)


def _column(block: bytes, spans: Spans, kind: str) -> pa.Array:
    """The declared column whose values have these (P, 2) spans."""
    values = [block[begin:end] if end else b"null" for begin, end in spans.tolist()]
    return pa.array(msgspec.json.decode(b"[" + b",".join(values) + b"]", type=_LISTS[kind]), COLUMN_TYPES[kind])
