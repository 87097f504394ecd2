"""A stream of made-up words, long enough for small corpora."""

import numpy as np
import pyarrow as pa

from benchmarks.dedup.prose import Prose

VOCABULARY = 3000


def small_prose() -> Prose:
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [letters[n // 676 % 26] + letters[n // 26 % 26] + letters[n % 26] + " " for n in range(VOCABULARY)]
    return Prose(pa.array(words), np.random.default_rng(5).integers(0, VOCABULARY, 50_000, dtype=np.int32))
