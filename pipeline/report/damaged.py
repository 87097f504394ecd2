"""Input files that were not read to their end, and where reading stopped."""

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.artifact import ShardRecord


@dataclass(frozen=True, slots=True)
class DamagedFile:
    """One input file."""

    source: str
    path: str
    """Relative to the source's root."""
    reason: str
    offset: int
    """The first byte, decompressed, or in Parquet the first row, that was not read."""
    unread_compressed_bytes: int | None
    """None where a limit ended the reading."""

    def __str__(self) -> str:
        unread = self.unread_compressed_bytes
        behind = "" if unread is None else f", {unread:,} stored bytes unread"
        return f"{self.path} of source {self.source}: {self.reason} at {self.offset:,}{behind}"


def damaged_files(records: Iterable[ShardRecord]) -> tuple[DamagedFile, ...]:
    """Each damaged file that units read, once, with the first place that could not be read; sorted."""
    found: dict[tuple[str, str], DamagedFile] = {}
    for record in records:
        for entry in record.inputs:
            if "damaged" in entry:
                one = DamagedFile(str(entry["source"]), str(entry["path"]), **entry["damaged"])
                key = (one.source, one.path)
                found[key] = min(found.get(key, one), one, key=lambda file: file.offset)
    return tuple(found[key] for key in sorted(found))
