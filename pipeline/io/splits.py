"""Cuts input files into shards of work. A pure function of the files and the layout: no order of listing, no worker.

Large files are split; small ones are grouped. Shards follow the files' order (source, relative path), so documents come
in the same order for any `shard_bytes`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import xxhash

from pipeline.errors import PlanError
from pipeline.io.compression import CODEC_SUFFIXES, Codec, codec_of
from pipeline.io.parquet_footer import read_footer
from pipeline.io.storage import InputFile, map_files, open_input
from pipeline.io.zstd_frames import SeekTable, read_seek_table
from pipeline.plan.logical import Layout, Source

COMPRESSION_RATIO: Final = 4
"""Estimated decompressed bytes per compressed one. For planning alone: it changes no document."""

FORMAT_SUFFIXES: Final = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
}
"""Published corpora call JSONL files `.json.gz` too."""


@dataclass(frozen=True, slots=True)
class Split:
    """A part of one input file: the records that begin in [start, end).

    JSONL: bytes of the decompressed stream. Parquet: row groups.
    """

    file: InputFile
    format: str
    start: int
    end: int | None
    """None: to the end of the file."""
    whole: bool
    estimated_bytes: int
    """Decompressed."""
    first_row: int = 0
    """Parquet: ordinal in the file of the first row of row group `start`."""


@dataclass(frozen=True, slots=True)
class InputShard:
    """The unit of work and of retry of a step that reads sources."""

    index: int
    splits: tuple[Split, ...]


def format_of(file: InputFile, source: Source) -> str:
    """The format of a file: what its source says, or else what its name tells."""
    if source.format is not None:
        return source.format
    name = file.relative_path
    for suffix in CODEC_SUFFIXES:
        name = name.removesuffix(suffix)
    for suffix, kind in FORMAT_SUFFIXES.items():
        if name.endswith(suffix):
            return kind
    raise PlanError(
        f"source {file.source!r}: expected a file name that ends in one of {sorted(FORMAT_SUFFIXES)}, with or without "
        f"one of {sorted(CODEC_SUFFIXES)}; found {file.relative_path!r}; set `format`"
    )


def plan_input_shards(
    files: Sequence[InputFile], sources: Mapping[str, Source], layout: Layout
) -> tuple[InputShard, ...]:
    """The shards that cover `files`, each file once.

    A file whose estimate exceeds `layout.shard_bytes` is split where its format allows; each piece is a shard. Runs of
    smaller files of one source are grouped: a boundary follows a file with the probability (its size / shard_bytes),
    decided by a hash of its path, and is forced before a group would exceed twice shard_bytes. So a file that is added
    or removed changes its own group and, rarely, the next few.
    """
    ordered = sorted(files, key=lambda file: (file.source, file.relative_path))
    shard_bytes = layout.shard_bytes
    pieces = map_files(lambda file: split_file(file, format_of(file, sources[file.source]), shard_bytes), ordered)
    groups = _grouped(pieces, shard_bytes)
    return tuple(InputShard(index, splits) for index, splits in enumerate(groups))


def split_file(file: InputFile, file_format: str, shard_bytes: int) -> tuple[Split, ...]:
    """The splits of one file, each of about `shard_bytes` decompressed where the format allows."""
    if file_format == "parquet":
        return _split_parquet(file, shard_bytes)
    codec = codec_of(file.path)
    if codec is Codec.NONE:
        num_splits = -(-file.size_bytes // shard_bytes)
        cuts = [file.size_bytes * place // num_splits for place in range(1, num_splits)]
        return _split_bytes(file, cuts, file.size_bytes)
    table = _seek_table(file) if codec is Codec.ZSTD else None
    if table is None:
        return _split_bytes(file, [], file.size_bytes * COMPRESSION_RATIO)
    return _split_bytes(file, _frame_cuts(table, shard_bytes), table.decompressed[-1])


def _split_bytes(file: InputFile, cuts: Sequence[int], size_bytes: int) -> tuple[Split, ...]:
    """Splits of a JSONL file of (about) `size_bytes`, divided at `cuts`."""
    bounds = [0, *cuts, size_bytes]
    return tuple(
        Split(
            file,
            "jsonl",
            start,
            end=None if place == len(cuts) else end,
            whole=not cuts,
            estimated_bytes=max(0, end - start),
        )
        for place, (start, end) in enumerate(pairwise(bounds))
    )


def _frame_cuts(table: SeekTable, shard_bytes: int) -> list[int]:
    """Where to divide a seekable file: one byte into a frame.

    Whether a line begins at a byte is told by the byte before it. One byte into the frame, that byte lies in the same
    frame, so no split decompresses a frame that another one has read but for the end of its last line.
    """
    cuts: list[int] = []
    last = 0
    for begin in table.decompressed[1:-1]:
        if begin - last >= shard_bytes and begin < table.decompressed[-1]:
            cuts.append(begin + 1)
            last = begin
    return cuts


def _seek_table(file: InputFile) -> SeekTable | None:
    with open_input(file.path) as stream:
        return read_seek_table(stream, file.size_bytes)


def _split_parquet(file: InputFile, shard_bytes: int) -> tuple[Split, ...]:
    footer = read_footer(file)
    if footer is None:
        # The reader reports the file as damaged, so that one broken file does not stop a build.
        return (Split(file, "parquet", 0, None, whole=True, estimated_bytes=file.size_bytes),)
    splits: list[Split] = []
    start, first_row, next_row, num_bytes = 0, 0, 0, 0
    num_groups = len(footer.group_rows)
    for group in range(num_groups):
        num_bytes += footer.group_bytes[group]
        next_row += footer.group_rows[group]
        is_last = group == num_groups - 1
        if num_bytes >= shard_bytes or is_last:
            is_whole = start == 0 and is_last
            end = None if is_last else group + 1
            splits.append(Split(file, "parquet", start, end, is_whole, num_bytes, first_row))
            start, first_row, num_bytes = group + 1, next_row, 0
    return tuple(splits) or (Split(file, "parquet", 0, None, whole=True, estimated_bytes=0),)


def _grouped(pieces: Iterable[tuple[Split, ...]], shard_bytes: int) -> Iterator[tuple[Split, ...]]:
    """Shards from the splits of each file, in order."""
    group: list[Split] = []
    num_bytes = 0
    for splits in pieces:
        is_small = len(splits) == 1 and splits[0].estimated_bytes <= shard_bytes
        is_other_source = bool(group) and group[0].file.source != splits[0].file.source
        if group and (not is_small or is_other_source or num_bytes + splits[0].estimated_bytes > 2 * shard_bytes):
            yield tuple(group)
            group, num_bytes = [], 0
        if not is_small:
            yield from ((split,) for split in splits)
            continue
        group.append(splits[0])
        num_bytes += splits[0].estimated_bytes
        if _is_boundary(splits[0], shard_bytes):
            yield tuple(group)
            group, num_bytes = [], 0
    if group:
        yield tuple(group)


def _is_boundary(split: Split, shard_bytes: int) -> bool:
    """Whether a group ends after this file, whatever lies around it."""
    drawn = xxhash.xxh3_64_intdigest(split.file.source.encode() + b"\0" + split.file.relative_path.encode())
    return drawn * shard_bytes < split.estimated_bytes << 64
