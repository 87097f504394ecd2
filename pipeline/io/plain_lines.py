"""A kernel that finds the plain records of a block of JSON lines and writes what is read of them into columns.

A record is plain where every value that is read has the type that it should have, and nothing else is unusual: no name
is escaped, comes twice, or has the hash of another one. What is not plain is left to who reads line by line, so errors
have no words here.

Dimension letters: N names, P plain records, O other lines.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.hashing import hash_blocks
from pipeline.io.json_strings import NOT_PLAIN, QUOTE, copy_bytes, skip_characters, unescape_string
from pipeline.io.json_values import CLOSE_OBJECT, COLON, COMMA, OPEN_OBJECT, STRING, skip_spaces, skip_value
from pipeline.kernel import Bytes, Offsets, borrowing_kernel, inline_kernel

Spans = npt.NDArray[np.int64]

MAX_MEMBERS: Final = 128
"""Of a plain record: each name is compared with all before it."""

_ONE: Final = np.uintp(1)
_NEWLINE: Final = np.uint8(ord("\n"))
_FIRST_OF_NULL: Final = np.uint8(ord("n"))


class Wanted(NamedTuple):
    """The N names that are read; the text's is the first, the id's the second where there is one."""

    data: Bytes
    bounds: Offsets  # (N + 1,)
    hashes: npt.NDArray[np.uint64]  # (N,)
    kinds: npt.NDArray[np.uint8]  # (N,) of values that are plain, as bits
    required: npt.NDArray[np.bool_]  # (N,)
    id_name: np.uintp
    """N where the source has no id."""
    with_metadata: np.bool_


class Found(NamedTuple):
    """What is written: of P records, and the places of O other lines."""

    begins: Offsets  # (P,)
    spans: Spans  # (P, N, 2) of values that are read, 0 where there is none
    text: Bytes
    text_bounds: Offsets  # (P + 1,)
    ids: Bytes
    id_bounds: Offsets  # (P + 1,)
    has_id: npt.NDArray[np.bool_]  # (P,)
    metadata: Bytes
    metadata_bounds: Offsets  # (P + 1,)
    other_spans: Spans  # (O, 2) of lines that are not blank
    other_places: Offsets  # (O,) how many plain records stand before each
    names: npt.NDArray[np.uint64]  # (MAX_MEMBERS,) hashes of one record's


@borrowing_kernel
def _is_new(names: npt.NDArray[np.uint64], num_names: np.uintp, name: np.uint64) -> bool:
    """Whether `name` is none of the names."""
    is_new = True
    for k in range(num_names):
        is_new &= bool(names[np.uintp(k)] != name)
    return is_new


@inline_kernel
def _find_name(wanted: Wanted, name: np.uint64) -> np.uintp:
    """Which of the wanted names has this hash; N if none has."""
    for k in range(wanted.hashes.size):
        if wanted.hashes[np.uintp(k)] == name:
            return np.uintp(k)
    return np.uintp(wanted.hashes.size)


@inline_kernel
def _is_name(data: Bytes, begin: np.uintp, end: np.uintp, wanted: Wanted, n: np.uintp) -> bool:
    """Whether `data[begin:end]` is the wanted name `n`, byte by byte."""
    first = np.uintp(wanted.bounds[n])
    if end - begin != np.uintp(wanted.bounds[n + _ONE]) - first:
        return False
    is_same = True
    for k in range(end - begin):
        is_same &= bool(data[begin + np.uintp(k)] == wanted.data[first + np.uintp(k)])
    return is_same


@inline_kernel
def _add_member(
    data: Bytes, name: tuple[np.uintp, np.uintp], value: tuple[np.uintp, np.uintp], found: Found, p: np.uintp
) -> None:
    """Adds a member, from quote to quote and from begin to end, to the metadata of record `p`."""
    o = np.uintp(found.metadata_bounds[p + _ONE])
    found.metadata[o] = OPEN_OBJECT if found.metadata_bounds[p + _ONE] == found.metadata_bounds[p] else COMMA
    o = copy_bytes(data, name[0], name[1], found.metadata, o + _ONE)
    found.metadata[o] = COLON
    o = copy_bytes(data, value[0], value[1], found.metadata, o + _ONE)
    found.metadata_bounds[p + _ONE] = np.int64(o)


@inline_kernel
def _read_value(
    data: Bytes, i: np.uintp, foreign: np.uint64, wanted: Wanted, n: np.uintp, found: Found, p: np.uintp
) -> np.uintp:
    """The index behind the value at `i` of the wanted name `n` of record `p`, if it is of one of the name's kinds."""
    if n == np.uintp(0):
        is_text = wanted.kinds[n] & STRING and i < np.uintp(data.size) and data[i] == QUOTE
        if not is_text:
            return NOT_PLAIN
        behind, end = unescape_string(data, i + _ONE, foreign, found.text, np.uintp(found.text_bounds[p]))
        found.text_bounds[p + _ONE] = np.int64(end)
    else:
        behind, kind = skip_value(data, i, foreign)
        behind = behind if kind & wanted.kinds[n] else NOT_PLAIN
    found.spans[p, n, np.uintp(0)] = np.int64(i)
    found.spans[p, n, np.uintp(1)] = np.int64(behind)
    return behind


