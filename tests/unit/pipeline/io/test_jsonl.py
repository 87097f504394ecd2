import gzip
import json
import random
from itertools import pairwise

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import StorageError
from pipeline.io.damage import Damage, DamageReason
from pipeline.io.jsonl import LineBlocks, read_record
from pipeline.io.splits import Split
from pipeline.plan.logical import Source

RELAXED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
WORDS = random.Random(11)
RECORDS = [
    {"id": n, "text": " ".join(str(WORDS.randrange(10**6)) for _ in range(WORDS.randrange(60)))} for n in range(2000)
]
CONTENT = b"".join(json.dumps(record).encode() + b"\n" for record in RECORDS)


def parts(file, cuts):
    """Splits of a file divided at `cuts`."""
    bounds = [0, *cuts, None]
    return [Split(file, "jsonl", start, end, not cuts, 1) for start, end in pairwise(bounds)]


def test_divided_at_every_byte_the_records_are_the_same(write_input, read):
    content = b'\xef\xbb\xbf{"text":"a"}\n\n{"text":"bcd"}\r\n \n{"text":"e"}\nx\n{"text":""}'
    file = write_input("a.jsonl", content)
    whole = read(file)
    assert whole.texts == ["a", "bcd", "e", ""]
    for cut in range(1, len(content) + 3):
        divided = read(parts(file, [cut]), batch_bytes=7)
        assert divided.documents == whole.documents
        assert divided.positions == whole.positions


LINES = st.lists(
    st.sampled_from([b'{"text":"a"}', b'{"text":"' + b"b" * 40 + b'"}', b"", b" \r", b"broken", b'{"text":"\xff"}']),
    max_size=12,
)


@RELAXED
@given(LINES, st.booleans(), st.booleans(), st.sets(st.integers(1, 300)), st.integers(1, 100))
def test_divided_anywhere_the_records_are_the_same(write_input, read, lines, has_end, has_mark, cuts, batch_bytes):
    content = (b"\xef\xbb\xbf" if has_mark else b"") + b"\n".join(lines) + (b"\n" if has_end else b"")
    file = write_input("a.jsonl", content)
    whole = read(file)
    divided = read(parts(file, sorted(cuts)), batch_bytes=batch_bytes)
    assert divided.documents == whole.documents
    assert divided.positions == whole.positions
    assert divided.reasons == whole.reasons
    assert sum(summary.num_bytes for summary in divided.summaries) == whole.summaries[0].num_bytes == len(content)
    assert sum(summary.num_records for summary in divided.summaries) == whole.summaries[0].num_records


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_divided_compressed_files_and_batches(write_input, read, suffix):
    pack = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}[suffix]
    file = write_input("a.jsonl" + suffix, pack(CONTENT))
    whole = read(file)
    assert whole.texts == [record["text"] for record in RECORDS]
    divided = read(parts(file, [1, 100_000, 100_001, len(CONTENT) - 1]), batch_bytes=5000)
    assert divided.documents == whole.documents
    assert max(len(batch.documents) for batch in divided.batches) < 200
    assert divided.summaries[0].num_records == 1
    ordinals = [ordinal for batch in read(parts(file, []), batch_bytes=5000).batches for ordinal in batch.ordinals]
    assert ordinals == list(range(len(RECORDS)))


def test_a_byte_order_mark_alone_is_no_record(write_input, read):
    for content in (b"\xef\xbb\xbf", b"\xef\xbb\xbf \r\n"):
        assert read(write_input("a.jsonl", content)).positions == []
    assert read(write_input("a.jsonl", b"\n\xef\xbb\xbf\n")).reasons == ["invalid_json"]


def test_a_file_that_expands_too_far_is_damaged_there(write_input, read, monkeypatch):
    monkeypatch.setattr("pipeline.io.compression.FREE_EXPANSION_BYTES", 1000)
    lines = [b'{"text":"a"}\n'] * 200
    for suffix, pack in ((".gz", gzip.compress), (".zst", zstandard.compress)):
        file = write_input("a.jsonl" + suffix, pack(b"".join(lines)))
        found = read(file, Source(paths=("*",), max_expansion=1))
        assert len(found.texts) == 1000 // len(lines[0])
        assert found.summaries[0].damaged == Damage(988, DamageReason.EXPANDS_TOO_FAR, None)
        assert read(file, Source(paths=("*",), max_expansion=200)).summaries[0].damaged is None


