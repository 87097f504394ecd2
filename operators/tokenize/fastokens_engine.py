"""The engine `fastokens`: byte-level BPE and SentencePiece-like BPE, without the regular expression."""

from importlib.metadata import version
from typing import Final

import numpy as np
import pyarrow as pa

from operators.tokenize.encoded import Encoded, encoded
from operators.tokenize.engine import Engine

FASTOKENS: Final = "fastokens"


def open_fastokens(tokenizer_json: str, reads_special: bool) -> Engine:
    """The engine with this tokenizer; it has both ways to treat special tokens itself.

    Its interface takes a list of strings, so a Python string is made of each document, some 4 % of the time; ids come
    back as bytes.
    """
    from fastokens import Tokenizer  # noqa: PLC0415 -- only workers that tokenize need it

    tokenizer = Tokenizer.from_json_str(tokenizer_json)
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def encode(texts: pa.Array) -> Encoded:
        ids, bounds = tokenizer.encode_batch_flat(
            texts.to_pylist(), add_special_tokens=False, split_special_tokens=not reads_special
        )
        return encoded(np.frombuffer(ids, np.uint32), np.frombuffer(bounds, np.int64))

    return Engine(FASTOKENS, version(FASTOKENS), encode)
