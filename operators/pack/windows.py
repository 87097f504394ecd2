"""What both packing operators share: the rows that they read, the rows that they write, and the copy between them.

Dimension letters: D documents, T tokens, P pieces, N windows, L tokens of a window.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from operators.pack.pieces import Numbers, Pieces
from operators.text.kernel import kernel
from operators.tokenize.tokenizer import NUM_TOKENS, TOKENS, TOKENS_TYPE
from pipeline.document import DOC_ID, DOC_ID_TYPE
from pipeline.errors import SchemaError
from pipeline.operator import ShardOperator

Ids = npt.NDArray[np.uint32]
DocIds = npt.NDArray[np.uint64]

INPUT_IDS: Final = "input_ids"
SEGMENT_IDS: Final = "segment_ids"
DOC_IDS: Final = "doc_ids"
NUM_TRUNCATED: Final = "num_truncated"

MAX_WINDOW: Final = 1 << 24
"""A window is one row; at this length one takes 128 MiB in memory."""

BATCH_TOKENS: Final = 1 << 22
"""Tokens of one output batch (32 MiB of ids and segments), and of the buffer of a packer that streams."""

CONSERVED: Final = (NUM_TOKENS, NUM_TOKENS, NUM_TRUNCATED)
"""Tokens in = tokens out + tokens cut; nothing is cut here, so the last column is 0."""

REQUIRED: Final = (
    pa.field(DOC_ID, DOC_ID_TYPE, nullable=False),
    pa.field(TOKENS, TOKENS_TYPE, nullable=False),
    pa.field(NUM_TOKENS, pa.int64(), nullable=False),
)


def window_schema(window: int) -> pa.Schema:
    """Columns of packed rows of `window` tokens."""
    return pa.schema(
        [
            pa.field(INPUT_IDS, pa.list_(pa.uint32(), window), nullable=False),
            pa.field(SEGMENT_IDS, pa.list_(pa.int32(), window), nullable=False),
            pa.field(DOC_IDS, pa.list_(DOC_ID_TYPE), nullable=False),
            pa.field(NUM_TOKENS, pa.int64(), nullable=False),
            pa.field(NUM_TRUNCATED, pa.int64(), nullable=False),
        ]
    )


class Packing(ShardOperator):
    """What all ways to pack share: their fields, what they read and write, and that they lose no token."""

    window: int = Field(ge=1, le=MAX_WINDOW)
    """Tokens of a packed row."""
    pad_token: int = Field(default=0, ge=0, lt=1 << 32)
    """Id after a window's last document; segment 0 marks it, so it need not be an id of its own."""

    def requires(self) -> pa.Schema:
        """Token ids, and whose they are."""
        return pa.schema(list(REQUIRED))

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        """Windows replace documents."""
        return window_schema(self.window)

    def conserves(self) -> tuple[str, str, str]:
        """Tokens."""
        return CONSERVED


