"""Footers that pyarrow would end the process for: were one of them let through, this test would not come to its end."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.io.footer_checks import Leaf, is_safe
from pipeline.io.parquet_footer import read_footer

TABLE = pa.table(
    {
        "text": ["a", "b", None],
        "n": [1, 2, 3],
        "tags": [["x"], [], None],
        "id": pa.array([b"1", b"2", b"3"], pa.binary(1)),
    }
)


def stored(**options):
    sink = io.BytesIO()
    pq.write_table(TABLE, sink, compression="none", store_schema=False, row_group_size=2, **options)
    return sink.getvalue()


def test_no_flipped_bit_of_a_footer_ends_the_process(write_input):
    content = stored()
    size = int.from_bytes(content[-8:-4], "little")
    assert read_footer(write_input("whole.parquet", content)).num_rows == 3
    broken = 0
    for bit in range((len(content) - 8 - size) * 8, (len(content) - 8) * 8):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        broken += read_footer(write_input("a.parquet", bytes(flipped))) is None
    assert broken


@pytest.mark.parametrize("options", [{}, {"write_statistics": False}, {"use_dictionary": False}, {"version": "1.0"}])
def test_what_arrow_writes_is_safe(write_input, options):
    assert read_footer(write_input("a.parquet", stored(**options))) is not None


def chunk(sizes, encryption=b""):
    """A footer with one row group of one chunk: field 16 of its metadata are `sizes`."""
    metadata = b"\x0c\x20" + sizes + b"\0"  # a struct, the field's number as an integer
    return b"\x49\x1c" + b"\x19\x1c" + b"\x3c" + metadata + encryption + b"\0" + b"\0" + b"\0"


def test_sizes_fit_the_column():
    text = Leaf(is_text=True, num_repetitions=1, num_definitions=2)
    number = Leaf(is_text=False, num_repetitions=1, num_definitions=2)
    assert is_safe(chunk(b"\0"), [text])
    assert is_safe(chunk(b"\x16\x02\x19\x16\x00\x19\x26\x00\x00\0"), [text])  # bytes of text, [0], [0, 0]
    assert not is_safe(chunk(b"\x16\x02\0"), [number])
    assert not is_safe(chunk(b"\x29\x26\x00\x00\0"), [text])
    assert not is_safe(chunk(b"\x39\x36\x00\x00\x00\0"), [text])
    assert is_safe(chunk(b"\x29\x06\0"), [text])  # none
    assert not is_safe(chunk(b"\0", encryption=b"\x5c\0"), [text])
    assert not is_safe(chunk(b"\0")[:-4], [text])
