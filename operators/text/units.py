"""Lines and paragraphs of a document, the units of its text: where they end, and how to cut some of them out.

A line ends with a line feed; a carriage return before it belongs to the end. Other line separators of Unicode end no
line: they are white space. A paragraph is a run of lines that are not blank, with the blank lines around it. Units are
numbered from 0; together they are the whole text. Text is valid UTF-8. Arrays: D documents, R units to cut out.
"""

from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.text.characters import Classes, character_classes, document_text, skip_whitespace
from pipeline.kernel import Bytes, Offsets, inline_kernel, kernel

Unit = Literal["line", "paragraph"]
Ordinals = npt.NDArray[np.uint32]

LINE_FEED: Final = np.uint8(0x0A)
CARRIAGE_RETURN: Final = np.uint8(0x0D)


@inline_kernel
def end_of_line(data: Bytes, begin: np.uintp, end: np.uintp) -> np.uintp:
    """Where the line that begins at `begin` ends: at its line feed, or at `end`."""
    i = begin
    while i < end and data[i] != LINE_FEED:
        i += np.uintp(1)
    return i


@kernel
def next_paragraph(data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes) -> tuple[np.uintp, np.uintp]:
    """Where the last line of the paragraph ends, and where the next paragraph begins."""
    content = end
    was_text = False
    i = begin
    while i < end:
        stop = end_of_line(data, i, end)
        is_text = skip_whitespace(data, i, stop, classes) < stop
        if is_text and was_text and content < i - np.uintp(1):  # a blank line stood between
            return content, i
        if is_text:
            content = stop
            was_text = True
        i = min(stop + np.uintp(1), end)
    return content, end


@kernel
def next_unit(
    data: Bytes,
    begin: np.uintp,
    end: np.uintp,
    by_paragraph: bool,
    classes: Classes,
) -> tuple[np.uintp, np.uintp]:
    """Where the content of the unit at `begin` ends, without its line end, and where the next unit begins."""
    if by_paragraph:
        content, after = next_paragraph(data, begin, end, classes)
    else:
        content = end_of_line(data, begin, end)
        after = min(content + np.uintp(1), end)
    if content > begin and data[content - np.uintp(1)] == CARRIAGE_RETURN and content < after:
        content -= np.uintp(1)
    return content, after


@kernel
def _cut_document(
    data: Bytes,
    begin: np.uintp,
    end: np.uintp,
    drop: Ordinals,
    by_paragraph: bool,
    classes: Classes,
    out: Bytes,
) -> tuple[np.uintp, np.uintp]:
    """Writes a document without the units `drop`, ascending; returns its length and how many of `drop` there are.

    Where the last unit goes, the text still ends as it did: with the line end of the last unit, or without one.
    """
    num_dropped = np.uintp(0)
    length = np.uintp(0)
    kept_content = np.uintp(0)  # of `out`, where the content of the last unit kept ends
    ordinal = np.uint32(0)
    tail = end
    is_last_dropped = False
    i = begin
    while i < end:
        content, after = next_unit(data, i, end, by_paragraph, classes)
        is_last_dropped = bool(num_dropped < np.uintp(drop.shape[0]) and drop[num_dropped] == ordinal)
        if is_last_dropped:
            num_dropped += np.uintp(1)
            tail = content
        else:
            kept_content = length + (content - i)
            for k in range(i, after):
                out[length] = data[np.uintp(k)]
                length += np.uintp(1)
        ordinal += np.uint32(1)
        i = after
    if is_last_dropped and length > np.uintp(0):
        length = kept_content
        for k in range(tail, end):
            out[length] = data[np.uintp(k)]
            length += np.uintp(1)
    return length, num_dropped


@kernel
def _cut_units(
    data: Bytes,
    offsets: Offsets,
    drop_offsets: Offsets,
    drop: Ordinals,
    by_paragraph: bool,
    classes: Classes,
    out: Bytes,
    out_offsets: Offsets,
) -> np.int64:
    """Writes all documents without their units in `drop`; returns the first that lacks one of them, or -1."""
    at = np.uintp(0)
    out_offsets[0] = 0
    for document in range(offsets.shape[0] - 1):
        d = np.uintp(document)
        begin, end = np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)])
        first, last = np.uintp(drop_offsets[d]), np.uintp(drop_offsets[d + np.uintp(1)])
        if first == last:
            for k in range(begin, end):
                out[at] = data[np.uintp(k)]
                at += np.uintp(1)
        else:
            length, found = _cut_document(data, begin, end, drop[first:last], by_paragraph, classes, out[at:])
            if found != last - first:
                return np.int64(d)
            at += length
        out_offsets[d + np.uintp(1)] = np.int64(at)
    return np.int64(-1)


def cut_units(texts: pa.Array, drop_offsets: Offsets, drop: Ordinals, *, unit: Unit) -> pa.Array:
    """The texts without the units whose ordinals `drop[drop_offsets[d]:drop_offsets[d + 1]]` names, ascending.

    Raises:
        ValueError: a text lacks a unit that it is to lose: it is not the text that the ordinals belong to.
    """
    data, offsets = document_text(texts)
    out = np.empty(int(offsets[-1] - offsets[0]), np.uint8)
    out_offsets = np.zeros(len(texts) + 1, np.int64)
    lacking = _cut_units(data, offsets, drop_offsets, drop, unit == "paragraph", character_classes(), out, out_offsets)
    if lacking >= 0:
        raise ValueError(
            f"row {lacking}: expected the {unit}s that it is to lose; found fewer; "
            "remove them before any operator that changes the text"
        )
    buffers = [None, pa.py_buffer(out_offsets), pa.py_buffer(out[: out_offsets[-1]])]
    return pa.Array.from_buffers(texts.type, len(texts), buffers)
