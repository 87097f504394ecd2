import io
import random
import struct

import pytest
import zstandard

from pipeline.io.damage import DamageReason
from pipeline.io.zstd_frames import FrameReader, SeekTable, read_seek_table

_RANDOM = random.Random(7)
DATA = b"".join(b"%d some words\n" % _RANDOM.randrange(10**9) for _ in range(30_000))


def compress(data: bytes, **options: object) -> bytes:
    return zstandard.ZstdCompressor(**options).compress(data)


def decompress(stored: bytes) -> tuple[bytes, FrameReader]:
    reader = FrameReader(io.BytesIO(stored), len(stored))
    return b"".join(reader.pieces()), reader


def skippable(content: bytes, magic: int = 0x184D2A50) -> bytes:
    return struct.pack("<II", magic, len(content)) + content


def seekable(frames: list[bytes], *, checksums: bool = False) -> bytes:
    stored = [compress(frame) for frame in frames]
    entry = b"\1\2\3\4" if checksums else b""
    table = b"".join(
        struct.pack("<II", len(packed), len(frame)) + entry for packed, frame in zip(stored, frames, strict=True)
    )
    footer = struct.pack("<IBI", len(frames), 0x80 if checksums else 0, 0x8F92EAB1)
    return b"".join(stored) + skippable(table + footer, 0x184D2A5E)


@pytest.mark.parametrize(
    "options",
    [
        {"level": 1, "write_checksum": True},
        {"level": 19, "write_checksum": False},
        {"level": 3, "write_content_size": False},
        {"level": -5},
    ],
)
@pytest.mark.parametrize("data", [b"", b"x", DATA[:300], DATA, b"\0" * 400_000])
def test_gives_the_content_in_bounded_pieces(options, data):
    stored = compress(data, **options)
    pieces = list(FrameReader(io.BytesIO(stored), len(stored)).pieces())
    assert b"".join(pieces) == data
    assert max(map(len, pieces), default=0) <= 1 << 17


def test_reads_across_frames_and_skippable_frames():
    stored = skippable(b"note") + compress(DATA[:1000]) + skippable(b"") + compress(b"") + compress(DATA[1000:])
    content, reader = decompress(stored)
    assert content == DATA
    assert reader.damage is None


def test_windows_beyond_the_default_limit():
    parameters = zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=True, write_content_size=False)
    stored = zstandard.ZstdCompressor(compression_params=parameters).compress(DATA)
    content, reader = decompress(stored)
    assert content == DATA
    assert reader.damage is None


def test_truncation_gives_a_prefix_and_damage():
    stored = compress(DATA, write_checksum=True)
    found = []
    for cut in [*range(24), *range(24, len(stored), 997), len(stored) - 4, len(stored) - 1]:
        content, reader = decompress(stored[:cut])
        assert DATA.startswith(content)
        assert reader.damage is not None
        assert reader.damage.reason is DamageReason.TRUNCATED
        assert reader.damage.unread_compressed_bytes <= cut
        found.append(len(content))
    assert found == sorted(found)
    assert found[-1] == len(DATA)  # only the checksum is cut


def test_truncation_between_frames_cannot_be_told():
    first = compress(DATA[:1000])
    content, reader = decompress((first + compress(DATA[1000:]))[: len(first)])
    assert content == DATA[:1000]
    assert reader.damage is None


def test_corrupt_block_keeps_the_blocks_before_it():
    stored = bytearray(compress(DATA, write_checksum=True))
    stored[len(stored) // 2] ^= 0xFF
    content, reader = decompress(bytes(stored))
    assert DATA.startswith(content)
    assert len(content) >= 1 << 17
    assert reader.damage.reason is DamageReason.CORRUPT
    assert len(stored) // 4 < reader.damage.unread_compressed_bytes < len(stored)


def test_wrong_checksum_is_damage_after_all_content():
    stored = bytearray(compress(DATA, write_checksum=True))
    stored[-1] ^= 0xFF
    content, reader = decompress(bytes(stored))
    assert content == DATA
    assert reader.damage.reason is DamageReason.CORRUPT
    assert reader.damage.unread_compressed_bytes == 4


def test_what_follows_a_frame_and_is_none_is_corrupt():
    content, reader = decompress(compress(b"abc") + b"plain text")
    assert content == b"abc"
    assert reader.damage.reason is DamageReason.CORRUPT
    assert reader.damage.unread_compressed_bytes == len(b"plain text")


def test_skippable_frame_that_is_cut():
    _, reader = decompress(compress(b"abc") + skippable(b"12345678")[:-1])
    assert reader.damage.reason is DamageReason.TRUNCATED


@pytest.mark.parametrize("checksums", [False, True])
def test_seek_table(checksums):
    frames = [DATA[:1000], b"", DATA[1000:5000], DATA[5000:]]
    stored = seekable(frames, checksums=checksums)
    table = read_seek_table(io.BytesIO(stored), len(stored))
    assert table.decompressed == (0, 1000, 1000, 5000, len(DATA))
    for place, frame in enumerate(frames):
        packed = stored[table.compressed[place] : table.compressed[place + 1]]
        assert zstandard.decompress(packed) == frame
    assert [table.frame_at(offset) for offset in (0, 999, 1000, 5000, len(DATA))] == [0, 0, 2, 3, 4]
    assert decompress(stored)[0] == DATA


def test_no_seek_table_where_it_does_not_fit_the_file():
    stored = seekable([DATA[:1000], DATA[1000:]])
    others = [
        b"",
        compress(DATA),
        stored[:-1],
        stored[1:],
        compress(b"x") + stored,
        stored[:-9] + b"\xff" + stored[-8:],
    ]
    assert [read_seek_table(io.BytesIO(other), len(other)) for other in others] == [None] * len(others)
    assert isinstance(read_seek_table(io.BytesIO(stored), len(stored)), SeekTable)
