"""What rule sets over words and lines share: they derive from text statistics, and are tuned on certain word units."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import model_validator

from operators.text.statistics import Counts, Measures
from operators.text.text_statistics import TextStatistics
from operators.text.word_unit import WordUnit
from pipeline.operator import Annotator, FloatArray
from pipeline.rule_set import MeasureFunction, RuleSet


def check_unit(field: str, unit: str, tuned_on: Sequence[str], *, allow_other_unit: bool) -> None:
    """Refuses a unit that a rule set's limits were not made for.

    Raises:
        ValueError: `unit` is not one of `tuned_on`, and no other is allowed.
    """
    if unit not in tuned_on and not allow_other_unit:
        raise ValueError(
            f"{field}: expected one that the limits were tuned on, {list(tuned_on)}; found {unit!r}; "
            "its numbers differ, so set limits for it and allow_other_unit: true"
        )


class WordRuleSet(RuleSet):
    """A rule set whose numbers follow from text statistics. Subclasses name them, and compute what is judged."""

    tuned_on: ClassVar[tuple[WordUnit, ...]]
    """The word units that the published limits were made for."""

    word_unit: WordUnit = "whitespace"
    """What a word is; see docs/filters.md."""
    allow_other_unit: bool = False
    """Whether `word_unit` may be one that the published limits were not made for."""

    @model_validator(mode="after")
    def _unit_is_tuned(self) -> "WordRuleSet":
        check_unit("word_unit", self.word_unit, self.tuned_on, allow_other_unit=self.allow_other_unit)
        return self

    @abstractmethod
    def statistics(self) -> tuple[str, ...]:
        """Names of the text statistics that it needs."""

    @abstractmethod
    def values(self, counts: Mapping[str, Counts | Measures]) -> Sequence[FloatArray | Counts]:
        """What is judged, (D,) each in the order of `limits()`, from the statistics by name."""

    def statistic_settings(self) -> dict[str, Any]:  # Any: values of fields of TextStatistics
        """What the statistics depend on beside the word unit."""
        return {}

    def measures(self) -> pa.Schema:
        """Nothing beside what it derives from."""
        return pa.schema([])

    def derives(self) -> tuple[Annotator, ...]:
        """The statistics."""
        return (self._derived(),)

    def open_measure(self) -> MeasureFunction:
        """The function that reads the statistics' columns; it holds no state."""
        derived = self._derived()
        columns = {name: derived.column(name) for name in derived.statistics}

        def measure(batch: pa.RecordBatch) -> FloatArray:
            counts = {name: batch.column(column).to_numpy() for name, column in columns.items()}
            return np.column_stack([value.astype(np.float64, copy=False) for value in self.values(counts)])

        return measure

    def _derived(self) -> TextStatistics:
        return TextStatistics(
            statistics=self.statistics(),
            word_unit=self.word_unit,
            languages=self.languages,
            **self.statistic_settings(),
        )
