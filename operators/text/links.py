r"""Removal of links from text, by kernels: addresses with a scheme or `www.`, names of four parts, names of domains.

The rules are those of MAP-NEO's three regular expressions, each applied to what the one before it left:

    https?://[^\s,\uff0c\u4e00-\u9fa5]*|www\.[^\s,\uff0c\u4e00-\u9fa5]*
    [a-zA-Z0-9-]+\.[a-zA-Z0-9-]+\.[a-zA-Z0-9-]+\.[a-zA-Z0-9.-]+\.?
    (?<![\u4e00-\u9fa5])(\b[a-zA-Z0-9.-]+\.[a-z]{2,6}\b)

A search for the second or third takes quadratic time in long names; here every rule takes one pass.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.text.characters import Classes, decode, document_text, longest_text
from operators.text.regex_classes import SPACE, WORD, regex_classes
from operators.text.written_text import written_text
from pipeline.kernel import Bytes, Offsets, inline_kernel, kernel

LINK_RULES: Final = ("links", "dotted_names", "domains")

FULL_STOP: Final = 0x2E
HYPHEN: Final = 0x2D
COMMA: Final = 0x2C
FULL_WIDTH_COMMA: Final = 0xFF0C
FIRST_CHINESE: Final = 0x4E00
LAST_CHINESE: Final = 0x9FA5
"""As MAP-NEO's patterns have them."""
MIN_DOMAIN_LETTERS: Final = 2
MAX_DOMAIN_LETTERS: Final = 6

Sizes = npt.NDArray[np.float64]


@inline_kernel
def is_chinese(code_point: np.uint32) -> bool:
    """Whether a character is what the patterns take for Chinese."""
    return bool(code_point >= np.uint32(FIRST_CHINESE) and code_point <= np.uint32(LAST_CHINESE))


@inline_kernel
def is_alphanumeric(byte: np.uint8) -> bool:
    """Whether a byte is one of a-z, A-Z and 0-9."""
    lower = byte | np.uint8(0x20)
    is_letter = lower >= np.uint8(0x61) and lower <= np.uint8(0x7A)
    return bool(is_letter or (byte >= np.uint8(0x30) and byte <= np.uint8(0x39)))


@inline_kernel
def is_in_name(byte: np.uint8) -> bool:
    """Whether a byte is one of a-z, A-Z, 0-9, full stop and hyphen."""
    return bool(is_alphanumeric(byte) or byte == np.uint8(FULL_STOP) or byte == np.uint8(HYPHEN))


@kernel
def link_start_width(data: Bytes, i: np.uintp, end: np.uintp) -> np.uintp:
    """How long the `http://`, `https://` or `www.` is that begins at byte `i`; 0 where none does."""
    left = end - i
    first = data[i]
    if first == np.uint8(0x77):
        if (
            left >= np.uintp(4)
            and data[i + np.uintp(1)] == first
            and data[i + np.uintp(2)] == first
            and data[i + np.uintp(3)] == np.uint8(FULL_STOP)
        ):
            return np.uintp(4)
        return np.uintp(0)
    if first != np.uint8(0x68) or left < np.uintp(7):
        return np.uintp(0)
    if not (
        data[i + np.uintp(1)] == np.uint8(0x74)
        and data[i + np.uintp(2)] == np.uint8(0x74)
        and data[i + np.uintp(3)] == np.uint8(0x70)
    ):
        return np.uintp(0)
    colon = i + np.uintp(4)
    if data[colon] == np.uint8(0x73):
        colon += np.uintp(1)
    if (
        colon + np.uintp(3) <= end
        and data[colon] == np.uint8(0x3A)
        and data[colon + np.uintp(1)] == np.uint8(0x2F)
        and data[colon + np.uintp(2)] == np.uint8(0x2F)
    ):
        return colon + np.uintp(3) - i
    return np.uintp(0)


@kernel
def end_of_link(data: Bytes, i: np.uintp, end: np.uintp, classes: Classes) -> np.uintp:
    """Where the first whitespace, comma or Chinese character from `i` on stands, or `end`."""
    while i < end:
        code_point, width = decode(data, i)
        if (
            classes[code_point] & np.uint8(SPACE)
            or code_point == np.uint32(COMMA)
            or code_point == np.uint32(FULL_WIDTH_COMMA)
            or is_chinese(code_point)
        ):
            return i
        i += width
    return end


@kernel
def dotted_name(data: Bytes, begin: np.uintp, end: np.uintp) -> tuple[np.uintp, np.uintp]:
    """Of a run of letters, digits, hyphens and full stops: where four parts begin, none of the first three empty.

    Such a name goes up to the run's end. Returns an empty range where there is none.
    """
    num_parts = np.uintp(0)
    first = begin
    part = begin
    for k in range(begin, end):
        i = np.uintp(k)
        if data[i] != np.uint8(FULL_STOP):
            continue
        if i == part:
            num_parts = np.uintp(0)
        else:
            if num_parts == np.uintp(0):
                first = part
            num_parts += np.uintp(1)
            if num_parts >= np.uintp(3) and i + np.uintp(1) < end:
                return first, end
        part = i + np.uintp(1)
    return end, end


