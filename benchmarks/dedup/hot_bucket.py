"""A corpus in which a fifth of all documents share one bucket, and its twin in which they share none.

A bucket is shared if the smallest values of a band's permutations come from shingles that all share. So for each of
the first band's permutations a shingle is sought, among hundreds of thousands of random ones, to which it gives a value
so small that hardly any document has a smaller one. These shingles together are a boilerplate of 40 words: every
document that begins with it has the same first band, while all its other shingles are its own, so the similarity of
two of them is low and no other band is shared. In the twin each of these documents begins with 40 words of its own.
The difference in time between the two is what the bucket costs.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.compute as pc

from benchmarks.dedup.corpus import BLOCK, lengths, write_documents
from benchmarks.dedup.edits import NGRAM_WORDS
from benchmarks.dedup.prose import Pieces, Prose
from operators.dedup.minhash import permutations
from operators.dedup.shingles import shingle_hashes
from pipeline.hashing import mix32

HOT_SHARE: Final = 0.2
CANDIDATES: Final = 500_000
"""Random shingles per search; the smallest of their values is beaten by a document of 150 with probability 0.0003."""
MEAN_PIECES: Final = 100
SEED: Final = 20261123
NUM_BANDS, ROWS_PER_BAND, PERMUTATION_SEED = 14, 8, 1
"""The defaults of corpusmill's deduplication, which the boilerplate is made for."""


def write_twins(read: Callable[[], Prose], folder: Path, documents: int) -> tuple[Path, Path]:
    """Folders of Parquet files: the corpus with the hot bucket, and the one without. Written once."""
    paths = folder / "hot", folder / "cold"
    written = folder / "written"
    if not written.is_file():
        for path, shared in zip(paths, (True, False), strict=True):
            write_documents(read(), draw_documents(read(), documents, shared=shared), path)
        written.touch()
    return paths


def draw_documents(prose: Prose, documents: int, *, shared: bool) -> list[Pieces]:
    """Every fifth document begins with the boilerplate, or with as many words of its own."""
    random = np.random.default_rng(SEED)
    words = _plain_words(prose)
    same = boilerplate(prose, words, random)
    every = round(1 / HOT_SHARE)
    drawn: list[Pieces] = []
    for start in range(0, documents, BLOCK):
        size = min(BLOCK, documents - start)
        cut = prose.cut(lengths(MEAN_PIECES, size, random), random)
        for at in range(0, size, every):
            own = random.choice(words, len(same))
            cut[at] = np.concatenate([same if shared else own, cut[at]])
        drawn += cut
    return drawn


def boilerplate(prose: Prose, words: Pieces, random: np.random.Generator) -> Pieces:
    """The shingles with the smallest values, one for each permutation of the first band."""
    candidates = random.choice(words, CANDIDATES + NGRAM_WORDS - 1)
    hashes = shingle_hashes(prose.texts([candidates])[0].as_py(), NGRAM_WORDS)
    assert len(hashes) == CANDIDATES  # one word a piece
    mixed = np.fromiter(map(mix32, hashes), np.uint32, len(hashes))
    multipliers, addends = permutations(NUM_BANDS * ROWS_PER_BAND, PERMUTATION_SEED)
    chosen = [int(np.argmin(multipliers[row] * mixed + addends[row])) for row in range(ROWS_PER_BAND)]
    return np.concatenate([candidates[at : at + NGRAM_WORDS] for at in chosen])


def _plain_words(prose: Prose) -> Pieces:
    """Pieces that normalise to exactly one word: lower-case ASCII letters and a space."""
    plain = pc.match_substring_regex(prose.vocabulary, r"^[a-z]{2,} $")
    return np.flatnonzero(plain.to_numpy(zero_copy_only=False)).astype(np.int32)
