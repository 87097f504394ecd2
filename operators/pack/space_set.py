"""A set of small integers that finds its smallest member not below a number: the free spaces of open windows.

A member is a bit; a bit of a level says that its word of the level below is not zero. Words have 64 bits, so three
levels hold 262,144 members and four hold 16 million.

Dimension letters: W words of all levels, V levels.
"""

import numpy as np
import numpy.typing as npt

from pipeline.kernel import inline_kernel, kernel

Words = npt.NDArray[np.uint64]
Starts = npt.NDArray[np.uintp]

WORD_BITS = 64
WORD_SHIFT = np.uintp(6)
WORD_MASK = np.uintp(63)
ONE = np.uint64(1)
NO_BITS = np.uint64(0)
ALL_BITS = np.uint64(0xFFFFFFFFFFFFFFFF)


def empty_set(largest: int) -> tuple[Words, Starts]:
    """An empty set for members 0..largest: its words, and where each level begins among them, ended by the total."""
    sizes = [largest // WORD_BITS + 1]
    while sizes[-1] > 1:
        sizes.append((sizes[-1] - 1) // WORD_BITS + 1)
    starts = np.zeros(len(sizes) + 1, np.uintp)  # (V + 1,)
    np.cumsum(sizes, out=starts[1:])
    return np.zeros(int(starts[-1]), np.uint64), starts  # (W,)


@inline_kernel
def lowest_bit(word: np.uint64) -> np.uintp:
    """The place of the lowest set bit; the word is not zero. Six halvings, since Numba has no such instruction."""
    place = np.uintp(0)
    if word & np.uint64(0xFFFFFFFF) == NO_BITS:
        place += np.uintp(32)
        word >>= np.uint64(32)
    if word & np.uint64(0xFFFF) == NO_BITS:
        place += np.uintp(16)
        word >>= np.uint64(16)
    if word & np.uint64(0xFF) == NO_BITS:
        place += np.uintp(8)
        word >>= np.uint64(8)
    if word & np.uint64(0xF) == NO_BITS:
        place += np.uintp(4)
        word >>= np.uint64(4)
    if word & np.uint64(0x3) == NO_BITS:
        place += np.uintp(2)
        word >>= np.uint64(2)
    if word & ONE == NO_BITS:
        place += np.uintp(1)
    return place


@kernel
def insert(words: Words, starts: Starts, member: np.uintp) -> None:
    """Adds `member`."""
    place = member
    for level in range(starts.shape[0] - 1):
        at = starts[level] + (place >> WORD_SHIFT)
        before = words[at]
        words[at] = before | (ONE << np.uint64(place & WORD_MASK))
        if before != NO_BITS:
            return
        place >>= WORD_SHIFT


@kernel
def remove(words: Words, starts: Starts, member: np.uintp) -> None:
    """Takes `member` out."""
    place = member
    for level in range(starts.shape[0] - 1):
        at = starts[level] + (place >> WORD_SHIFT)
        words[at] &= ~(ONE << np.uint64(place & WORD_MASK))
        if words[at] != NO_BITS:
            return
        place >>= WORD_SHIFT


@kernel
def smallest_from(words: Words, starts: Starts, least: np.uintp, none: np.uintp) -> np.uintp:
    """The smallest member that is `least` or more, or `none`. Climbs until a word has a bit to the right, descends."""
    num_levels = starts.shape[0] - 1
    place = least
    for level in range(num_levels):
        word_at = place >> WORD_SHIFT
        if starts[level] + word_at >= starts[level + 1]:
            return none
        found = words[starts[level] + word_at] & (ALL_BITS << np.uint64(place & WORD_MASK))
        if found != NO_BITS:
            place = (word_at << WORD_SHIFT) + lowest_bit(found)
            for below in range(level - 1, -1, -1):
                place = (place << WORD_SHIFT) + lowest_bit(words[starts[below] + place])
            return place
        place = word_at + np.uintp(1)
    return none
