"""Compressed JSONL: cut, flipped, wrongly named, and far larger inside than outside.

Where a number of rows is promised, contents are stored or cut into frames, so that it does not hang on how well some
version of a library compresses.
"""

import gzip
import struct
import zlib
from typing import Final

import zstandard

from tests.hostile.case import Case, Kept, files, line, lines

ROW_BYTES: Final = len(line(10))
MEMBER: Final = gzip.compress(lines(10, 60), compresslevel=0, mtime=0)
"""Fifty rows, stored: every byte behind the 15 of the headers is one of the rows."""
HEADER_BYTES: Final = 10 + 5
"""RFC 1952, section 2.3, and RFC 1951, section 3.2.4."""
FRAMES: Final = [zstandard.ZstdCompressor(write_checksum=True).compress(lines(at, at + 10)) for at in (10, 20, 30, 40)]
"""Ten rows each."""
SKIPPABLE: Final = struct.pack("<II", 0x184D2A53, 5) + b"notes"


def flipped(content: bytes, place: int, bit: int = 0) -> bytes:
    """`content` with one bit changed; a negative place counts from the end."""
    changed = bytearray(content)
    changed[place] ^= 1 << bit
    return bytes(changed)


def gzip_of_zeros(num_bytes: int) -> bytes:
    """A member that decompresses to a line of zeros, made without holding them."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    chunk = bytes(1 << 20)
    pieces = [compressor.compress(chunk) for _ in range(num_bytes >> 20)]
    return b"".join([*pieces, compressor.flush()])


def zstd_of(piece: bytes, times: int) -> bytes:
    """A frame of equal pieces, made without holding them."""
    compressor = zstandard.ZstdCompressor().compressobj()
    pieces = [compressor.compress(piece) for _ in range(times)]
    return b"".join([*pieces, compressor.flush()])


def long_line(megabytes: int) -> bytes:
    """A record whose text has so many MiB, between two good ones, as zstd: some kilobytes."""
    compressor = zstandard.ZstdCompressor().compressobj()
    pieces = [compressor.compress(line(10) + b'{"text": "')]
    pieces += [compressor.compress(b"a" * (1 << 20)) for _ in range(megabytes)]
    return b"".join([*pieces, compressor.compress(b'"}\n' + line(11)), compressor.flush()])


GZIP_CASES: Final = (
    Case(
        "gzip cut in its header",
        "6 bytes of a gzip file",
        files({"a.jsonl.gz": MEMBER[:6], "b.jsonl": lines(10, 15)}),
        Kept(5, damaged={"truncated": 1}),
    ),
    Case(
        "gzip cut in the middle",
        "a gzip file that ends in the middle of its 21st row",
        files({"a.jsonl.gz": MEMBER[: HEADER_BYTES + 20 * ROW_BYTES + 9]}),
        Kept(20, damaged={"truncated": 1}),
    ),
    Case(
        "gzip cut in its checksum",
        "a gzip file without its last 3 bytes",
        files({"a.jsonl.gz": MEMBER[:-3]}),
        Kept(50, damaged={"truncated": 1}),
    ),
    Case(
        "gzip with a flipped bit in its header",
        "a gzip file whose method is unknown",
        files({"a.jsonl.gz": flipped(MEMBER, 2), "b.jsonl": lines(10, 15)}),
        Kept(5, damaged={"corrupt": 1}),
    ),
    Case(
        "gzip with a flipped bit in the middle",
        "a stored letter is another; rows come out before the checksum can tell",
        files({"a.jsonl.gz": flipped(MEMBER, HEADER_BYTES + 20 * ROW_BYTES + 30)}),
        Kept(50, damaged={"corrupt": 1}),
    ),
    Case(
        "gzip with a flipped bit in its checksum",
        "a sound member with the wrong CRC",
        files({"a.jsonl.gz": flipped(MEMBER, -8)}),
        Kept(50, damaged={"corrupt": 1}),
    ),
    Case(
        "gzip with a flipped bit in its length",
        "a sound member with the wrong ISIZE",
        files({"a.jsonl.gz": flipped(MEMBER, -1)}),
        Kept(50, damaged={"corrupt": 1}),
    ),
    Case(
        "gzip of several members",
        "members one after the other, one of them empty, and the zeros that tapes leave",
        files({"a.jsonl.gz": MEMBER + gzip.compress(b"") + gzip.compress(lines(60, 70)) + bytes(512)}),
        Kept(60),
    ),
    Case(
        "gzip with something behind it",
        "a member, and bytes that are none",
        files({"a.jsonl.gz": MEMBER + b"not a member"}),
        Kept(50, damaged={"corrupt": 1}),
    ),
    Case(
        "gzip whose second member is cut",
        "the first member is whole",
        files({"a.jsonl.gz": MEMBER + MEMBER[: HEADER_BYTES + 3 * ROW_BYTES]}),
        Kept(53, damaged={"truncated": 1}),
    ),
    Case(
        "gzip without a byte",
        "an empty file with a gzip name beside a good one",
        files({"a.jsonl.gz": b"", "b.jsonl.gz": MEMBER}),
        Kept(50, damaged={"truncated": 1}),
    ),
    Case("gzip of nothing", "a whole member without content", files({"a.jsonl.gz": gzip.compress(b"")}), Kept(0)),
    Case(
        "jsonl.gz is listed",
        "a pattern that names .jsonl.gz alone; other tools read no such file and end well",
        files({"a.jsonl.gz": MEMBER, "b.jsonl.gz": gzip.compress(lines(60, 65))}),
        Kept(55),
        source={"paths": "in/*.jsonl.gz"},
    ),
)

ZSTD_CASES: Final = (
    Case(
        "zstd cut in its header",
        "3 bytes of a zstd file",
        files({"a.jsonl.zst": FRAMES[0][:3], "b.jsonl": lines(10, 15)}),
        Kept(5, damaged={"truncated": 1}),
    ),
    Case(
        "zstd cut in the middle",
        "the third of four frames ends in the middle",
        files({"a.jsonl.zst": b"".join(FRAMES[:2]) + FRAMES[2][: len(FRAMES[2]) // 2]}),
        Kept(20, damaged={"truncated": 1}),
    ),
    Case(
        "zstd cut in its checksum",
        "the last frame lacks 2 bytes",
        files({"a.jsonl.zst": b"".join(FRAMES)[:-2]}),
        Kept(40, damaged={"truncated": 1}),
    ),
    Case(
        "zstd with a flipped bit in its magic number",
        "the second frame does not begin as one",
        files({"a.jsonl.zst": FRAMES[0] + flipped(FRAMES[1], 0) + FRAMES[2]}),
        Kept(10, damaged={"corrupt": 1}),
    ),
    Case(
        "zstd with a flipped bit in its checksum",
        "the content of the third frame does not fit its checksum",
        files({"a.jsonl.zst": b"".join(FRAMES[:2]) + flipped(FRAMES[2], -1) + FRAMES[3]}),
        Kept(30, damaged={"corrupt": 1}),
    ),
    Case(
        "zstd with skippable frames",
        "frames of rows with frames of notes between them",
        files({"a.jsonl.zst": SKIPPABLE + SKIPPABLE.join(FRAMES) + SKIPPABLE}),
        Kept(40),
    ),
    Case(
        "zstd with a skippable frame that is too long",
        "it claims 4 GiB, and the file ends",
        files({"a.jsonl.zst": FRAMES[0] + struct.pack("<II", 0x184D2A50, 0xFFFFFFFF) + FRAMES[1]}),
        Kept(10, damaged={"truncated": 1}),
    ),
    Case(
        "zstd without a byte",
        "an empty file with a zstd name beside a good one",
        files({"a.jsonl.zst": b"", "b.jsonl.zst": FRAMES[0]}),
        Kept(10, damaged={"truncated": 1}),
    ),
    Case(
        "zstd with a false seek table",
        "the table at the end does not fit the frames",
        files({"a.jsonl.zst": FRAMES[0] + struct.pack("<IIIIIBI", 0x184D2A5E, 17, 7, 7, 1, 0, 0x8F92EAB1)}),
        Kept(10),
    ),
)

NAME_CASES: Final = (
    Case(
        "plain text named .gz",
        "JSON lines that are not compressed under a gzip name",
        files({"a.jsonl.gz": lines(10, 20), "b.jsonl": lines(20, 25)}),
        Kept(5, damaged={"corrupt": 1}),
    ),
    Case(
        "gzip named .zst",
        "the other codec than the name says",
        files({"a.jsonl.zst": MEMBER, "b.jsonl": lines(20, 25)}),
        Kept(5, damaged={"corrupt": 1}),
    ),
    Case(
        "gzip named .jsonl",
        "compressed bytes read as lines",
        files({"a.jsonl": gzip.compress(line(10), mtime=0), "b.jsonl": lines(20, 25)}),
        Kept(5, quarantined={"invalid_utf8": 1}),
    ),
)

BOMB_CASES: Final = (
    Case(
        "gzip bomb of one line",
        "100 KB that are 100 MiB of zeros: more than 200 times as much, and more than 64 MiB",
        files({"a.jsonl.gz": lambda: gzip_of_zeros(100 << 20), "b.jsonl": lines(10, 15)}),
        Kept(5, quarantined={"too_large": 1}, damaged={"expands_too_far": 1}),
    ),
    Case(
        "zstd bomb of rows",
        "some KB that are 96 MiB of good rows of 1 MiB each",
        files({"a.jsonl.zst": lambda: zstd_of(b'{"text": "' + b"a" * ((1 << 20) - 13) + b'"}\n', 96)}),
        Kept(64, damaged={"expands_too_far": 1}),
    ),
    Case(
        "zstd bomb that is allowed",
        "the same, in a source that allows 100,000 times its size",
        files({"a.jsonl.zst": lambda: zstd_of(b'{"text": "' + b"a" * ((1 << 20) - 13) + b'"}\n', 96)}),
        Kept(96),
        source={"max_expansion": 100_000},
    ),
    Case(
        "zstd bomb of one block",
        "128 KiB of zeros in 4 bytes: 512 such blocks are 64 MiB, and 1,000 are more",
        files(
            {
                "a.jsonl.zst": struct.pack("<IBB", 0xFD2FB528, 0, 0x58)
                + 999 * bytes([0x02, 0x00, 0x10, 0x00])
                + bytes([0x03, 0x00, 0x10, 0x00]),
                "b.jsonl": lines(10, 15),
            }
        ),
        Kept(5, quarantined={"too_large": 1}, damaged={"expands_too_far": 1}),
    ),
    Case(
        "line of 40 MiB",
        "a text that its source calls too long, between two others",
        files({"a.jsonl.zst": lambda: long_line(40)}),
        Kept(2, quarantined={"too_large": 1}),
    ),
    Case(
        "line of 12 MiB",
        "as long as a text may be without a word in the recipe: 16 MiB",
        files({"a.jsonl.zst": lambda: long_line(12)}),
        Kept(3),
    ),
    Case(
        "line of 1 GiB",
        "a file that lost its line ends; nobody holds the line",
        files({"a.jsonl.zst": lambda: long_line(1024)}),
        Kept(2, quarantined={"too_large": 1}),
        source={"max_expansion": 1_000_000},
        is_slow=True,
    ),
)

CASES: Final = (*GZIP_CASES, *ZSTD_CASES, *NAME_CASES, *BOMB_CASES)
