"""Packs by concatenation: documents one after another, cut wherever a window is full."""

from collections.abc import Iterator
from typing import ClassVar, Literal

import pyarrow as pa

from operators.pack.packed_rows import BATCH_TOKENS, packed_batches
from operators.pack.packing import Packing
from operators.pack.pieces import Windows, concatenated
from operators.pack.token_buffer import Documents, TokenBuffer
from pipeline.operator import ShardFunction


class ConcatAndChunk(Packing):
    """One row per window of a shard's tokens laid end to end; a document may be cut by a window's end.

    No token is lost: the shard's last window is filled up with `pad_token`, never dropped. Rows are `window` tokens
    apart. With `extra_token` a row ends with the first token of the next, so that every token but a document's first
    is a target once; the token counts, and its document is named, in the next row alone.

    Columns:
        reads doc_id, tokens, num_tokens.
        writes the packed table: input_ids (uint32), position_ids, segment_ids (int32: 1, 2, ... for the pieces in the
        row, 0 for padding) and loss_mask (uint8: 1 where a token is predicted from its own document), all lists of
        `window` + `extra_token`; doc_ids (one 16-byte id per piece, in order), num_tokens (int64, tokens that are
        neither padding nor the next row's), num_continued (int64, pieces whose document began in an earlier row) and
        num_truncated (int64, always 0). With `boundaries: cu_seqlens` one column takes the place of three. A document
        without tokens is in no row.

    Determinism:
        EXACT. Windows follow the shard's order.

    Raises:
        SchemaError: a row has no tokens or no id.

    Source:
        The common way to pack, as in Brown et al., "Language Models are Few-Shot Learners" (2020), appendix B. We
        keep document boundaries beside the tokens, and the last window.

    Cost:
        A copy of the tokens; memory holds a million tokens, or one window where that is more. Wastes no window but
        the last, and cuts documents that would have fitted: 10 to 33 % of them at 2,048 to 8,192 tokens on web-like
        lengths, where BestFit cuts none.
    """

    name: ClassVar[str] = "concat_and_chunk"
    version: ClassVar[int] = 3

    extra_token: Literal[0, 1] = 1
    """1: a row ends with the next row's first token, for readers that take `window` + 1 ids every `window` ids."""

    @property
    def capacity(self) -> int:
        """Rows are `window` tokens apart."""
        return self.window

    def open(self) -> ShardFunction:
        """Returns the packing of one shard."""
        window, extra_token, form = self.window, bool(self.extra_token), self.row_form()
        enough = max(BATCH_TOKENS, 2 * window)

        def pack(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            waiting = TokenBuffer()
            for batch in batches:
                waiting.add(batch)
                if waiting.num_tokens >= enough:
                    documents = waiting.take()
                    windows = concatenated(documents.lengths, window, extra_token=extra_token)
                    complete = Windows(windows.pieces, windows.bounds[:-1], windows.num_ahead)
                    yield from packed_batches(complete, documents, form)
                    waiting.append(_last_window(windows, documents))
            documents = waiting.take()
            yield from packed_batches(concatenated(documents.lengths, window, extra_token=extra_token), documents, form)

        return pack


def _last_window(windows: Windows, documents: Documents) -> Documents:
    """What the last window holds, which may lack tokens that are still to come."""
    pieces, begun = windows.pieces, slice(int(windows.bounds[-2]), None)
    document = pieces.document[begun]
    return Documents(
        lengths=pieces.length[begun],
        begins=documents.begins[document] + pieces.before[begun],
        doc_ids=documents.doc_ids[document],
        tokens=documents.tokens[int(pieces.start[begun][0]) :].copy(),
    )
