"""FineWeb-Edu's classifier and threshold, as its model card states them."""

from typing import Final

import numpy as np

from operators.models.sequence_classifier import SequenceClassifier
from operators.models.settings import ModelSettings
from pipeline.folder_ref import FolderRef

PREFIX: Final = "edu"
MAX_TOKENS: Final = 512
"""The classifier's context: of a longer page it sees the first tokens."""
INT_RANGE: Final = (0, 5)
"""Scores are brought into it and rounded as Python rounds, halves to the even number: 2.5 is 2."""
MIN_INT_SCORE: Final = 3
"""Penedo et al. 2024, The FineWeb Datasets, arXiv:2406.17557, section 4: pages of 3 and more are FineWeb-Edu."""


def edu_classifier(model: FolderRef, settings: ModelSettings | None = None) -> SequenceClassifier:
    """The operator that gives `edu_score` and `edu_int_score`.

    Args:
        model: the folder of the released weights, or `hub:HuggingFaceFW/fineweb-edu-classifier@COMMIT`.
        settings: where and in what it runs.
    """
    return SequenceClassifier(
        model=model,
        settings=settings or ModelSettings(),
        prefix=PREFIX,
        int_range=INT_RANGE,
        max_tokens=MAX_TOKENS,
    )


def lowest_score(int_score: int) -> float:
    """The least float32 that is rounded to `int_score`: half below it if that is even, the next number if it is odd."""
    half = np.float32(int_score) - np.float32(0.5)
    return float(half if np.rint(half) >= int_score else np.nextafter(half, np.float32(np.inf)))
