"""Which rows of a window a model computes together: pure planning from token counts, and its way through memory.

Rows of like length share a batch, so that little is computed for padding: of a window's rows the longest come first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class TokenBatch:
    """Rows that are computed together, each padded to the longest of them."""

    rows: Indices  # (B,) of the window, longest first
    width: int
    """Tokens of the longest row."""

    @property
    def computed_tokens(self) -> int:
        """Tokens that the model computes, padding included."""
        return self.rows.size * self.width


def plan_batches(lengths: Indices, max_tokens: int) -> tuple[TokenBatch, ...]:
    """Batches of all rows with tokens, by falling length, equal ones in the order of the window.

    Args:
        lengths: (R,) tokens of each row; rows without any are in no batch.
        max_tokens: of a batch, padding included. A longer row is a batch by itself.
    """
    order = np.argsort(-lengths, kind="stable")
    order = order[lengths[order] > 0]
    batches = []
    start = 0
    while start < order.size:
        width = int(lengths[order[start]])
        end = start + max(1, max_tokens // width)
        batches.append(TokenBatch(order[start:end].astype(np.int64), width))
        start = end
    return tuple(batches)


def efficiency(lengths: Indices, batches: Sequence[TokenBatch]) -> float:
    """Tokens of the rows over tokens that are computed; 1 where there are none."""
    computed = sum(batch.computed_tokens for batch in batches)
    return int(lengths.sum()) / computed if computed else 1.0


def compute_batches(
    lengths: Indices,
    max_tokens: int,
    compute: Callable[[TokenBatch], None],
    out_of_memory: type[Exception],
) -> int:
    """Computes all rows in batches, halving the budget whenever memory runs out; returns the budget that sufficed.

    Args:
        lengths: (R,) tokens of each row.
        max_tokens: of a batch, padding included.
        compute: takes a batch; may be called again with some of the rows of a call that failed.
        out_of_memory: what `compute` raises when the batch is too large. It goes on to the caller where a single row
            is.
    """
    waiting = list(plan_batches(lengths, max_tokens))
    while waiting:
        batch = waiting.pop(0)
        try:
            compute(batch)
            continue
        except out_of_memory:
            if batch.rows.size == 1:
                raise
        # Out of the handler: the error holds on to the memory that the next attempt needs.
        max_tokens = max(1, batch.computed_tokens // 2)
        left = np.concatenate([batch.rows, *(other.rows for other in waiting)])
        waiting = [TokenBatch(left[part.rows], part.width) for part in plan_batches(lengths[left], max_tokens)]
    return max_tokens
