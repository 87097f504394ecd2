"""Token ids on their way into files: what a batch of the token store, or of packed rows, holds as a stream.

Dimension letters: D documents that have tokens, or packed rows; T tokens; N rows; R ids of a packed row.
"""

from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.pack.packed_table import INPUT_IDS, LOSS_MASK
from operators.tokenize.tokenizer import NUM_TOKENS, TOKENS
from pipeline.errors import SchemaError

TokenType = Literal["uint16", "uint32"]

Ids = npt.NDArray[np.uint32]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Neighbouring documents of a stream. A document without tokens is not among them."""

    tokens: Ids  # (T,) all tokens, one document after the other
    lengths: Numbers  # (D,) tokens of each document, 1 or more
    rows: Numbers  # (D,) the number of each document's row in its batch
    batch: pa.RecordBatch  # N rows, of which D have tokens
    first_row: int  # the number of the batch's first row in its shard
    loss: npt.NDArray[np.uint8] | None = None  # (T,) of packed rows that have it: 1 where a token counts as a target


def chunk_of(batch: pa.RecordBatch, first_row: int = 0) -> Chunk:
    """The stream of a batch: of its documents, or of the tokens in its packed rows that are not padding.

    Args:
        batch: rows of a shard.
        first_row: how many rows of the shard came before.

    Raises:
        SchemaError: a row has no tokens at all, not even an empty list.
    """
    column = batch.column(TOKENS if TOKENS in batch.schema.names else INPUT_IDS)
    if column.null_count:
        raise SchemaError(
            f"tokens: expected them in every row; found {column.null_count} rows without; bind the removals of the "
            "step that tokenized"
        )
    return (_documents if TOKENS in batch.schema.names else _packed_rows)(batch, first_row)


def _documents(batch: pa.RecordBatch, first_row: int) -> Chunk:
    column = batch.column(TOKENS)
    offsets = column.offsets.to_numpy()  # (N + 1,)
    lengths = np.diff(offsets)  # (N,)
    tokens = column.values.to_numpy()[offsets[0] : offsets[-1]]  # (T,)
    rows = np.flatnonzero(lengths)
    return Chunk(tokens, lengths[rows], rows, batch, first_row)


def _packed_rows(batch: pa.RecordBatch, first_row: int) -> Chunk:
    """A row's own tokens are its first `num_tokens`: padding, or a token of the next row, stands behind them."""
    column = batch.column(INPUT_IDS)
    row_length = column.type.list_size
    lengths = batch.column(NUM_TOKENS).to_numpy()  # (N,)
    is_own = np.arange(row_length) < lengths[:, None]  # (N, R)
    rows = np.flatnonzero(lengths)
    loss = _values(batch, LOSS_MASK)[is_own] if LOSS_MASK in batch.schema.names else None
    return Chunk(_values(batch, INPUT_IDS)[is_own], lengths[rows], rows, batch, first_row, loss)


def _values(batch: pa.RecordBatch, name: str) -> Any:  # Any: an array of the column's type
    """(N, R) the values of a column of lists of one length."""
    column = batch.column(name)
    return column.flatten().to_numpy().reshape(len(column), column.type.list_size)


def write_tokens(stream: BinaryIO, tokens: Ids, dtype: "np.dtype[np.integer]", bound: int, advice: str) -> None:
    """Appends tokens (T,) to a file as little-endian numbers.

    Args:
        stream: the file.
        tokens: all of them below `bound`.
        dtype: how they are stored.
        bound: what no id may reach.
        advice: what to do about one that does.

    Raises:
        SchemaError: an id is too large.
    """
    largest = int(tokens.max()) if len(tokens) else 0
    if largest >= bound:
        raise SchemaError(f"tokens: expected ids below {bound}; found {largest}; {advice}")
    stream.write(np.ascontiguousarray(tokens, dtype.newbyteorder("<")).data)


def dtype_of(token_type: TokenType) -> "np.dtype[np.integer]":
    """The stored type by its name in a recipe."""
    return np.dtype(token_type)
