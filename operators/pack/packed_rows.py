"""Windows as rows of the packed table: one copy of the tokens, and what each of them is, in one pass.

Dimension letters: P pieces, N windows, R ids of a row.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.pack.packed_table import (
    CU_SEQLENS,
    DOC_IDS,
    INPUT_IDS,
    LOSS_MASK,
    NUM_CONTINUED,
    NUM_TRUNCATED,
    POSITION_IDS,
    SEGMENT_IDS,
    Boundaries,
    list_type,
    packed_schema,
)
from operators.pack.pieces import Pieces, Windows, running_totals
from operators.pack.token_buffer import DocIds, Documents, Ids, Numbers
from operators.tokenize.tokenizer import NUM_TOKENS
from pipeline.document import DOC_ID_TYPE
from pipeline.kernel import kernel

BATCH_TOKENS: Final = 1 << 20
"""Ids of one output batch (13 MiB of all columns), and of the buffer of a packer that streams."""

Positions = npt.NDArray[np.int32]
Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class RowForm:
    """What rows look like, whatever they hold."""

    length: int
    """R."""
    pad_token: int
    boundaries: Boundaries
    positions_continue: bool
    """Position ids of a later piece go on where the document's last piece ended."""


def packed_batches(windows: Windows, documents: Documents, form: RowForm) -> Iterator[pa.RecordBatch]:
    """The windows as rows, in batches of about `BATCH_TOKENS`."""
    rows = max(1, BATCH_TOKENS // form.length)
    for begin in range(0, windows.num_windows, rows):
        yield _packed_batch(windows, documents, form, begin, min(begin + rows, windows.num_windows))


def _packed_batch(windows: Windows, documents: Documents, form: RowForm, begin: int, end: int) -> pa.RecordBatch:
    """Windows begin..end."""
    bounds = windows.bounds[begin : end + 1]  # (N + 1,)
    pieces = windows.pieces.taken(np.arange(bounds[0], bounds[-1]))
    bounds = bounds - bounds[0]
    before = pieces.before + documents.begins[pieces.document]  # (P,)
    used = _row_sums(pieces.length, bounds)  # (N,) ids that are not padding
    arrays = _id_columns(documents.tokens, pieces, before, bounds, form)
    if form.boundaries == "cu_seqlens":
        arrays[CU_SEQLENS] = _piece_ends(pieces.length, bounds)
    # The token that a window shows ahead is the next row's: that row counts it and names its document.
    ahead = (np.arange(begin, end) < windows.num_ahead).astype(np.int64)  # (N,)
    own = np.ones(len(before), np.bool_)  # (P,)
    own[bounds[1:] - 1] = pieces.length[bounds[1:] - 1] > ahead
    arrays |= {
        DOC_IDS: _doc_ids(documents.doc_ids[pieces.document[own]], running_totals(_row_sums(own, bounds))),
        NUM_TOKENS: pa.array(used - ahead),
        NUM_CONTINUED: pa.array(_row_sums(own & (before > 0), bounds)),
        NUM_TRUNCATED: pa.array(_row_sums(pieces.truncated, bounds)),
    }
    schema = packed_schema(form.length, form.boundaries)
    return pa.RecordBatch.from_arrays([arrays[name] for name in schema.names], schema=schema)


def _id_columns(tokens: Ids, pieces: Pieces, before: Numbers, bounds: Numbers, form: RowForm) -> dict[str, pa.Array]:
    """The columns that have a value for each id of a row."""
    num_ids = (len(bounds) - 1) * form.length
    input_ids = np.empty(num_ids, np.uint32)  # (N * R,)
    copy_tokens(tokens, pieces.start, pieces.length, bounds, form.pad_token, input_ids)
    columns: dict[str, npt.NDArray[np.generic]] = {INPUT_IDS: input_ids}
    if form.boundaries == "ids":
        position_ids = np.empty(num_ids, np.int32)  # (N * R,)
        segment_ids = np.empty(num_ids, np.int32)  # (N * R,)
        loss_mask = np.empty(num_ids, np.uint8)  # (N * R,)
        first = before if form.positions_continue else np.zeros_like(before)
        describe_tokens(first, pieces.length, bounds, position_ids, segment_ids, loss_mask)
        columns |= {POSITION_IDS: position_ids, SEGMENT_IDS: segment_ids, LOSS_MASK: loss_mask}
    return {name: _fixed_lists(pa.array(ids), form.length) for name, ids in columns.items()}


def _fixed_lists(values: pa.Array, length: int) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(values, type=list_type(values.type, length))


def _piece_ends(length: Numbers, bounds: Numbers) -> pa.Array:
    """For each row 0 and where each of its pieces ends."""
    num_rows = len(bounds) - 1
    ends = np.cumsum(length)  # (P,) counted over all rows
    row_start = np.concatenate([[0], ends[bounds[1:-1] - 1]])  # (N,)
    offsets = bounds + np.arange(num_rows + 1)  # (N + 1,)
    values = np.zeros(int(offsets[-1]), np.int32)
    row_of = np.repeat(np.arange(num_rows), np.diff(bounds))  # (P,)
    values[np.arange(len(length)) + row_of + 1] = ends - row_start[row_of]
    return _lists(offsets, pa.array(values))


def _doc_ids(words: DocIds, offsets: Numbers) -> pa.Array:
    """Lists of ids, list n from offsets[n] to offsets[n + 1]."""
    values = pa.Array.from_buffers(DOC_ID_TYPE, len(words), [None, pa.py_buffer(np.ascontiguousarray(words))])
    return _lists(offsets, values)


def _lists(offsets: Numbers, values: pa.Array) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values, type=list_type(values.type))


