"""A stream of tokens cut into runs of one length, for formats whose files have one.

Dimension letters: D documents, T tokens.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from operators.formats.tokens import Chunk, Ids, Numbers


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring tokens of a stream."""

    tokens: Ids  # (T,)
    lengths: Numbers
    """(D,) tokens of each document, 1 or more. One that the end of a run cuts has a part in either run."""


def runs(chunks: Iterable[Chunk], num_tokens: int) -> Iterator[Run]:
    """The stream in runs of exactly `num_tokens`, and a last one of what is left, if anything is.

    A run's tokens lie in memory that the next one takes.
    """
    tokens = np.empty(num_tokens, np.uint32)
    lengths: list[Numbers] = []
    num_filled = 0
    for chunk in chunks:
        bounds = np.zeros(len(chunk.lengths) + 1, np.int64)  # (D + 1,)
        np.cumsum(chunk.lengths, out=bounds[1:])
        begin = 0
        while begin < len(chunk.tokens):
            end = min(len(chunk.tokens), begin + num_tokens - num_filled)
            lengths.append(_lengths_between(bounds, begin, end))
            tokens[num_filled : num_filled + end - begin] = chunk.tokens[begin:end]
            num_filled += end - begin
            begin = end
            if num_filled == num_tokens:
                yield Run(tokens, np.concatenate(lengths))
                lengths, num_filled = [], 0
    if num_filled:
        yield Run(tokens[:num_filled], np.concatenate(lengths))


def _lengths_between(bounds: Numbers, begin: int, end: int) -> Numbers:
    """Tokens of each document that lie in begin..end of a chunk with documents at `bounds` (D + 1,)."""
    first = int(np.searchsorted(bounds, begin, side="right")) - 1
    last = int(np.searchsorted(bounds, end, side="left"))
    within = np.clip(bounds[first : last + 1], begin, end)
    return within[1:] - within[:-1]
