"""Documents' tokens on their way from batches to windows.

Dimension letters: D documents, T tokens.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.tokenize.tokenizer import NUM_TOKENS, TOKENS, TOKENS_TYPE
from pipeline.document import DOC_ID, DOC_ID_TYPE
from pipeline.errors import SchemaError

Ids = npt.NDArray[np.uint32]
DocIds = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]

FIRST_TOKENS: Final = 1 << 25
"""Room of a new buffer, for a shard of usual size; memory that no token comes to lie in is never taken."""

_NO_TOKENS: Final = np.empty(0, np.uint32)

REQUIRED: Final = (
    pa.field(DOC_ID, DOC_ID_TYPE, nullable=False),
    pa.field(TOKENS, TOKENS_TYPE, nullable=False),
    pa.field(NUM_TOKENS, pa.int64(), nullable=False),
)
"""What packing reads."""


@dataclass(frozen=True, slots=True)
class Documents:
    """D documents, or what is left of them."""

    lengths: Numbers  # (D,)
    begins: Numbers  # (D,) tokens of the document that were packed before
    doc_ids: DocIds  # (D, 2)
    tokens: Ids  # (T,)


class TokenBuffer:
    """Tokens of documents that wait for a window, laid end to end as they come.

    Args:
        storage: to lay them in, of a buffer that is done; memory that was used before need not be cleared again.
    """

    def __init__(self, storage: Ids | None = None) -> None:
        self.storage = np.empty(FIRST_TOKENS, np.uint32) if storage is None else storage
        self._parts: list[Documents] = []
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
        self.append(
            Documents(
                lengths=np.diff(offsets),
                begins=np.zeros(len(batch), np.int64),
                doc_ids=doc_id_words(batch.column(DOC_ID)),
                tokens=column.values.to_numpy()[offsets[0] : offsets[-1]],
            )
        )

    def append(self, documents: Documents) -> None:
        """Appends documents with all their tokens."""
        begin, end = self.num_tokens, self.num_tokens + len(documents.tokens)
        if end > len(self.storage):
            grown = np.empty(max(end, 2 * len(self.storage)), np.uint32)
            grown[:begin] = self.storage[:begin]
            self.storage = grown
        self.storage[begin:end] = documents.tokens
        self._parts.append(replace(documents, tokens=_NO_TOKENS))
        self.num_tokens = end

    def take(self) -> Documents:
        """All documents, in order. Their tokens stay where they are until more are appended; the buffer is empty."""
        parts, num_tokens = self._parts, self.num_tokens
        self._parts, self.num_tokens = [], 0
        return Documents(
            lengths=np.concatenate([np.empty(0, np.int64), *(part.lengths for part in parts)]),
            begins=np.concatenate([np.empty(0, np.int64), *(part.begins for part in parts)]),
            doc_ids=np.concatenate([np.empty((0, 2), np.uint64), *(part.doc_ids for part in parts)]),
            tokens=self.storage[:num_tokens],
        )


def doc_id_words(column: pa.Array) -> DocIds:
    """The 16-byte ids of D rows as two words each, without a copy: (D, 2)."""
    _, buffer = column.buffers()
    return np.frombuffer(buffer, np.uint64).reshape(-1, 2)[column.offset : column.offset + len(column)]