@inline_kernel
def _read_member(
    data: Bytes, i: np.uintp, foreign: np.uint64, wanted: Wanted, found: Found, p: np.uintp, num_names: np.uintp
) -> np.uintp:
    """The index behind the member that begins at `i`."""
    size = np.uintp(data.size)
    if i >= size or data[i] != QUOTE or num_names == np.uintp(MAX_MEMBERS):
        return NOT_PLAIN
    name_end = skip_characters(data, i + _ONE, foreign)
    if name_end >= size or data[name_end] != QUOTE:
        return NOT_PLAIN
    name = hash_blocks(data, i + _ONE, name_end)
    value = skip_spaces(data, name_end + _ONE)
    if value >= size or data[value] != COLON or not _is_new(found.names, num_names, name):
        return NOT_PLAIN
    found.names[num_names] = name
    value = skip_spaces(data, value + _ONE)
    n = _find_name(wanted, name)
    if n < np.uintp(wanted.hashes.size):
        is_it = _is_name(data, i + _ONE, name_end, wanted, n)
        return _read_value(data, value, foreign, wanted, n, found, p) if is_it else NOT_PLAIN
    behind, _ = skip_value(data, value, foreign)
    if wanted.with_metadata and behind != NOT_PLAIN:
        _add_member(data, (i, name_end + _ONE), (value, behind), found, p)
    return behind


@inline_kernel
def _finish(data: Bytes, wanted: Wanted, found: Found, p: np.uintp) -> bool:
    """Whether record `p` has what it must have; then its id and its metadata are complete."""
    for k in range(wanted.hashes.size):
        n = np.uintp(k)
        if wanted.required[n] and found.spans[p, n, np.uintp(1)] == 0:
            return False
    if found.metadata_bounds[p + _ONE] > found.metadata_bounds[p]:
        found.metadata[np.uintp(found.metadata_bounds[p + _ONE])] = CLOSE_OBJECT
        found.metadata_bounds[p + _ONE] += 1
    o = np.uintp(found.id_bounds[p])
    found.has_id[p] = False
    if wanted.id_name < np.uintp(wanted.hashes.size):
        begin = np.uintp(found.spans[p, wanted.id_name, np.uintp(0)])
        end = np.uintp(found.spans[p, wanted.id_name, np.uintp(1)])
        if end != np.uintp(0) and data[begin] == QUOTE:
            _, o = unescape_string(data, begin + _ONE, np.uint64(0), found.ids, o)
            found.has_id[p] = True
        elif end != np.uintp(0) and data[begin] != _FIRST_OF_NULL:
            o = copy_bytes(data, begin, end, found.ids, o)
            found.has_id[p] = True
    found.id_bounds[p + _ONE] = np.int64(o)
    return True


@inline_kernel
def _read_record(data: Bytes, i: np.uintp, foreign: np.uint64, wanted: Wanted, found: Found, p: np.uintp) -> np.uintp:
    """The index behind the line whose first byte that is no space is at `i`, where it is a plain record: `p`."""
    size = np.uintp(data.size)
    for k in range(wanted.hashes.size):
        found.spans[p, np.uintp(k), np.uintp(1)] = 0
    found.metadata_bounds[p + _ONE] = found.metadata_bounds[p]
    if data[i] != OPEN_OBJECT:
        return NOT_PLAIN
    num_names = np.uintp(0)
    is_open = True
    while is_open:
        i = skip_spaces(data, i + _ONE)
        i = _read_member(data, i, foreign, wanted, found, p, num_names)
        if i == NOT_PLAIN:
            return NOT_PLAIN
        num_names += _ONE
        i = skip_spaces(data, i)
        is_open = bool(i < size and data[i] == COMMA)
    if i >= size or data[i] != CLOSE_OBJECT:
        return NOT_PLAIN
    i = skip_spaces(data, i + _ONE)
    is_end = i >= size or data[i] == _NEWLINE
    return i if is_end and _finish(data, wanted, found, p) else NOT_PLAIN


@borrowing_kernel
def _line_end(data: Bytes, i: np.uintp) -> np.uintp:
    while i < np.uintp(data.size) and data[i] != _NEWLINE:
        i += _ONE
    return i


@borrowing_kernel
def read_lines(
    data: Bytes, foreign: np.uint64, max_line_bytes: np.uintp, wanted: Wanted, found: Found
) -> tuple[np.uintp, np.uintp]:
    """Fills `found` from all lines of `data`; gives P and O."""
    size = np.uintp(data.size)
    p, num_others = np.uintp(0), np.uintp(0)
    found.text_bounds[p] = found.id_bounds[p] = found.metadata_bounds[p] = 0
    begin = np.uintp(0)
    while begin < size:
        i = skip_spaces(data, begin)
        is_blank = i >= size or data[i] == _NEWLINE
        end = i if is_blank else _read_record(data, i, foreign, wanted, found, p)
        is_plain = is_blank or end != NOT_PLAIN
        if not is_plain:
            end = _line_end(data, begin)
        if end - begin > max_line_bytes or not is_plain:
            found.other_spans[num_others, np.uintp(0)] = np.int64(begin)
            found.other_spans[num_others, np.uintp(1)] = np.int64(end)
            found.other_places[num_others] = np.int64(p)
            num_others += _ONE
        elif not is_blank:
            found.begins[p] = np.int64(begin)
            p += _ONE
        begin = end + _ONE
    return p, num_others
