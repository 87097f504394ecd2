import gzip
import io
import random

import pytest

from pipeline.io.damage import DamageReason
from pipeline.io.gzip_members import MemberReader

_RANDOM = random.Random(3)
DATA = b"".join(b"%d some words\n" % _RANDOM.randrange(10**9) for _ in range(20_000))
STORED = gzip.compress(DATA, mtime=0)


def decompress(stored: bytes, max_bytes: int = 1 << 20) -> tuple[bytes, MemberReader]:
    reader = MemberReader(io.BytesIO(stored), len(stored))
    return b"".join(reader.pieces(max_bytes)), reader


@pytest.mark.parametrize("data", [b"", b"x", DATA, b"\0" * 3_000_000])
@pytest.mark.parametrize("max_bytes", [1000, 1 << 20])
def test_gives_the_content_in_bounded_pieces(data, max_bytes):
    stored = gzip.compress(data)
    reader = MemberReader(io.BytesIO(stored), len(stored))
    pieces = list(reader.pieces(max_bytes))
    assert b"".join(pieces) == data
    assert max(map(len, pieces), default=0) <= max_bytes
    assert reader.damage is None


@pytest.mark.parametrize("padding", [b"", b"\0" * 7, b"\0" * 200_000])
def test_reads_on_after_a_member(padding):
    stored = gzip.compress(DATA[:5]) + padding + gzip.compress(b"") + gzip.compress(DATA[5:]) + padding
    content, reader = decompress(stored)
    assert content == DATA
    assert reader.damage is None


def test_truncation_gives_a_prefix_and_damage():
    found = []
    for cut in [*range(24), *range(24, len(STORED), 997), len(STORED) - 8, len(STORED) - 1]:
        content, reader = decompress(STORED[:cut])
        assert DATA.startswith(content)
        assert reader.damage is not None
        assert reader.damage.reason is DamageReason.TRUNCATED
        found.append(len(content))
    assert found == sorted(found)
    assert found[-1] == len(DATA)  # only the trailer is cut
    assert found[len(found) // 2] > 0


@pytest.mark.parametrize("max_bytes", [100, 4096, 1 << 20])
@pytest.mark.parametrize("place", [5000, 60_000, len(STORED) - 5])
def test_corruption_gives_the_same_prefix_for_any_piece_size(place, max_bytes):
    broken = bytearray(STORED)
    broken[place] ^= 0x55
    expected, _ = decompress(bytes(broken), 17)
    content, reader = decompress(bytes(broken), max_bytes)
    assert content == expected
    assert len(content) > 1000
    assert reader.damage.reason is DamageReason.CORRUPT
    assert reader.damage.unread_compressed_bytes <= len(STORED) - min(place, 5000)


def test_what_is_told_of_damage_does_not_depend_on_piece_size():
    stored = gzip.compress(DATA[:20_000], mtime=0)
    for place in range(10, len(stored), 37):
        broken = bytearray(stored)
        broken[place] ^= 1 << place % 8
        whole, reader = decompress(bytes(broken))
        for max_bytes in (7, 300, 1024):
            content, again = decompress(bytes(broken), max_bytes)
            assert (content, again.damage) == (whole, reader.damage)


def test_what_follows_a_member_and_is_none_is_corrupt():
    content, reader = decompress(gzip.compress(b"abc") + b"plain text")
    assert content == b"abc"
    assert reader.damage.reason is DamageReason.CORRUPT
    assert reader.damage.unread_compressed_bytes == len(b"plain text") - 1  # the second byte tells
