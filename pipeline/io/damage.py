"""Where and why a part of an input file, mostly its rest, could not be read."""

from dataclasses import dataclass
from enum import StrEnum


class DamageReason(StrEnum):
    """Why a file was not read as a whole."""

    TRUNCATED = "truncated"
    """The file ends in the middle of a compressed unit."""
    CORRUPT = "corrupt"
    """Bytes that are not what the format or its checksum demands."""
    EXPANDS_TOO_FAR = "expands_too_far"
    """The file decompresses to more than its source allows."""
    MISCOUNTED = "miscounted"
    """The metadata of a Parquet file names another number of rows than its pages hold."""


@dataclass(frozen=True, slots=True)
class StreamDamage:
    """Why decompression stopped, and how much of the file was left."""

    reason: DamageReason
    unread_compressed_bytes: int | None


@dataclass(frozen=True, slots=True)
class Damage:
    """What of a split could not be read: of JSONL the remainder of the file, of Parquet row groups or their ends.

    `offset` is the first byte, in the decompressed stream, of the first record that was not read whole; in a Parquet
    file it is the ordinal of the first row that was not read. `unread_compressed_bytes` is None where a limit ended
    the reading: how much stored content a decompressor has used by then depends on its buffers. `lost_rows` counts the
    rows that the metadata names, or the pages hold, and that could not be read; None where no metadata tells.
    """

    offset: int
    reason: DamageReason
    unread_compressed_bytes: int | None
    lost_rows: int | None = None
