import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.hashing import hash_blocks, mix32, mix64
from pipeline.kernel import kernel


@kernel
def mixed_both(value64: np.uint64, value32: np.uint32) -> tuple[np.uint64, np.uint32]:
    return mix64(value64), mix32(value32)


def unmix(value, bits, first_shift, second_shift, third_shift, first, second):
    """The inverse of a finaliser, in Python's integers: that there is one shows that nothing is lost."""
    mask = (1 << bits) - 1

    def unshift(shifted, by):
        original = shifted
        for _ in range(bits // by + 1):
            original = shifted ^ (original >> by)
        return original

    value = unshift(value, third_shift) * pow(second, -1, 1 << bits) & mask
    value = unshift(value, second_shift) * pow(first, -1, 1 << bits) & mask
    return unshift(value, first_shift)


@settings(deadline=None, derandomize=True)  # the first example compiles
@given(value64=st.integers(0, 2**64 - 1), value32=st.integers(0, 2**32 - 1))
def test_mixers_are_the_bijections_of_murmurhash3(value64, value32):
    wide, narrow = mixed_both(np.uint64(value64), np.uint32(value32))
    assert unmix(int(wide), 64, 33, 33, 33, 0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53) == value64
    assert unmix(int(narrow), 32, 16, 13, 16, 0x85EBCA6B, 0xC2B2AE35) == value32


@pytest.mark.parametrize("bit", [0, 31, 32, 63])
def test_one_input_bit_changes_about_half_of_the_output(bit):
    flips = [
        (
            int(mixed_both(np.uint64(value), np.uint32(0))[0])
            ^ int(mixed_both(np.uint64(value ^ 1 << bit), np.uint32(0))[0])
        ).bit_count()
        for value in range(1, 200)
    ]
    assert 28 < sum(flips) / len(flips) < 36


def hashed(content, begin=0, end=None):
    end = len(content) if end is None else end
    return hash_blocks(np.frombuffer(content, np.uint8), np.uintp(begin), np.uintp(end))


@settings(deadline=None)
@given(st.binary(max_size=30), st.binary(max_size=30), st.binary(max_size=30))
def test_bytes_have_one_hash_wherever_they_stand(before, content, behind):
    assert hashed(before + content + behind, len(before), len(before) + len(content)) == hashed(content)


def test_what_is_alike_has_its_own_hash():
    contents = [b"", b"\0", b"\0\0", b"a", b"a\0", b"b", b"abcdefgh", b"abcdefgh\0", b"abcdefghabcdefgh", b"text"]
    contents += [b"k%d" % n for n in range(100_000)]
    assert len({int(hashed(content)) for content in contents}) == len(contents)
