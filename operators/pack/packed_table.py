"""The table that every packing writes: the names and types of its columns.

A row is a window: `window` input ids, and `extra_token` more where a reader shifts targets by one within the row.
"""

from typing import Final, Literal

import pyarrow as pa

from operators.tokenize.tokenizer import NUM_TOKENS
from pipeline.document import DOC_ID_TYPE

INPUT_IDS: Final = "input_ids"
POSITION_IDS: Final = "position_ids"
SEGMENT_IDS: Final = "segment_ids"
LOSS_MASK: Final = "loss_mask"
CU_SEQLENS: Final = "cu_seqlens"
DOC_IDS: Final = "doc_ids"
NUM_CONTINUED: Final = "num_continued"
NUM_TRUNCATED: Final = "num_truncated"

Boundaries = Literal["ids", "cu_seqlens"]
"""How a row says where its documents lie: three numbers for each token, or where each piece begins."""

MAX_WINDOW: Final = 1 << 24
"""A window is one row; at this length one takes 208 MiB in memory."""


def packed_schema(row_length: int, boundaries: Boundaries = "ids") -> pa.Schema:
    """Columns of packed rows of `row_length` ids."""
    columns: dict[str, pa.DataType] = {INPUT_IDS: list_type(pa.uint32(), row_length)}
    if boundaries == "ids":
        columns[POSITION_IDS] = list_type(pa.int32(), row_length)
        columns[SEGMENT_IDS] = list_type(pa.int32(), row_length)
        columns[LOSS_MASK] = list_type(pa.uint8(), row_length)
    else:
        columns[CU_SEQLENS] = list_type(pa.int32())
    columns |= {
        DOC_IDS: list_type(DOC_ID_TYPE),
        NUM_TOKENS: pa.int64(),
        NUM_CONTINUED: pa.int64(),
        NUM_TRUNCATED: pa.int64(),
    }
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns.items()])


def list_type(values: pa.DataType, length: int = -1) -> pa.DataType:
    """Lists without nulls in them, which Parquet writes in three quarters of the time; -1: of any length."""
    return pa.list_(pa.field("item", values, nullable=False), length)
