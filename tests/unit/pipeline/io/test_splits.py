import random
import struct
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import PlanError
from pipeline.io.splits import COMPRESSION_RATIO, format_of, plan_input_shards
from pipeline.io.storage import InputFile
from pipeline.plan.logical import Layout, Source

SOURCES = {"code": Source(paths=("*",)), "web": Source(paths=("*",))}
SHARD_BYTES = 1 << 16
LAYOUT = Layout(shard_bytes=SHARD_BYTES)
_RANDOM = random.Random(2)


def plain(path, size, source="web"):
    """A plain JSONL file that is never opened."""
    return InputFile(source, f"/data/{path}", path, size, "")


FILES = [plain(f"{n:04}.jsonl", _RANDOM.randrange(SHARD_BYTES // 4)) for n in range(400)]


def plan(files, shard_bytes=SHARD_BYTES):
    return plan_input_shards(files, SOURCES, Layout(shard_bytes=shard_bytes))


def groups(files):
    return {tuple(split.file.relative_path for split in shard.splits) for shard in plan(files)}


def ranges(shards):
    return [(split.start, split.end) for shard in shards for split in shard.splits]


SIZES = st.lists(st.tuples(st.sampled_from(["code", "web"]), st.integers(0, 5 * SHARD_BYTES)), max_size=30)


@settings(deadline=None, max_examples=50)
@given(SIZES, st.randoms(use_true_random=False))
def test_every_file_is_covered_once_in_order_whatever_the_listing(sizes, shuffler):
    files = [plain(f"{n}.jsonl", size, source) for n, (source, size) in enumerate(sizes)]
    shards = plan(files)
    shuffled = list(files)
    shuffler.shuffle(shuffled)
    assert plan(shuffled) == shards
    assert [shard.index for shard in shards] == list(range(len(shards)))
    splits = [split for shard in shards for split in shard.splits]
    places = [(split.file.source, split.file.relative_path, split.start) for split in splits]
    assert places == sorted(places)
    for file in files:
        own = [split for split in splits if split.file == file]
        assert own[0].start == 0
        assert own[-1].end is None
        assert [split.end for split in own[:-1]] == [split.start for split in own[1:]]
        assert all(split.whole == (len(own) == 1) for split in own)
        assert sum(split.estimated_bytes for split in own) == file.size_bytes


@settings(deadline=None, max_examples=50)
@given(SIZES)
def test_shard_sizes(sizes):
    for shard in plan([plain(f"{n}.jsonl", size, source) for n, (source, size) in enumerate(sizes)]):
        num_bytes = sum(split.estimated_bytes for split in shard.splits)
        assert num_bytes <= (SHARD_BYTES if not shard.splits[0].whole else 2 * SHARD_BYTES)
        assert len({split.file.source for split in shard.splits}) == 1


def test_groups_hold_about_a_shard():
    found = groups(FILES)
    mean = sum(file.size_bytes for file in FILES) / len(found)
    assert SHARD_BYTES / 2 < mean < SHARD_BYTES * 3 / 2


@pytest.mark.parametrize("size", [0, 1000, SHARD_BYTES // 4, SHARD_BYTES, 3 * SHARD_BYTES])
def test_adding_a_file_changes_few_groups(size):
    before = groups(FILES)
    changed = []
    for place in range(0, 400, 4):
        after = groups([*FILES, plain(f"{place:04}x.jsonl", size)])
        changed.append(len(before - after))
    # Most often the one group that the file falls into; a forced boundary may pass the change on to the next ones.
    assert max(changed) <= 6
    assert sum(changed) / len(changed) < 1.7


def test_removing_a_file_leaves_other_groups():
    before = groups(FILES)
    changed = [len(before - groups([*FILES[:place], *FILES[place + 1 :]])) for place in range(0, 400, 7)]
    assert min(changed) == 1
    assert sum(changed) / len(changed) < 1.7


def test_compressed_files_are_not_split(write_input):
    file = write_input("a.jsonl.gz", b"\x1f\x8b" + bytes(SHARD_BYTES))
    (shard,) = plan([file])
    (split,) = shard.splits
    assert split.whole
    assert split.estimated_bytes == file.size_bytes * COMPRESSION_RATIO


def seekable(frames):
    stored = [zstandard.compress(frame) for frame in frames]
    table = b"".join(struct.pack("<II", len(a), len(b)) for a, b in zip(stored, frames, strict=True))
    table += struct.pack("<IBI", len(frames), 0, 0x8F92EAB1)
    return b"".join(stored) + struct.pack("<II", 0x184D2A5E, len(table)) + table


def test_seekable_files_are_split_by_frames(write_input):
    file = write_input("a.jsonl.zst", seekable([bytes(3000)] * 10))
    shards = plan([file], 7000)
    assert ranges(shards) == [(0, 9001), (9001, 18001), (18001, 27001), (27001, None)]
    assert sum(split.estimated_bytes for shard in shards for split in shard.splits) == 30_000
    assert ranges(plan([file], 30_000)) == [(0, None)]
    assert ranges(plan([write_input("b.jsonl.zst", seekable([bytes(30_000)]))], 7000)) == [(0, None)]


@pytest.mark.parametrize("shard_bytes", [1024, 3000, 10_000, 1 << 20])
@pytest.mark.parametrize("line", [b'{"text":"0123456789"}\n', b'{"text":"' + b"x" * 2000 + b'"}\n'])
def test_seekable_files_give_the_same_records_for_any_split(write_input, read, shard_bytes, line):
    content = line * (40_000 // len(line))
    # Frames that end at, before and after the ends of lines.
    cuts = [0, len(line), 2500, 2501, 2500 + len(line), len(line) * 9, 30_000, len(content)]
    cuts = sorted(set(cuts))
    frames = [content[start:end] for start, end in pairwise(cuts)]
    whole = read(write_input("a.jsonl.zst", zstandard.compress(content)))
    file = write_input("a.jsonl.zst", seekable(frames))
    splits = [split for shard in plan([file], shard_bytes) for split in shard.splits]
    divided = read(splits)
    assert divided.documents == whole.documents
    assert len(whole.documents) == content.count(b"\n")
    assert (len(splits) > 1) == (shard_bytes < len(content))


def test_parquet_is_split_by_row_groups(write_input):
    sink = pa.BufferOutputStream()
    table = pa.table({"text": ["x" * 900 + str(n) for n in range(100)]})
    pq.write_table(table, sink, row_group_size=10, use_dictionary=False, compression="none")
    file = write_input("a.parquet", sink.getvalue().to_pybytes())
    shards = plan([file], 25_000)
    assert ranges(shards) == [(0, 3), (3, 6), (6, 9), (9, None)]
    assert [split.first_row for shard in shards for split in shard.splits] == [0, 30, 60, 90]
    assert [split.whole for shard in shards for split in shard.splits] == [False] * 4
    assert ranges(plan([file], 1 << 20)) == [(0, None)]


def test_broken_and_empty_parquet_files_are_planned_whole(write_input):
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), sink)
    for content in (b"PAR1 no footer", b"", sink.getvalue().to_pybytes()):
        (shard,) = plan([write_input("a.parquet", content)])
        (split,) = shard.splits
        assert (split.whole, split.start, split.end, split.format) == (True, 0, None, "parquet")


def test_format_of():
    names = ["a.jsonl", "a.jsonl.gz", "a.ndjson.zst", "a.json.gz", "a.parquet"]
    found = [format_of(plain(name, 1), SOURCES["web"]) for name in names]
    assert found == ["jsonl", "jsonl", "jsonl", "jsonl", "parquet"]
    assert format_of(plain("a.txt", 1), Source(paths=("*",), format="jsonl")) == "jsonl"
    with pytest.raises(PlanError, match=r"source 'web'.*'\.jsonl'.*found 'a\.txt'; set `format`"):
        format_of(plain("a.txt", 1), SOURCES["web"])
