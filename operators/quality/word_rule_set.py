"""What rule sets over words and lines share: they derive from text statistics, and are tuned on certain word units."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import model_validator

from operators.text.statistics import TEXT_STATISTICS, WORD_STATISTICS, Counts, Measures
from operators.text.text_statistics import TextStatistics
from operators.text.word_unit import WordUnit
from pipeline.operator import Annotator, FloatArray
from pipeline.rule_set import Limit, MeasureFunction, RuleSet


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

    num_text_rules: ClassVar[int] = 0
    """How many of the first rules need no words."""

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
        """The statistics: those that need no words, then those of words."""
        return self.text_statistics()

    def leading(self) -> RuleSet | None:
        """The first rules, where these need no words."""
        return LeadingTextRules(rule_set=self, languages=self.languages) if self.num_text_rules > 0 else None

    def text_statistics(self) -> tuple[TextStatistics, ...]:
        """The annotators of the statistics, so that those of words need not run for documents that are dropped."""
        both = TextStatistics(
            statistics=self.statistics(),
            word_unit=self.word_unit,
            languages=self.languages,
            **self.statistic_settings(),
        )
        parts = (both.only(TEXT_STATISTICS), both.only(WORD_STATISTICS))
        return tuple(part for part in parts if part is not None)

    def open_measure(self) -> MeasureFunction:
        """The function that reads the statistics' columns; it holds no state."""
        return _measure(self, self.text_statistics())


class LeadingTextRules(RuleSet):
    """The first rules of a rule set, which need no words: what breaks one of them is dropped before words are counted.

    Never part of a recipe; its rules, values and verdicts are those of the rule set.
    """

    name: ClassVar[str] = "leading_text_rules"

    rule_set: WordRuleSet

    @property
    def title(self) -> str:
        """The rule set's."""
        return self.rule_set.title

    def limits(self) -> tuple[Limit, ...]:
        """The first."""
        return self.rule_set.limits()[: self.rule_set.num_text_rules]

    def measures(self) -> pa.Schema:
        """Nothing beside what it derives from."""
        return pa.schema([])

    def derives(self) -> tuple[Annotator, ...]:
        """The statistics that need no words."""
        return self._text_statistics()

    def open_measure(self) -> MeasureFunction:
        """The function that reads the statistics' columns; it holds no state."""
        measure = _measure(self.rule_set, self._text_statistics())
        return lambda batch: measure(batch)[:, : self.rule_set.num_text_rules]

    def _text_statistics(self) -> tuple[TextStatistics, ...]:
        return tuple(one for one in self.rule_set.text_statistics() if not one.needs_words)


def _measure(rule_set: WordRuleSet, given: Sequence[TextStatistics]) -> MeasureFunction:
    """Values from the columns of the statistics `given`; others of the rule set count 0."""
    columns = {name: one.column(name) for one in given for name in one.statistics}

    def measure(batch: pa.RecordBatch) -> FloatArray:
        counts: dict[str, Counts | Measures] = dict.fromkeys(rule_set.statistics(), np.zeros(batch.num_rows, np.int64))
        counts |= {name: batch.column(column).to_numpy() for name, column in columns.items()}
        return np.column_stack([value.astype(np.float64, copy=False) for value in rule_set.values(counts)])

    return measure
