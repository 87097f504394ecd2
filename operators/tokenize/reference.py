"""The `tokenizers` library: what a tokenizer file means. Every other engine is held against it."""

import os
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from pipeline.errors import PlanError
from pipeline.operator import FileRef

if TYPE_CHECKING:
    from tokenizers import Tokenizer

ENCODE_CHARS: Final = 1 << 20
"""Characters handed to the library in one call: its encodings take some 100 bytes a token until they are copied out."""

Ids = npt.NDArray[np.uint32]


def use_one_core() -> None:
    """One actor is one core: the libraries' own threads would only compete. A user's setting wins."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("RAYON_NUM_THREADS", "1")


def load_tokenizer(file: FileRef) -> "Tokenizer":
    """The tokenizer of a pinned file, set to treat all text as text."""
    from tokenizers import Tokenizer  # noqa: PLC0415 -- heavy: only workers that run this need it

    path = file.open_path()
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception for whatever is wrong with a file
        raise PlanError(
            f"tokenizer {file.uri!r}: expected a Hugging Face tokenizer.json; found a file that does not load"
        ) from error
    return as_plain_text(tokenizer)


def as_plain_text(tokenizer: "Tokenizer") -> "Tokenizer":
    """The tokenizer, set to treat all of a text as text and to return all of its tokens."""
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = True
    return tokenizer


def encode_texts(tokenizer: "Tokenizer", texts: list[str]) -> list[Ids]:
    """The ids of each text."""
    documents: list[Ids] = []
    begin = 0
    while begin < len(texts):
        end, num_chars = begin, 0
        while end < len(texts) and (end == begin or num_chars + len(texts[end]) <= ENCODE_CHARS):
            num_chars += len(texts[end])
            end += 1
        encodings = tokenizer.encode_batch_fast(texts[begin:end], add_special_tokens=False)
        documents += [np.array(encoding.ids, np.uint32) for encoding in encodings]  # each (T,)
        begin = end
    return documents
