"""What all ways to pack share: their fields, what they read and write, and how whole documents become rows."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Final, Literal, Self

import pyarrow as pa
from pydantic import Field, model_validator

from operators.pack.packed_rows import RowForm, packed_batches
from operators.pack.packed_table import MAX_WINDOW, NUM_TRUNCATED, Boundaries, packed_schema
from operators.pack.pieces import LongDocuments, Windows, cut_documents, grouped
from operators.pack.token_buffer import REQUIRED, Ids, Numbers, TokenBuffer
from operators.tokenize.tokenizer import NUM_TOKENS
from pipeline.operator import ShardFunction, ShardOperator

CONSERVED: Final = (NUM_TOKENS, NUM_TOKENS, NUM_TRUNCATED)
"""Tokens in = tokens of the rows + tokens truncated."""


class Packing(ShardOperator):
    """What all ways to pack share."""

    window: int = Field(ge=1, le=MAX_WINDOW)
    """Input ids of a row."""
    extra_token: Literal[0, 1] = 0
    """1: rows hold one id more, for readers that take inputs and targets, shifted by one, from one row."""
    pad_token: int = Field(default=0, ge=0, lt=1 << 32)
    """Id behind a row's last document; segment 0 marks it, so it need not be an id of its own."""
    continued_positions: Literal["restart", "continue"] = "restart"
    """Position ids of a document's later pieces: from 0 again, or on from where the piece before it ended."""
    boundaries: Boundaries = "ids"
    """ids: columns position_ids, segment_ids and loss_mask. cu_seqlens: one list of where pieces begin and end, from
    which these follow; it saves most of what packing costs beside the tokens themselves."""

    @model_validator(mode="after")
    def _positions_follow(self) -> Self:
        if self.boundaries == "cu_seqlens" and self.continued_positions == "continue":
            raise ValueError(
                "boundaries: expected ids where continued_positions is continue; found cu_seqlens, which does not say "
                "where in its document a piece lies"
            )
        return self

    @property
    def row_length(self) -> int:
        """Ids of a row."""
        return self.window + self.extra_token

    @property
    def capacity(self) -> int:
        """Tokens that a row can hold and count as its own."""
        return self.row_length

    def requires(self) -> pa.Schema:
        """Token ids, and whose they are."""
        return pa.schema(list(REQUIRED))

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        """Windows replace documents."""
        return packed_schema(self.row_length, self.boundaries)

    def conserves(self) -> tuple[str, str, str]:
        """Tokens."""
        return CONSERVED

    def row_form(self) -> RowForm:
        """What the rows look like."""
        return RowForm(self.row_length, self.pad_token, self.boundaries, self.continued_positions == "continue")


class WholeDocuments(Packing):
    """Ways to pack that cut no document but those longer than a row. Subclasses say which pieces share a row."""

    long_documents: LongDocuments = "split"
    """What becomes of a document longer than a row: pieces that fill a row each and a rest, or its beginning alone."""
    min_piece: int = Field(default=1, ge=1)
    """Tokens that the rest of a split document has at least; the piece before it gives what is missing."""

    @model_validator(mode="after")
    def _pieces_fit(self) -> Self:
        # The two last pieces of the shortest split document have capacity + 1 tokens together.
        if 2 * self.min_piece > self.capacity + 1:
            raise ValueError(
                f"min_piece: expected {(self.capacity + 1) // 2} or less, half of a row of {self.capacity} tokens; "
                f"found {self.min_piece}"
            )
        return self

    @abstractmethod
    def bins(self, lengths: Numbers) -> tuple[Numbers, int]:
        """The bin of each piece (P,) of these `lengths` (P,), in the order of the shard, and how many bins there are.

        A piece has 1 to `capacity` tokens, a bin room for `capacity`; none is empty.
        """

    def windows(self, lengths: Numbers) -> Windows:
        """Windows of documents with these `lengths` (D,)."""
        pieces = cut_documents(lengths, self.capacity, self.long_documents, self.min_piece)
        return grouped(pieces, *self.bins(pieces.length))

    def open(self) -> ShardFunction:
        """Returns the packing of one shard."""
        form = self.row_form()
        spare: list[Ids] = []  # storage of the shard before

        def pack(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            waiting = TokenBuffer(spare.pop() if spare else None)
            for batch in batches:
                waiting.add(batch)
            documents = waiting.take()
            yield from packed_batches(self.windows(documents.lengths), documents, form)
            spare.append(waiting.storage)

        return pack
