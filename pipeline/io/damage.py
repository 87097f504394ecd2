"""Where and why the rest of an input file could not be read."""

from dataclasses import dataclass
from enum import StrEnum


class DamageReason(StrEnum):
    """Why reading stopped before the end of a file."""

    TRUNCATED = "truncated"
    """The file ends in the middle of a compressed unit."""
    CORRUPT = "corrupt"
    """Bytes that are not what the format or its checksum demands."""
    EXPANDS_TOO_FAR = "expands_too_far"
    """The file decompresses to more than its source allows."""


@dataclass(frozen=True, slots=True)
class StreamDamage:
    """Why decompression stopped, and how much of the file was left."""

    reason: DamageReason
    unread_compressed_bytes: int | None


@dataclass(frozen=True, slots=True)
class Damage:
    """The remainder of a file that gave no rows.

    `offset` is the first byte, in the decompressed stream, of the first record that was not read whole; in a Parquet
    file it is the ordinal of the first row that was not read. `unread_compressed_bytes` is None where a limit ended
    the reading: how much stored content a decompressor has used by then depends on its buffers.
    """

    offset: int
    reason: DamageReason
    unread_compressed_bytes: int | None
