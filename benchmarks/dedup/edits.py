"""Edits that turn a document into a near-duplicate of a wanted Jaccard similarity, roughly.

Similarities are those of word 5-grams. What an edit really leaves is measured afterwards; see corpus.py.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from benchmarks.dedup.prose import REPLACED, Pieces, Prose

NGRAM_WORDS: Final = 5
RUN_PIECES: Final = 20
"""Pieces that are deleted together: about a sentence."""

Edit = Callable[[Prose, Pieces, float, np.random.Generator], Pieces]


def replace_words(prose: Prose, original: Pieces, jaccard: float, random: np.random.Generator) -> Pieces:
    """Single words become others. A 5-gram stays if its five words do: s = (1 - p)^5, and J = s / (2 - s)."""
    kept = 2 * jaccard / (1 + jaccard)
    return prose.replace(original, 1 - kept ** (1 / NGRAM_WORDS), random)


def delete_sentences(_prose: Prose, original: Pieces, jaccard: float, random: np.random.Generator) -> Pieces:
    """Runs of words are gone; J is the share that is left, less the 5-grams across the gaps."""
    num_runs = -(-len(original) // RUN_PIECES)
    kept = random.random(num_runs) < jaccard
    kept[random.integers(num_runs)] = True
    return original[np.repeat(kept, RUN_PIECES)[: len(original)]]


def truncate(_prose: Prose, original: Pieces, jaccard: float, _random: np.random.Generator) -> Pieces:
    """The end is gone."""
    return original[: max(1, round(len(original) * jaccard))]


def prepend(prose: Prose, original: Pieces, jaccard: float, random: np.random.Generator) -> Pieces:
    """Other text stands before it: J is the original's share of the whole."""
    return np.concatenate([_foreign(prose, original, jaccard, random), original])


def append(prose: Prose, original: Pieces, jaccard: float, random: np.random.Generator) -> Pieces:
    """Other text stands after it."""
    return np.concatenate([original, _foreign(prose, original, jaccard, random)])


def _foreign(prose: Prose, original: Pieces, jaccard: float, random: np.random.Generator) -> Pieces:
    """Text of its own for each copy: if copies shared it, they would be near-duplicates that no truth table names."""
    size = min(round(len(original) * (1 / jaccard - 1)), len(prose.stream) - 1)
    start = random.integers(len(prose.stream) - size)
    return prose.replace(prose.stream[start : start + size], REPLACED, random)


EDITS: Final[Mapping[str, Edit]] = {
    "replace_words": replace_words,
    "delete_sentences": delete_sentences,
    "truncate": truncate,
    "prepend": prepend,
    "append": append,
}