def test_digest_is_of_the_splits_lines(write_input, read):
    file = write_input("a.jsonl", CONTENT)
    first = CONTENT.index(b"\n", 50_000) + 1
    head, tail = read(parts(file, [50_001]), batch_bytes=777).summaries
    assert head.content_digest == read(write_input("b.jsonl", CONTENT[:first])).summaries[0].content_digest
    assert (
        tail.content_digest
        == read(write_input("c.jsonl.gz", gzip.compress(CONTENT[first:]))).summaries[0].content_digest
    )
    assert (head.num_bytes, tail.num_bytes) == (first, len(CONTENT) - first)


def test_batches_hold_about_their_bytes_or_one_longer_line(write_input):
    lines = [b"a" * 30 + b"\n"] * 50 + [b"b" * 1000 + b"\n"] + [b"a" * 30 + b"\n"] * 50
    file = write_input("a.jsonl", b"".join(lines))
    blocks = [block for _, block in LineBlocks(parts(file, [])[0], 100, 2000).blocks()]
    assert b"".join(blocks) == b"".join(lines)
    assert all(block.endswith(b"\n") for block in blocks)
    assert max(len(block) for block in blocks if b"b" not in block) <= 200
    assert max(map(len, blocks)) <= 1300


def test_long_lines(write_input, read):
    texts = ["é" * 700_000, "x", "y" * 3_000_000, ""]
    content = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts).encode()
    file = write_input("a.jsonl", content)
    assert read(file).texts == texts
    assert read(parts(file, [500_000, 1_000_000, 2_000_000, 2_500_000]), batch_bytes=4096).texts == texts


LIMITED = Source(paths=("*",), max_document_bytes=1024)


def spelled(num_bytes):
    """A record of so many bytes."""
    return b'{"text":"' + b"a" * (num_bytes - 11) + b'"}'


LARGE_LINES = st.lists(
    st.sampled_from([spelled(50), spelled(1024), spelled(1025), spelled(4000), b"", b" " * 1500, b"broken" * 300]),
    max_size=9,
)


@RELAXED
@given(LARGE_LINES, st.booleans(), st.sets(st.integers(1, 9000)), st.integers(1, 3000))
def test_what_is_too_large_does_not_depend_on_how_it_is_read(write_input, read, lines, has_end, cuts, batch_bytes):
    content = b"\n".join(lines) + (b"\n" if has_end else b"")
    file = write_input("a.jsonl", content)
    whole = read(file, LIMITED)
    divided = read(parts(file, sorted(cuts)), LIMITED, batch_bytes=batch_bytes)
    assert divided.documents == whole.documents
    assert divided.positions == whole.positions
    assert divided.reasons == whole.reasons == ["too_large"] * sum(len(line) > 1024 for line in lines)
    assert sum(summary.num_bytes for summary in divided.summaries) == len(content)
    alone = read(parts(file, []), LIMITED, batch_bytes=batch_bytes).summaries
    assert alone == whole.summaries
    # The digest is of every byte, whether it was kept or not.
    assert alone[0].content_digest == read(file).summaries[0].content_digest


def test_of_a_line_that_is_too_long_only_the_beginning_is_kept(write_input):
    content = spelled(50) + b"\n" + b"b" * 1_000_000 + b"\n" + spelled(60) + b"\n"
    blocks = list(LineBlocks(parts(write_input("a.jsonl", content), [])[0], 100, 1024).blocks())
    assert max(len(block) for _, block in blocks) < 1300
    assert blocks[-1] == (1_000_052, spelled(60) + b"\n")
    assert b"".join(block for _, block in blocks).count(b"\n") == 2


