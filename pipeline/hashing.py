"""Hashes and their mixers and constants, for kernels. They make no choice about what is hashed."""

from typing import Final

import numpy as np

from pipeline.byte_blocks import BLOCK, load_block, load_rest
from pipeline.kernel import Bytes, borrowing_kernel, inline_kernel

# The 64-bit and 32-bit finalisers of MurmurHash3 (Austin Appleby, public domain): bijections in which every input bit
# changes every output bit with a probability near one half.
_MIX64_FIRST: Final = np.uint64(0xFF51AFD7ED558CCD)
_MIX64_SECOND: Final = np.uint64(0xC4CEB9FE1A85EC53)
_MIX32_FIRST: Final = np.uint32(0x85EBCA6B)
_MIX32_SECOND: Final = np.uint32(0xC2B2AE35)

GOLDEN_RATIO: Final = np.uint64(0x9E3779B97F4A7C15)
"""2^64 / golden ratio, odd: spreads small integers over 64 bits before they are mixed."""

WORD_MULTIPLIER: Final = np.uint64(0xD1342543DE82EF95)
"""Base of the polynomial over a word's letters: a multiplier of Steele and Vigna, arXiv 2001.05304."""

SHINGLE_MULTIPLIER: Final = np.uint64(0xD6E8FEB86659FD93)
"""Base of the rolling polynomial over word hashes; any odd constant with mixed bits does."""


@inline_kernel
def mix64(value: np.uint64) -> np.uint64:
    """A bijection of 64 bits; 0 stays 0."""
    value ^= value >> np.uint64(33)
    value *= _MIX64_FIRST
    value ^= value >> np.uint64(33)
    value *= _MIX64_SECOND
    return value ^ (value >> np.uint64(33))


@inline_kernel
def mix32(value: np.uint32) -> np.uint32:
    """A bijection of 32 bits; 0 stays 0."""
    # Numba widens 32-bit results to 64 bits, so every step is narrowed again.
    mixed = np.uint32(value ^ (value >> np.uint32(16)))
    mixed = np.uint32(mixed * _MIX32_FIRST)
    mixed = np.uint32(mixed ^ (mixed >> np.uint32(13)))
    mixed = np.uint32(mixed * _MIX32_SECOND)
    return np.uint32(mixed ^ (mixed >> np.uint32(16)))


@borrowing_kernel
def hash_blocks(data: Bytes, begin: np.uintp, end: np.uintp) -> np.uint64:
    """A hash of `data[begin:end]`, eight bytes at a time. The same wherever they stand; not safe from who seeks two."""
    state = np.uint64(end - begin) * GOLDEN_RATIO
    i = begin
    while end - i >= BLOCK:
        state = (state ^ load_block(data, i)) * WORD_MULTIPLIER
        state ^= state >> np.uint64(32)
        i += BLOCK
    return mix64(state ^ load_rest(data, i, end))
