"""Input files that were not read as a whole, and what of them could not be read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

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
    lost_rows: int | None = None
    """Rows that the file's metadata names, or its pages hold, and that could not be read; None where neither tells."""

    def __str__(self) -> str:
        unread, lost = self.unread_compressed_bytes, self.lost_rows
        told = f"{self.path} of source {self.source}: {self.reason} at {self.offset:,}"
        told += "" if lost is None else f", {lost:,} rows lost"
        return told + ("" if unread is None else f", {unread:,} stored bytes unread")


def damaged_files(records: Iterable[ShardRecord]) -> tuple[DamagedFile, ...]:
    """Each damaged file that units read, once; sorted.

    Of JSONL it is told from the first place on that could not be read. Row groups of Parquet are lost one by one, so
    the pieces of a file are added up: they are the same however it was cut. A piece that several steps read counts as
    the step had it that lost most.
    """
    found: dict[tuple[str, str], dict[int, DamagedFile]] = {}
    for record in records:
        for entry in record.inputs:
            if "damaged" in entry:
                one = DamagedFile(str(entry["source"]), str(entry["path"]), **entry["damaged"])
                pieces = found.setdefault((one.source, one.path), {})
                start = entry["start"]
                pieces[start] = max(pieces.get(start, one), one, key=lambda piece: piece.lost_rows or 0)
    return tuple(_in_all(list(found[key].values())) for key in sorted(found))


def _in_all(pieces: Sequence[DamagedFile]) -> DamagedFile:
    """The damage of a file from that of its pieces."""
    first = min(pieces, key=lambda piece: piece.offset)
    lost = [piece.lost_rows for piece in pieces if piece.lost_rows is not None]
    if not lost:
        return first
    unread = [piece.unread_compressed_bytes for piece in pieces]
    known = [num_bytes for num_bytes in unread if num_bytes is not None]
    return replace(
        first, lost_rows=sum(lost), unread_compressed_bytes=sum(known) if len(known) == len(unread) else None
    )