class TokenBuffer:
    """Tokens of documents that wait for a window, collected batch by batch without a copy until they are taken."""

    def __init__(self) -> None:
        self._lengths: list[Numbers] = []
        self._doc_ids: list[DocIds] = []
        self._tokens: list[Ids] = []
        self.num_tokens = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Appends the documents of `batch`."""
        column = batch.column(TOKENS)
        if column.null_count or batch.column(DOC_ID).null_count:
            raise SchemaError(
                f"pack: expected {TOKENS!r} and {DOC_ID!r} in every row; found {column.null_count} rows without tokens "
                f"and {batch.column(DOC_ID).null_count} without id; bind the removals of the step that tokenized"
            )
        if len(batch) == 0:
            return
        _, offset_buffer, *_ = column.buffers()
        offsets = np.frombuffer(offset_buffer, np.int64)[column.offset : column.offset + len(column) + 1]  # (D + 1,)
        _, id_buffer = batch.column(DOC_ID).buffers()
        first = batch.column(DOC_ID).offset
        self.append(
            np.diff(offsets),
            np.frombuffer(id_buffer, np.uint64).reshape(-1, 2)[first : first + len(batch)],
            column.values.to_numpy()[offsets[0] : offsets[-1]],
        )

    def append(self, lengths: Numbers, doc_ids: DocIds, tokens: Ids) -> None:
        """Appends D documents of `lengths` (D,) with `doc_ids` (D, 2) and all their `tokens` (T,)."""
        self._lengths.append(lengths)
        self._doc_ids.append(doc_ids)
        self._tokens.append(tokens)
        self.num_tokens += len(tokens)

    def take(self) -> tuple[Numbers, DocIds, Ids]:
        """All documents: lengths (D,), doc_ids (D, 2), tokens (T,). The buffer is empty afterwards."""
        lengths = np.concatenate([np.empty(0, np.int64), *self._lengths])
        doc_ids = np.concatenate([np.empty((0, 2), np.uint64), *self._doc_ids])
        tokens = np.empty(self.num_tokens, np.uint32)
        at = 0
        for i, part in enumerate(self._tokens):
            tokens[at : at + len(part)] = part
            at += len(part)
            # Each part is let go once it is copied, so that a shard's tokens do not lie in memory twice.
            self._tokens[i] = part[:0].copy()
        self._lengths, self._doc_ids, self._tokens, self.num_tokens = [], [], [], 0
        return lengths, doc_ids, tokens


def packed_batches(
    pieces: Pieces, doc_ids: DocIds, tokens: Ids, *, window: int, pad_token: int
) -> Iterator[pa.RecordBatch]:
    """The windows as rows, in batches of about `BATCH_TOKENS`."""
    rows = max(1, BATCH_TOKENS // window)
    for begin in range(0, pieces.num_windows, rows):
        yield _packed_batch(pieces, doc_ids, tokens, (begin, min(begin + rows, pieces.num_windows)), window, pad_token)


def _packed_batch(
    pieces: Pieces, doc_ids: DocIds, tokens: Ids, rows: tuple[int, int], window: int, pad_token: int
) -> pa.RecordBatch:
    """Windows rows[0]..rows[1]."""
    schema = window_schema(window)
    bounds = pieces.bounds[rows[0] : rows[1] + 1]  # (N + 1,)
    own = slice(int(bounds[0]), int(bounds[-1]))
    input_ids = np.full((len(bounds) - 1) * window, pad_token, np.uint32)  # (N * L,)
    segment_ids = np.zeros(len(input_ids), np.int32)  # (N * L,)
    num_tokens = copy_pieces(
        tokens, pieces.start[own], pieces.length[own], bounds - bounds[0], window, input_ids, segment_ids
    )
    ids = np.ascontiguousarray(doc_ids[pieces.document[own]])  # (P, 2)
    id_values = pa.Array.from_buffers(DOC_ID_TYPE, len(ids), [None, pa.py_buffer(ids)])
    columns: list[pa.Array] = [
        pa.FixedSizeListArray.from_arrays(pa.array(input_ids, pa.uint32()), type=schema.field(INPUT_IDS).type),
        pa.FixedSizeListArray.from_arrays(pa.array(segment_ids, pa.int32()), type=schema.field(SEGMENT_IDS).type),
        pa.ListArray.from_arrays(pa.array(bounds - bounds[0], pa.int32()), id_values),
        pa.array(num_tokens, pa.int64()),
        pa.array(np.zeros(len(num_tokens), np.int64), pa.int64()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


@kernel
def copy_pieces(
    tokens: Ids,
    start: Numbers,
    length: Numbers,
    bounds: Numbers,
    window: int,
    input_ids: Ids,
    segment_ids: npt.NDArray[np.int32],
) -> Numbers:
    """Copies pieces into their windows and numbers them 1.. in each; returns the tokens of each window (N,).

    `input_ids` (N * L,) and `segment_ids` (N * L,) arrive padded; what no piece covers stays as it is.
    """
    num_tokens = np.zeros(bounds.shape[0] - 1, np.int64)
    for n in range(bounds.shape[0] - 1):
        at = np.uintp(n * window)
        for p in range(bounds[n], bounds[n + 1]):
            source = np.uintp(start[p])
            segment = np.int32(p - bounds[n] + 1)
            for i in range(length[p]):
                input_ids[at + np.uintp(i)] = tokens[source + np.uintp(i)]
                segment_ids[at + np.uintp(i)] = segment
            at += np.uintp(length[p])
            num_tokens[n] += length[p]
    return num_tokens
