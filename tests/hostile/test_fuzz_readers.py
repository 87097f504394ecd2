"""Input files with bytes changed at random: rows, quarantine and damage, the same ones every time; nothing else."""

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import SchemaError, StorageError
from pipeline.io.read_batch import RejectReason
from pipeline.io.reading import SplitReader, source_schema
from pipeline.io.splits import plan_input_shards
from pipeline.io.storage import InputFile, file_digest
from pipeline.plan.logical import Layout, Source
from tests.corpus import zstd
from tests.hostile.case import lines
from tests.hostile.parquet_files import parquet, texts

SOURCE = Source(paths=("*",), columns={"n": "int64"}, max_document_bytes=1 << 12)
NUMBERS = {"n": list(range(100)), "id": [f"n{number}" for number in range(100)]}
ROWS = lines(10, 300)
CONTENTS: dict[str, list[bytes]] = {
    "a.jsonl": [ROWS],
    "a.jsonl.gz": [
        gzip.compress(ROWS, mtime=0),
        gzip.compress(ROWS, 0, mtime=0),
        3 * gzip.compress(ROWS[:5000], mtime=0),
    ],
    "a.jsonl.zst": [zstd(ROWS, 3000), zstandard.ZstdCompressor(write_checksum=True).compress(ROWS)],
    "a.parquet": [
        parquet(texts(**NUMBERS)),
        parquet(texts(**NUMBERS), compression="zstd", use_dictionary=False),
        parquet(texts(**NUMBERS), compression="snappy", data_page_version="2.0", write_page_checksum=False),
        parquet(texts(**NUMBERS), write_page_checksum=False, row_group_size=100),
    ],
}
SHORT = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, bytes]:
    """A file's name and its content: flipped, cut out, doubled, replaced, or cut off in a few places."""
    name = draw(st.sampled_from(sorted(CONTENTS)))
    content = bytearray(draw(st.sampled_from(CONTENTS[name])))
    for _ in range(draw(st.integers(1, 4))):
        # Headers and footers decide most, so every second change is near an end.
        place = draw(st.integers(0, len(content)) | st.integers(0, 40) | st.integers(-600, -1)) % (len(content) + 1)
        size = draw(st.sampled_from((1, 1, 1, 4, 50)))
        match draw(st.integers(0, 5)):
            case 0:
                content[place : place + size] = b""
            case 1:
                content[place:place] = content[place : place + size]
            case 2:
                content[place : place + size] = draw(st.binary(min_size=size, max_size=size))
            case 3 if draw(st.integers(0, 3)) == 0:
                del content[place:]
            case _:
                for at in range(place, min(place + 1, len(content))):
                    content[at] ^= 1 << draw(st.integers(0, 7))
    return name, bytes(content)


def read(path: Path, content: bytes, shard_bytes: int, batch_bytes: int) -> tuple[list[Any], list[Any], list[Any]]:
    """Documents, rejected records and damage of a file; the conservation of each split is checked."""
    path.write_bytes(content)
    file = InputFile("web", str(path), path.name, len(content), file_digest(str(path), len(content)))
    schema = source_schema(SOURCE, [file])
    documents: list[Any] = []
    rejected: list[Any] = []
    damage: list[Any] = []
    for shard in plan_input_shards([file], {"web": SOURCE}, Layout(shard_bytes=shard_bytes)):
        for split in shard.splits:
            reader = SplitReader(split, SOURCE, schema, batch_bytes)
            num_records = 0
            for batch in reader.batches():
                assert batch.num_records == batch.documents.num_rows + len(batch.rejected) == len(batch.positions)
                batch.documents.validate(full=True)
                ordinals = [*batch.ordinals.tolist(), *(one.ordinal for one in batch.rejected)]
                assert sorted(ordinals) == list(range(num_records, num_records + batch.num_records))
                num_records += batch.num_records
                documents += batch.documents.to_pylist()
                rejected += [(one.position, one.reason, one.detail) for one in batch.rejected]
                assert all(isinstance(one.reason, RejectReason) for one in batch.rejected)
            assert reader.summary.num_records == num_records
            damage += [reader.summary.damaged] if reader.summary.damaged else []
    return documents, rejected, damage


def outcome(path: Path, content: bytes, shard_bytes: int, batch_bytes: int) -> Any:
    """What reading gives, or why there is nothing to read."""
    try:
        return read(path, content, shard_bytes, batch_bytes)
    except (StorageError, SchemaError) as error:
        return str(error)


def check(folder: Path, name: str, content: bytes, sizes: Sequence[int]) -> None:
    whole = outcome(folder / name, content, 1 << 30, 1 << 23)
    assert outcome(folder / name, content, 1 << 30, sizes[0]) == whole
    if isinstance(whole, str):
        assert "\n" not in whole
        return
    ids = [row["doc_id"] for row in whole[0]]
    assert len(set(ids)) == len(ids)
    divided = outcome(folder / name, content, sizes[1], sizes[0])
    assert divided[:2] == whole[:2]
    # A split names what it meets first, so more splits may name more: whole groups that are broken and a wrong count.
    assert {one.reason for one in divided[2]} >= {one.reason for one in whole[2]}
    assert bool(divided[2]) == bool(whole[2])


@SHORT
@given(change=changes(), sizes=st.tuples(st.integers(1, 5000), st.integers(1024, 20_000)))
def test_every_change_has_a_stated_outcome(change: tuple[str, bytes], sizes: tuple[int, int], tmp_path: Path):
    check(tmp_path, *change, sizes)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@LONG
@given(change=changes(), sizes=st.tuples(st.integers(1, 5000), st.integers(1024, 20_000)))
def test_every_change_has_a_stated_outcome_at_length(change: tuple[str, bytes], sizes: tuple[int, int], tmp_path: Path):
    check(tmp_path, *change, sizes)
