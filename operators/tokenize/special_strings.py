"""Where a text writes a special token out: counted by a kernel over Arrow text.

Dimension letters: D documents, S strings, F first bytes.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.byte_blocks import BLOCK, bytes_below, count_bytes, load_block, marks_of
from pipeline.kernel import Bytes, Offsets, kernel, text_buffers

KEYS: Final = 1 << 16


class SpecialStrings(NamedTuple):
    """S strings in the order of their keys, the first two bytes, and those of a key from the longest to the shortest.

    Where a string is of one byte, keys are of one byte.
    """

    data: Bytes
    bounds: Offsets  # (S + 1,)
    first_bytes: npt.NDArray[np.uint64]  # (F,)
    first_of_key: npt.NDArray[np.uint32]  # (KEYS + 1,) the strings of key k are first_of_key[k] to first_of_key[k + 1]
    key_bytes: np.uintp


def special_strings(strings: Iterable[str]) -> SpecialStrings:
    """The tables of these strings."""
    wanted = {string.encode() for string in strings} - {b""}
    key_bytes = min([2, *map(len, wanted)])
    keyed = sorted((int.from_bytes(string[:key_bytes], "little"), -len(string), string) for string in wanted)
    bounds = np.zeros(len(keyed) + 1, np.int64)
    np.cumsum([len(string) for *_, string in keyed], out=bounds[1:])
    first_of_key = np.searchsorted([key for key, *_ in keyed], np.arange(KEYS + 1)).astype(np.uint32)
    first_bytes = np.array(sorted({string[0] for string in wanted}), np.uint64)
    data = np.frombuffer(b"".join(string for *_, string in keyed), np.uint8)
    return SpecialStrings(data, bounds, first_bytes, first_of_key, np.uintp(key_bytes))


def count_special(strings: SpecialStrings, texts: pa.Array) -> Offsets:
    """How often each of D texts has any of the strings, from left to right, the longest first, none inside another."""
    counts = np.zeros(len(texts), np.int64)
    if strings.first_bytes.size:
        _count(*text_buffers(texts), strings, counts)
    return counts


@kernel
def _count(data: Bytes, offsets: Offsets, strings: SpecialStrings, counts: Offsets) -> None:
    for document in range(counts.size):
        d = np.uintp(document)
        i, end = np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)])
        while True:
            i = _next_first_byte(data, i, end, strings.first_bytes)
            if i >= end:
                break
            num_bytes = _string_at(data, i, end, strings)
            if num_bytes:
                counts[d] += np.int64(1)
                i += num_bytes
            else:
                i += np.uintp(1)


@kernel
def _next_first_byte(data: Bytes, i: np.uintp, end: np.uintp, first_bytes: npt.NDArray[np.uint64]) -> np.uintp:
    """The first place from `i` on with one of the bytes; `end` if there is none."""
    while i + BLOCK <= end:
        block = load_block(data, i)
        marks = np.uint64(0)
        for f in range(first_bytes.size):
            marks |= marks_of(block, first_bytes[np.uintp(f)])
        if marks:
            return np.uintp(i + count_bytes(bytes_below(marks)))
        i += BLOCK
    while i < end:
        for f in range(first_bytes.size):
            if np.uint64(data[i]) == first_bytes[np.uintp(f)]:
                return i
        i += np.uintp(1)
    return end


@kernel
def _string_at(data: Bytes, i: np.uintp, end: np.uintp, strings: SpecialStrings) -> np.uintp:
    """Bytes of the longest string that begins at `i`; 0 if none does."""
    if i + strings.key_bytes > end:
        return np.uintp(0)
    key = np.uintp(data[i])
    if strings.key_bytes == np.uintp(2):
        key |= np.uintp(data[i + np.uintp(1)]) << np.uintp(8)
    for string in range(strings.first_of_key[key], strings.first_of_key[key + np.uintp(1)]):
        s = np.uintp(string)
        begin, after = np.uintp(strings.bounds[s]), np.uintp(strings.bounds[s + np.uintp(1)])
        num_bytes = after - begin
        if num_bytes > end - i:
            continue
        same = np.uintp(0)
        while same < num_bytes and data[i + same] == strings.data[begin + same]:
            same += np.uintp(1)
        if same == num_bytes:
            return num_bytes
    return np.uintp(0)