@kernel
def domain_name(
    data: Bytes, begin: np.uintp, end: np.uintp, before: np.uint32, after: np.uint32, classes: Classes
) -> tuple[np.uintp, np.uintp]:
    """Of a run of letters, digits, hyphens and full stops: the longest piece that ends as a domain does.

    It ends in a full stop and two to six small letters, where a word ends, and begins where a word begins or ends.
    `before` and `after` are the characters around the run, or 0. Returns an empty range where there is none.
    """
    last_stop = begin
    stop = end
    for k in range(begin, end):
        i = np.uintp(k)
        if data[i] != np.uint8(FULL_STOP):
            continue
        j = i + np.uintp(1)
        while j < end and data[j] >= np.uint8(0x61) and data[j] <= np.uint8(0x7A):
            j += np.uintp(1)
        num_letters = j - i - np.uintp(1)
        if num_letters < np.uintp(MIN_DOMAIN_LETTERS) or num_letters > np.uintp(MAX_DOMAIN_LETTERS):
            continue
        goes_on = is_alphanumeric(data[j]) if j < end else classes[after] & np.uint8(WORD) != 0
        if not goes_on:
            last_stop = i
            stop = j
    was_word = classes[before] & np.uint8(WORD) != 0
    for k in range(begin, last_stop):
        i = np.uintp(k)
        is_word = is_alphanumeric(data[i])
        if is_word != was_word and not (i == begin and is_chinese(before)):
            return i, stop
        was_word = is_word
    return end, end


@kernel
def copy(data: Bytes, begin: np.uintp, end: np.uintp, out: Bytes, at: np.uintp) -> np.uintp:
    """Copies to `out[at:]`; returns where the copy ends."""
    for k in range(begin, end):
        out[at] = data[np.uintp(k)]
        at += np.uintp(1)
    return at


@kernel
def remove_links(data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes, out: Bytes) -> tuple[np.uintp, int]:
    """Writes the text to `out` without what begins with a scheme or `www.`; returns its length and how many went."""
    at = np.uintp(0)
    num_links = 0
    i = begin
    while i < end:
        width = link_start_width(data, i, end)
        if width > np.uintp(0):
            num_links += 1
            i = end_of_link(data, i + width, end, classes)
        else:
            out[at] = data[i]
            at += np.uintp(1)
            i += np.uintp(1)
    return at, num_links


@kernel
def remove_names(data: Bytes, end: np.uintp, finds_domains: bool, classes: Classes, out: Bytes) -> tuple[np.uintp, int]:
    """Writes `data[:end]` to `out` without dotted names, or without domains; returns its length and how many went."""
    at = np.uintp(0)
    num_names = 0
    before = np.uint32(0)
    i = np.uintp(0)
    while i < end:
        if not is_in_name(data[i]):
            before, width = decode(data, i)
            at = copy(data, i, i + width, out, at)
            i += width
            continue
        run = i
        while i < end and is_in_name(data[i]):
            i += np.uintp(1)
        if finds_domains:
            after = decode(data, i)[0] if i < end else np.uint32(0)
            first, stop = domain_name(data, run, i, before, after, classes)
        else:
            first, stop = dotted_name(data, run, i)
        if first < stop:
            num_names += 1
        at = copy(data, run, first, out, at)
        at = copy(data, stop, i, out, at)
        before = np.uint32(data[i - np.uintp(1)])
    return at, num_names


@kernel
def remove_all(
    data: Bytes,
    offsets: Offsets,
    classes: Classes,
    first: Bytes,
    second: Bytes,
    out: Bytes,
    out_offsets: Offsets,
    sizes: Sizes,
) -> None:
    """Writes the documents without links to `out`; `first` and `second` are scratch for the longest of them."""
    at = np.uintp(0)
    for k in range(offsets.shape[0] - 1):
        d = np.uintp(k)
        begin, end = np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)])
        length, num_removed = remove_links(data, begin, end, classes, first)
        sizes[d, 0] = num_removed
        length, num_removed = remove_names(first, length, False, classes, second)
        sizes[d, 1] = num_removed
        length, num_removed = remove_names(second, length, True, classes, out[at:])
        sizes[d, 2] = num_removed
        at += length
        out_offsets[d + np.uintp(1)] = np.int64(at)


def without_links(texts: pa.Array) -> tuple[pa.Array, Sizes]:
    """The texts without links, and how many went by each of `LINK_RULES`, (D, 3)."""
    data, offsets = document_text(texts)
    out = np.empty(int(offsets[-1] - offsets[0]), np.uint8)
    out_offsets = np.zeros(len(texts) + 1, np.int64)
    first, second = np.empty((2, longest_text(offsets)), np.uint8)
    sizes = np.zeros((len(texts), len(LINK_RULES)))
    remove_all(data, offsets, regex_classes(), first, second, out, out_offsets, sizes)
    return (written_text(out, out_offsets) if sizes.any() else texts), sizes
