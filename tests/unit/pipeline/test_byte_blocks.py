import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.byte_blocks import (
    break_marks,
    bytes_below,
    count_bytes,
    count_continuations,
    load_block,
    load_part,
    load_rest,
    marks_below,
    marks_of,
)
from pipeline.kernel import Bytes, kernel

blocks = st.lists(st.one_of(st.sampled_from([0, 9, 10, 0x1F, 0x20, 0x7F, 0x80, 0xC2, 0xE2, 0xFF]), st.integers(0, 255)),
                  min_size=8, max_size=8).map(bytes)  # fmt: skip


@kernel
def first_mark(data: Bytes, byte: np.uint64) -> np.uintp:
    marks = marks_of(load_block(data, np.uintp(0)), byte)
    return np.uintp(8) if marks == np.uint64(0) else count_bytes(bytes_below(marks))


@kernel
def first_break_mark(data: Bytes) -> np.uintp:
    marks = break_marks(load_block(data, np.uintp(0)))
    return np.uintp(8) if marks == np.uint64(0) else count_bytes(bytes_below(marks))


@kernel
def part_of(data: Bytes, begin: np.uintp, end: np.uintp) -> np.uint64:
    return load_part(data, begin, end)


@kernel
def rest_of(data: Bytes, begin: np.uintp, end: np.uintp) -> np.uint64:
    return load_rest(data, begin, end)


@kernel
def first_mark_below(data: Bytes, limit: np.uint64) -> np.uintp:
    marks = marks_below(load_block(data, np.uintp(0)), limit)
    return np.uintp(8) if marks == np.uint64(0) else count_bytes(bytes_below(marks))


@kernel
def continuations(data: Bytes) -> np.int64:
    return count_continuations(load_block(data, np.uintp(0)))


def array_of(block):
    return np.frombuffer(block, np.uint8)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(blocks, st.sampled_from([0, 0x0A, 0x2E, 0x7F, 0x80, 0xE2, 0xFF]))
def test_the_first_of_a_byte_is_marked(block, byte):
    place = block.find(byte)
    assert first_mark(array_of(block), np.uint64(byte)) == (place if place >= 0 else 8)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(blocks)
def test_the_first_byte_that_may_break_a_line_is_marked(block):
    places = [k for k, byte in enumerate(block) if byte < 0x20 or byte in {0xC2, 0xE2}]
    assert first_break_mark(array_of(block)) == (places[0] if places else 8)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(blocks, st.sampled_from([0, 1, 0x20, 0x21, 0x7F, 0x80]))
def test_the_first_byte_below_a_limit_is_marked(block, limit):
    places = [k for k, byte in enumerate(block) if byte < limit]
    assert first_mark_below(array_of(block), np.uint64(limit)) == (places[0] if places else 8)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(blocks)
def test_continuations_are_counted(block):
    assert continuations(array_of(block)) == sum(byte & 0xC0 == 0x80 for byte in block)


@pytest.mark.parametrize(("begin", "end"), [(0, 0), (0, 8), (2, 5), (8, 8)])
def test_a_part_has_zeros_behind_it(begin, end):
    block = bytes(range(1, 9))
    assert part_of(array_of(block), np.uintp(begin), np.uintp(end)) == int.from_bytes(block[begin:end], "little")


@pytest.mark.parametrize("behind", [0, 1, 7, 8, 20])
def test_a_rest_has_zeros_in_place_of_what_follows(behind):
    block = bytes(range(1, 9)) + b"\xff" * behind
    for begin in range(1, 9):
        for end in range(begin, 9):
            found = rest_of(array_of(block), np.uintp(begin), np.uintp(end))
            assert found == int.from_bytes(block[begin:end], "little")
