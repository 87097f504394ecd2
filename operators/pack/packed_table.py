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
    columns: dict[str, pa.DataType] = {INPUT_IDS: pa.list_(pa.uint32(), row_length)}
    if boundaries == "ids":
        columns[POSITION_IDS] = pa.list_(pa.int32(), row_length)
        columns[SEGMENT_IDS] = pa.list_(pa.int32(), row_length)
        columns[LOSS_MASK] = pa.list_(pa.uint8(), row_length)
    else:
        columns[CU_SEQLENS] = pa.list_(pa.int32())
    columns |= {
        DOC_IDS: pa.list_(DOC_ID_TYPE),
        NUM_TOKENS: pa.int64(),
        NUM_CONTINUED: pa.int64(),
        NUM_TRUNCATED: pa.int64(),
    }
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns.items()])