def _row_sums(values: Numbers | npt.NDArray[np.bool_], bounds: Numbers) -> Numbers:
    """Sums (N,) over the pieces of each row; every row has a piece."""
    return np.add.reduceat(values, bounds[:-1], dtype=np.int64)


@kernel
def copy_tokens(tokens: Ids, start: Numbers, length: Numbers, bounds: Numbers, pad_token: int, input_ids: Ids) -> None:
    """Fills `input_ids` (N * R,): pieces one after another in their rows, then `pad_token`."""
    row_length = input_ids.shape[0] // (bounds.shape[0] - 1)
    for n in range(bounds.shape[0] - 1):
        at = n * row_length
        for p in range(bounds[n], bounds[n + 1]):
            input_ids[at : at + length[p]] = tokens[start[p] : start[p] + length[p]]
            at += length[p]
        input_ids[at : (n + 1) * row_length] = np.uint32(pad_token)


@kernel
def describe_tokens(
    first: Numbers, length: Numbers, bounds: Numbers, position_ids: Positions, segment_ids: Positions, loss_mask: Mask
) -> None:
    """Fills, (N * R,) each, positions in the piece counted from `first` (P,), the piece's number 1.., and the mask.

    The mask is 1 where the token is predicted from tokens of its own document: everywhere but at a piece's first
    token, since what stands before it, if anything, is another document. Padding is 0 in all three.
    """
    row_length = position_ids.shape[0] // (bounds.shape[0] - 1)
    for n in range(bounds.shape[0] - 1):
        at = n * row_length
        for p in range(bounds[n], bounds[n + 1]):
            end = at + length[p]
            begin = np.int32(first[p])
            for i in range(length[p]):
                position_ids[np.uintp(at + i)] = begin + np.int32(i)
            segment_ids[at:end] = np.int32(p - bounds[n] + 1)
            loss_mask[at] = np.uint8(0)
            loss_mask[at + 1 : end] = np.uint8(1)
            at = end
        position_ids[at : (n + 1) * row_length] = np.int32(0)
        segment_ids[at : (n + 1) * row_length] = np.int32(0)
        loss_mask[at : (n + 1) * row_length] = np.uint8(0)
