"""Token ids of documents, and the spans of them that a causal model sees at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.uint32]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class TokenSpans:
    """Spans of the ids of documents; the loss of every token but each document's first counts in exactly one.

    A model that is given the ids of a span but the last predicts all but the first.
    """

    ids: Ids  # (T,) of all documents, one after the other
    starts: Indices  # (S,) places in `ids`
    ends: Indices  # (S,) one past the last id
    firsts: Indices  # (S,) place of the first id whose loss counts
    documents: Indices  # (S,) whose span it is

    @property
    def num_inputs(self) -> Indices:
        """(S,) ids that the model is given."""
        return self.ends - self.starts - 1


def cut_spans(documents: Sequence[Ids], start_id: int, *, window: int, stride: int) -> TokenSpans:
    """The spans of documents, each of which begins with `start_id`, so that its first token has a loss too.

    A span begins `stride` ids behind the one before and gives the model at most `window` ids; what an earlier span
    scored is context in the later one. The last span of a document ends with it. Documents without ids have no span.

    Args:
        documents: ids of each, (T,) uint32.
        start_id: the model's token for the beginning of a text.
        window: ids that the model is given at most.
        stride: at most `window`.
    """
    lengths = np.fromiter((ids.size for ids in documents), np.int64, len(documents))  # (D,) losses of each
    places = np.zeros(len(documents) + 1, np.int64)  # (D + 1,) of the start ids
    np.cumsum(lengths + 1, out=places[1:])
    ids = np.full(places[-1], start_id, np.uint32)  # (T,)
    is_text = np.ones(ids.size, np.bool_)
    is_text[places[:-1]] = False
    if ids.size > len(documents):
        ids[is_text] = np.concatenate(documents)
    behind_first = -(-np.maximum(lengths - window, 0) // stride)  # (D,)
    num_spans = np.where(lengths > 0, 1 + behind_first, 0)
    owners = np.repeat(np.arange(len(documents)), num_spans)  # (S,)
    numbers = np.arange(owners.size) - np.repeat(np.cumsum(num_spans) - num_spans, num_spans)  # (S,) in its document
    starts = places[owners] + numbers * stride
    ends = np.minimum(starts + window, places[owners] + lengths[owners]) + 1
    firsts = np.where(numbers == 0, starts + 1, starts - stride + window + 1)
    return TokenSpans(ids, starts, ends, firsts, owners)
