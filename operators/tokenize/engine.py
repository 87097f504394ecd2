"""What encodes texts in the place of `tokenizers`, many times as fast: the contract of an engine."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from operators.tokenize.encoded import Encoded, Rows, encoded, joined
from pipeline.kernel import text_buffers

ENCODE_BYTES: Final = 1 << 22
"""Text handed to an engine in one call, if no document is longer: it bounds the copies that engines make."""

NOTHING: Final = encoded(np.empty(0, np.uint32), np.zeros(2, np.int64))
"""A document without ids."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine with a tokenizer loaded, on one worker."""

    name: str
    version: str
    encode: Callable[[pa.Array], Encoded]
    """The ids of texts (large_string, no nulls). It may raise anything over a text that it cannot encode."""
    wants_no_special: bool = False
    """Whether it gives other ids than are wanted to a text that writes a special token out."""


OpenEngine = Callable[[str, bool], Engine]
"""Loads the text of a `tokenizer.json`; the flag says whether special tokens are read out of texts. Raises anything
where the engine cannot load it."""


def is_refusal(error: BaseException) -> bool:
    """Whether an engine says by this error that it cannot do what it was asked, and not that the process must end."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def encode_accepted(engine: Engine, texts: pa.Array) -> tuple[Encoded, Rows]:
    """The ids of D texts, and the rows that the engine refused, which have none.

    Which texts it refuses does not depend on what stands beside them.
    """
    parts, refused = [], []
    for begin, end in _pieces(texts):
        found = _encoded(engine, texts.slice(begin, end - begin))
        if found is not None:
            parts.append(found)
            continue
        for row in range(begin, end):
            alone = _encoded(engine, texts.slice(row, 1))
            refused += [row] if alone is None else []
            parts.append(NOTHING if alone is None else alone)
    return joined(parts), np.array(refused, np.int64)


def _encoded(engine: Engine, texts: pa.Array) -> Encoded | None:
    """The ids of the texts; None where the engine refuses any of them."""
    try:
        return engine.encode(texts)
    except BaseException as error:  # what a compiled engine panics with is no Exception
        if not is_refusal(error):
            raise
        return None


def _pieces(texts: pa.Array) -> Iterator[tuple[int, int]]:
    """Rows to hand over in one call: the first, and the one after the last."""
    _, offsets = text_buffers(texts)
    begin = 0
    while begin < len(texts):
        within = int(np.searchsorted(offsets, offsets[begin] + ENCODE_BYTES, "right")) - 1
        end = max(begin + 1, within)
        yield begin, end
        begin = end
