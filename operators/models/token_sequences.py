"""Token ids of documents as an encoder is given them: with its special tokens, cut to what it can see at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from pipeline.operator import FloatArray

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Ids = npt.NDArray[np.uint32]
Indices = npt.NDArray[np.int64]
Float32Array = npt.NDArray[np.float32]
OverLength = Literal["head", "chunk_mean"]
"""What is seen of a document that is longer than the model can see at once: its beginning, or all of it in chunks."""


@dataclass(frozen=True, slots=True)
class SpecialIds:
    """What a model's tokenizer puts around every text."""

    head: tuple[int, ...]
    tail: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.head) + len(self.tail)

    def around(self, ids: Ids) -> Ids:
        """The ids of one sequence as the model is given them."""
        return np.concatenate([np.array(self.head, np.uint32), ids, np.array(self.tail, np.uint32)])


@dataclass(frozen=True, slots=True, eq=False)
class TokenSequences:
    """Sequences that a model is given, one or more of each document that has tokens."""

    ids: tuple[Ids, ...]  # S of (T,)
    documents: Indices  # (S,) whose sequence it is, ascending


def special_ids(tokenizer: "Tokenizer") -> SpecialIds:
    """What the tokenizer's template puts before and behind a text."""
    encoding = tokenizer.encode("a", add_special_tokens=True)
    is_special = np.array(encoding.special_tokens_mask, bool)
    first, last = int(np.argmin(is_special)), len(is_special) - int(np.argmin(is_special[::-1]))
    return SpecialIds(tuple(encoding.ids[:first]), tuple(encoding.ids[last:]))


def cut_sequences(
    documents: Sequence[Ids], special: SpecialIds, *, max_tokens: int, over_length: OverLength
) -> TokenSequences:
    """The sequences of documents. Those without ids have none.

    A document that does not fit gives its first tokens, or as few chunks as hold it, of equal length to within one
    token, so that no chunk is a scrap.

    Args:
        documents: ids of each, (T,) uint32.
        special: goes around every sequence.
        max_tokens: of a sequence, the special ones included; more than they are.
        over_length: what becomes of a document that is longer.
    """
    room = max_tokens - len(special)
    sequences: list[Ids] = []
    owners: list[int] = []
    for owner, ids in enumerate(documents):
        if not ids.size:
            continue
        num_chunks = 1 if over_length == "head" else -(-ids.size // room)
        seen = ids[: room * num_chunks]
        ends = [seen.size * (chunk + 1) // num_chunks for chunk in range(num_chunks)]
        sequences += [special.around(seen[start:end]) for start, end in zip([0, *ends[:-1]], ends, strict=True)]
        owners += [owner] * num_chunks
    return TokenSequences(tuple(sequences), np.array(owners, np.int64))


def mean_of_documents(values: Float32Array | FloatArray, documents: Indices, num_documents: int) -> FloatArray:
    """(D, L) means over each document's sequences; NaN for documents that have none.

    Args:
        values: (S, L) of sequences.
        documents: (S,) whose sequence it is, ascending.
        num_documents: D.
    """
    means = np.full((num_documents, values.shape[1]), np.nan)
    if len(documents):
        present, starts, counts = np.unique(documents, return_index=True, return_counts=True)
        sums = np.add.reduceat(values.astype(np.float64), starts, axis=0)  # (P, L)
        means[present] = sums / counts[:, None]
    return means
