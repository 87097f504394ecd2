import gzip
import random

import pytest
import zstandard

from pipeline.errors import StorageError
from pipeline.io.compression import FREE_EXPANSION_BYTES, Codec, InputStream, codec_of, expansion_limit
from pipeline.io.damage import DamageReason, StreamDamage

DATA = random.Random(5).randbytes(3000)


def stored(codec: str) -> tuple[str, bytes]:
    contents = {"plain": DATA, "gz": gzip.compress(DATA), "zst": zstandard.compress(DATA)}
    return f"a.jsonl.{codec}", contents[codec]


@pytest.mark.parametrize("codec", ["plain", "gz", "zst"])
@pytest.mark.parametrize("offset", [0, 1, 999, 1000, 2999, 3000, 5000])
@pytest.mark.parametrize("chunk_bytes", [1, 1000, 1 << 20])
def test_gives_the_bytes_from_an_offset_on(write_input, codec, offset, chunk_bytes):
    stream = InputStream(write_input(*stored(codec)), offset, chunk_bytes)
    chunks = list(stream.chunks())
    assert b"".join(chunks) == DATA[offset:]
    assert max(map(len, chunks), default=0) <= chunk_bytes
    assert stream.damage is None


@pytest.mark.parametrize("codec", ["gz", "zst"])
def test_damage_is_told_at_the_end(write_input, codec):
    name, content = stored(codec)
    for cut in (0, 10, len(content) - 1):
        stream = InputStream(write_input(name, content[:cut]))
        assert DATA.startswith(b"".join(stream.chunks()))
        assert stream.damage.reason is DamageReason.TRUNCATED


def test_a_file_that_changed_is_refused(write_input, tmp_path):
    file = write_input("a.jsonl", DATA)
    (tmp_path / "a.jsonl").write_bytes(DATA + b"more")
    with pytest.raises(StorageError, match="expected 3000 bytes; found 3004"):
        list(InputStream(file).chunks())
    (tmp_path / "a.jsonl").unlink()
    with pytest.raises(StorageError, match=r"a\.jsonl"):
        list(InputStream(file).chunks())


def test_codec_of():
    names = {"a.jsonl": Codec.NONE, "a.jsonl.gz": Codec.GZIP, "a.zst": Codec.ZSTD, "a.zstd": Codec.ZSTD}
    assert {name: codec_of(name) for name in names} == names


@pytest.mark.parametrize("codec", ["gz", "zst"])
@pytest.mark.parametrize("chunk_bytes", [1, 1000, 1 << 20])
@pytest.mark.parametrize("offset", [0, 900, 1700, 2500])
def test_no_more_comes_out_than_the_limit(write_input, codec, chunk_bytes, offset):
    stream = InputStream(write_input(*stored(codec)), offset, chunk_bytes, end_limit=1700)
    assert b"".join(stream.chunks()) == DATA[offset:1700]
    assert stream.damage == StreamDamage(DamageReason.EXPANDS_TOO_FAR, None)


@pytest.mark.parametrize("codec", ["gz", "zst"])
def test_a_limit_that_is_just_reached_is_no_damage(write_input, codec):
    stream = InputStream(write_input(*stored(codec)), end_limit=len(DATA))
    assert b"".join(stream.chunks()) == DATA
    assert stream.damage is None


def test_plain_files_expand_to_themselves(write_input):
    stream = InputStream(write_input(*stored("plain")), end_limit=17)
    assert b"".join(stream.chunks()) == DATA
    assert stream.damage is None


def test_the_limit_is_a_multiple_of_the_stored_size_and_not_too_small(write_input):
    file = write_input("a.jsonl.gz", DATA)
    assert expansion_limit(file, 200) == FREE_EXPANSION_BYTES
    assert expansion_limit(file, 100_000) == 100_000 * len(DATA)
