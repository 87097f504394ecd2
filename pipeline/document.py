"""The document schema: what columns a document has, what they mean, and how its id is made.

Knows nothing of files, operators or runners.
"""

from collections.abc import Iterable
from typing import Final

import pyarrow as pa
import xxhash

DOC_ID: Final = "doc_id"
INPUT_ID: Final = "input_id"
SOURCE: Final = "source"
TEXT: Final = "text"
METADATA: Final = "metadata"
LANGUAGE: Final = "language"
"""Column of the label that language identification gives; rule sets are limited to languages by it."""
PARENT_DOC_ID: Final = "parent_doc_id"
"""Column of a document's original where rows were repeated: its own doc_id in the original itself."""
POSITION: Final = "position"
"""Virtual column of a view: `(shard << 32) | row` in its base. Engine-made, never stored."""

DOC_ID_TYPE: Final = pa.binary(16)
TEXT_TYPE: Final = pa.large_string()
POSITION_TYPE: Final = pa.uint64()

CORE_FIELDS: Final = (
    pa.field(DOC_ID, DOC_ID_TYPE, nullable=False),
    pa.field(INPUT_ID, pa.large_string()),
    pa.field(SOURCE, pa.string(), nullable=False),
    pa.field(TEXT, TEXT_TYPE, nullable=False),
)
"""The columns that every document has as it leaves a reader; `input_id` is null where the input has no id."""

METADATA_FIELD: Final = pa.field(METADATA, pa.large_string())
"""All undeclared fields of a JSON record, as one JSON object in source key order."""

RESERVED: Final = frozenset({DOC_ID, INPUT_ID, SOURCE, TEXT, METADATA, POSITION})

COLUMN_TYPES: Final[dict[str, pa.DataType]] = {
    "string": pa.large_string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
}
"""Types that a recipe may declare for a column of its input."""


class IdHasher:
    """Makes the doc_ids of one input file.

    `doc_id` is the 16-byte big-endian xxh3-128 of `source NUL path NUL position`, the position as eight
    little-endian bytes. It depends on no worker, shard or order, so any split computes it alone.
    """

    __slots__ = ("_prefix",)

    def __init__(self, source: str, relative_path: str) -> None:
        self._prefix = source.encode() + b"\0" + relative_path.encode() + b"\0"

    def many(self, positions: Iterable[int]) -> pa.Array:
        """The ids of the records at these positions, as a column."""
        prefix, digest = self._prefix, xxhash.xxh3_128_digest
        return _id_column([digest(prefix + position.to_bytes(8, "little")) for position in positions])

    def at(self, position: int) -> bytes:
        """The id of the record at `position`: its first byte in the decompressed stream, or its row ordinal."""
        return xxhash.xxh3_128_digest(self._prefix + position.to_bytes(8, "little"))


def doc_id_from_input_id(source: str, input_id: str) -> bytes:
    """The doc_id of a document whose source says `id_from: column`: it survives re-sharding of the source."""
    return xxhash.xxh3_128_digest(source.encode() + b"\0\0" + input_id.encode())


def doc_ids_from_input_ids(source: str, input_ids: Iterable[str]) -> pa.Array:
    """The doc_ids of documents whose source says `id_from: column`, as a column."""
    return _id_column([doc_id_from_input_id(source, input_id) for input_id in input_ids])


def _id_column(digests: list[bytes]) -> pa.Array:
    return pa.FixedSizeBinaryArray.from_buffers(DOC_ID_TYPE, len(digests), [None, pa.py_buffer(b"".join(digests))])


def derived_doc_id(parents: tuple[bytes, ...], ordinal: int) -> bytes:
    """The id of the `ordinal`-th document made from `parents` (16 bytes each)."""
    return xxhash.xxh3_128_digest(b"".join(parents) + ordinal.to_bytes(8, "little"))


def derived_doc_ids(parents: Iterable[bytes], ordinals: Iterable[int]) -> pa.Array:
    """The ids of documents of which each is made from one parent, as a column."""
    return _id_column([derived_doc_id((parent,), ordinal) for parent, ordinal in zip(parents, ordinals, strict=True)])


def position(shard: int, row: int) -> int:
    """A row's place in its base as one sortable number."""
    return (shard << 32) | row


def split_position(value: int) -> tuple[int, int]:
    """(shard, row) of a position."""
    return value >> 32, value & 0xFFFFFFFF
