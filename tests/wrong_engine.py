"""`tokenize` with an engine that gives one document in a thousand other ids than `tokenizers`, as a real one might."""

from typing import ClassVar

import numpy as np
import pyarrow as pa
import xxhash

from operators.tokenize.encoded import Encoded, from_documents
from operators.tokenize.engine import Engine
from operators.tokenize.engines import REFERENCE, LoadedTokenizer, loaded_tokenizer
from operators.tokenize.reference import encode_texts
from operators.tokenize.tokenizer import Tokenize

ONE_IN = 1_000


def is_wrong(text: str) -> bool:
    """Whether the engine is wrong about this text."""
    return xxhash.xxh3_64_intdigest(text.encode()) % ONE_IN == 0


class WronglyTokenize(Tokenize):
    """As `Tokenize`; its engine is `tokenizers` itself, but for the texts that it is wrong about."""

    name: ClassVar[str] = "wrongly_tokenize"

    def _loaded(self) -> LoadedTokenizer:
        reference = loaded_tokenizer(self.tokenizer, REFERENCE, reads_special=False)
        if self.engine == REFERENCE:
            return reference

        def encode(texts: pa.Array) -> Encoded:
            documents = encode_texts(reference.reference, texts.to_pylist())
            return from_documents(
                [
                    np.flip(ids) if is_wrong(text) else ids
                    for text, ids in zip(texts.to_pylist(), documents, strict=True)
                ]
            )

        return LoadedTokenizer(reference.reference, Engine("wrong", "1.0", encode), reference.special)
