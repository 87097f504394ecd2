"""The engine `gigatoken`: byte-level BPE and SentencePiece-like BPE; it reads Arrow's buffers as they are."""

from importlib.metadata import version
from typing import Final

import pyarrow as pa

from operators.tokenize.encoded import Encoded, encoded
from operators.tokenize.engine import Engine

GIGATOKEN: Final = "gigatoken"

FRESH_BYTES: Final = 1 << 28
"""After so much text the tokenizer is loaded anew, a quarter of a second's work: what it remembers of words that it saw
grows without end, by 8 MB for each MB of new ones."""


def open_gigatoken(tokenizer_json: str, reads_special: bool) -> Engine:
    """The engine with this tokenizer. It always reads special tokens out of texts, those that normalizing makes too."""
    import awkward  # noqa: PLC0415 -- an extra, slow to load
    from gigatoken import Tokenizer  # noqa: PLC0415 -- an extra

    tokenizer = Tokenizer.from_json(tokenizer_json)
    num_bytes = 0

    def encode(texts: pa.Array) -> Encoded:
        nonlocal tokenizer, num_bytes
        if num_bytes > FRESH_BYTES:
            tokenizer, num_bytes = Tokenizer.from_json(tokenizer_json), 0
        num_bytes += texts.nbytes
        layout = tokenizer.encode_batch(awkward.from_arrow(texts), parallel=False).layout
        return encoded(layout.content.data, layout.offsets.data)

    return Engine(GIGATOKEN, version(GIGATOKEN), encode, wants_no_special=not reads_special)
