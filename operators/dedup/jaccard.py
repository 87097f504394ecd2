"""The Jaccard similarity of two sets, exactly. Sets are sorted arrays of distinct 32-bit values."""

import numpy as np
import numpy.typing as npt

from pipeline.kernel import kernel

UInt32Array = npt.NDArray[np.uint32]


@kernel
def jaccard(one: UInt32Array, other: UInt32Array) -> float:
    """The size of the intersection over the size of the union; 0 for two empty sets.

    For other kernels; both arrays should be of one kind, read-only or not, since each pair of kinds is compiled.
    """
    num_one = np.uintp(one.shape[0])
    num_other = np.uintp(other.shape[0])
    at_one = np.uintp(0)
    at_other = np.uintp(0)
    num_shared = np.uintp(0)
    while at_one < num_one and at_other < num_other:
        first = one[at_one]
        second = other[at_other]
        num_shared += np.uintp(first == second)
        at_one += np.uintp(first <= second)
        at_other += np.uintp(second <= first)
    num_either = num_one + num_other - num_shared
    return float(num_shared) / float(num_either) if num_either else 0.0


@kernel
def sort_distinct(values: UInt32Array, scratch: UInt32Array) -> int:
    """Sorts `values` in place and moves the distinct ones to the front; returns how many. `scratch` is as long.

    A radix sort in four passes of a byte: it compares nothing, so it needs the same time for any order.
    """
    num = np.uintp(values.shape[0])
    ends = np.empty(256, np.uintp)
    for digit in range(4):
        shift = np.uint32(8 * digit)
        ends[:] = np.uintp(0)
        for index in range(num):
            ends[np.uintp(values[np.uintp(index)] >> shift & np.uint32(0xFF))] += np.uintp(1)
        start = np.uintp(0)
        for index in range(256):
            count = ends[np.uintp(index)]
            ends[np.uintp(index)] = start
            start += count
        for index in range(num):
            value = values[np.uintp(index)]
            place = np.uintp(value >> shift & np.uint32(0xFF))
            scratch[ends[place]] = value
            ends[place] += np.uintp(1)
        for index in range(num):
            values[np.uintp(index)] = scratch[np.uintp(index)]
    num_distinct = np.uintp(0)
    for index in range(num):
        value = values[np.uintp(index)]
        if index == np.uintp(0) or value != values[num_distinct - np.uintp(1)]:
            values[num_distinct] = value
            num_distinct += np.uintp(1)
    return int(np.int64(num_distinct))
