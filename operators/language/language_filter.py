"""Keeps documents in given languages."""

from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from operators.language.language_id import LANGUAGE_FIELDS, LANGUAGE_SCORE
from pipeline.document import LANGUAGE
from pipeline.operator import Filter, FilterFunction, Verdicts


class LanguageFilter(Filter):
    """Keeps documents whose language is one of `languages`, with a score of at least `min_score`.

    Columns:
        Reads `language` (large_string; null is no language and is dropped) and `language_score` (float32; null is
        read as 0). A verdict's value is the score, and its detail the language, where there is one; the threshold
        is missing where the language decided.

    Determinism:
        EXACT.

    Raises:
        ValidationError: at construction, without languages, or with a score outside 0..1.

    Source:
        FineWeb keeps English at 0.65 or more by fastText (Penedo et al. 2024, arXiv 2406.17557, base filtering);
        DCLM uses the same bound (Li et al. 2024, arXiv 2406.11794).

    Cost:
        Some nanoseconds a document.
    """

    name: ClassVar[str] = "language_filter"
    version: ClassVar[int] = 2

    languages: tuple[str, ...] = Field(min_length=1)
    """Labels as the language model writes them, for example "en"."""
    min_score: float = Field(default=0.65, ge=0, le=1)  # FineWeb, as above

    @field_validator("languages")
    @classmethod
    def _labels(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(value) or len(set(value)) != len(value):
            raise ValueError(f"languages: expected distinct labels such as 'en'; found {list(value)}")
        return value

    def requires(self) -> pa.Schema:
        """Language and score."""
        return pa.schema(LANGUAGE_FIELDS)

    def rules(self) -> tuple[str, ...]:
        """First the language, then its score."""
        return (LANGUAGE, LANGUAGE_SCORE)

    def open(self) -> FilterFunction:
        """The function that compares; it holds no state."""
        return self._judge

    def _judge(self, batch: pa.RecordBatch) -> Verdicts:
        wanted = pa.array(self.languages, pa.large_string())
        languages = batch.column(LANGUAGE)
        is_wanted = pc.is_in(languages, wanted).to_numpy(zero_copy_only=False)  # (D,) bool; null: False
        scores = pc.fill_null(batch.column(LANGUAGE_SCORE), np.float32(0)).to_numpy()  # (D,) float32
        # in float32, as stored: 0.65 as float32 lies below 0.65 as float64 and would be dropped
        is_low = is_wanted & ~(scores >= np.float32(self.min_score))
        return Verdicts(
            keep=is_wanted & ~is_low,
            rule=is_low.astype(np.int16),
            value=np.where(languages.is_valid(), scores.astype(np.float64), np.nan),
            threshold=np.where(is_low, self.min_score, np.nan),
            detail=pc.binary_join_element_wise("language", languages.cast(pa.string()), " "),
        )