@pytest.mark.parametrize("batch_bytes", [50, 8 << 20])
def test_a_file_that_breaks_off_in_a_long_line(write_input, read, batch_bytes):
    content = spelled(50) + b"\n" + b"b" * 100_000
    stored = gzip.compress(content, 0)
    found = read(write_input("a.jsonl.gz", stored[:-20_000]), LIMITED, batch_bytes=batch_bytes)
    assert found.texts == ["a" * 39]
    assert found.reasons == ["too_large"]
    (summary,) = found.summaries
    assert summary.damaged.offset == summary.num_bytes
    assert 75_000 < summary.num_bytes < 85_000


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_truncated_anywhere_gives_the_whole_records_before(write_input, read, suffix):
    stored = gzip.compress(CONTENT) if suffix == ".gz" else zstandard.compress(CONTENT)
    ends = [0]
    for line in CONTENT.splitlines(keepends=True):
        ends.append(ends[-1] + len(line))
    counts = []
    for cut in [*range(0, 40, 8), *range(40, len(stored), len(stored) // 16), len(stored) - 1]:
        found = read(write_input("a.jsonl" + suffix, stored[:cut]))
        (summary,) = found.summaries
        assert found.texts == [record["text"] for record in RECORDS[: len(found.texts)]]
        assert found.reasons == []
        assert summary.damaged.reason is DamageReason.TRUNCATED
        assert summary.damaged.offset == summary.num_bytes == ends[len(found.texts)]
        counts.append(len(found.texts))
    assert counts == sorted(counts)
    assert 0 < counts[len(counts) // 2 + 1] < len(RECORDS)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_corruption_does_not_depend_on_batches(write_input, read, suffix):
    stored = bytearray(
        gzip.compress(CONTENT) if suffix == ".gz" else zstandard.ZstdCompressor(write_checksum=True).compress(CONTENT)
    )
    stored[len(stored) // 2] ^= 0xFF
    file = write_input("a.jsonl" + suffix, bytes(stored))
    found = [read(file, batch_bytes=batch_bytes) for batch_bytes in (1000, 60_000, 8 << 20)]
    assert found[0].documents == found[1].documents == found[2].documents
    assert found[0].summaries == found[1].summaries == found[2].summaries
    assert found[0].summaries[0].damaged.reason is DamageReason.CORRUPT
    assert found[0].summaries[0].damaged.unread_compressed_bytes > 0
    assert 0 < len(found[0].texts) < len(RECORDS)


def test_a_split_that_ends_before_the_damage_is_whole(write_input, read):
    file = write_input("a.jsonl.gz", gzip.compress(CONTENT)[:-5000])
    head, tail = read(parts(file, [50_000])).summaries
    assert head.damaged is None
    assert tail.damaged is not None


def test_truncated_plain_file_ends_in_a_broken_record(write_input, read):
    found = read(write_input("a.jsonl", CONTENT[:-5]))
    assert found.reasons == ["invalid_json"]
    assert found.summaries[0].damaged is None
    assert found.summaries[0].num_records == len(RECORDS)


def test_read_record(write_input):
    for suffix, pack in (("", bytes), (".gz", gzip.compress), (".zst", zstandard.compress)):
        file = write_input("a.jsonl" + suffix, pack(b"\xef\xbb\xbf" + CONTENT))
        assert read_record(file, 0, 1 << 20) == RECORDS[0]
        position = 3 + CONTENT.index(b'{"id": 1234')
        assert read_record(file, position, 1 << 20) == RECORDS[1234]
        for wrong in (position + 1, len(CONTENT) + 100):
            with pytest.raises(StorageError, match=f"at byte {wrong}"):
                read_record(file, wrong, 1 << 20)


def test_a_record_that_is_too_long_is_not_read_again(write_input):
    file = write_input("a.jsonl", b'{"text":"' + b"a" * 5_000_000 + b'"}\n')
    assert read_record(file, 0, 5_000_011) == {"text": "a" * 5_000_000}
    with pytest.raises(StorageError, match="at byte 0"):
        read_record(file, 0, 5_000_010)
