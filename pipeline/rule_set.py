"""Filters made of rules that each hold one measured number against one limit.

A rule set says what it measures and where its limits lie. That its numbers can be written as columns, judged later
from those columns, or counted for every rule of a document, is the same for all of them, and stands here.

Arrays: D documents, R rules.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import field_validator

from pipeline.document import LANGUAGE, TEXT, TEXT_TYPE
from pipeline.operator import BoolArray, Filter, FilterFunction, FloatArray, Verdicts

MeasureFunction = Callable[[pa.RecordBatch], FloatArray]
"""Batch of D documents -> (D, R) float64, in the order of `limits()`; NaN is not measured."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One rule: the least (`min`) or most (`max`) that is kept of what it measures."""

    rule: str
    side: Literal["min", "max"]
    limit: float | None
    """None turns the rule off."""
    inclusive: bool = True
    """Whether a value equal to the limit is kept."""

    def breaks(self, values: FloatArray) -> BoolArray:
        """Which of the (D,) `values` break this limit. A value that is not a number breaks none."""
        if self.limit is None:
            return np.zeros(values.shape, np.bool_)
        if self.side == "min":
            return values < self.limit if self.inclusive else values <= self.limit
        return values > self.limit if self.inclusive else values >= self.limit


class RuleSet(Filter):
    """A filter of rules. Subclasses say what their rules measure; the first limit that is broken decides."""

    languages: tuple[str, ...] | None = None
    """Labels in the column `language` whose documents are judged; the others pass. None judges all."""

    @field_validator("languages")
    @classmethod
    def _distinct_languages(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is not None and (not value or not all(value) or len(set(value)) != len(value)):
            raise ValueError(f"languages: expected distinct labels such as 'en', or null; found {list(value)}")
        return value

    @abstractmethod
    def limits(self) -> tuple[Limit, ...]:
        """The rules with their limits, in the order in which they are judged."""

    @abstractmethod
    def open_measure(self) -> MeasureFunction:
        """Loads what is needed on the worker, once, and returns the function that measures."""

    def leading(self) -> "RuleSet | None":
        """The first of these rules alone, where they are measured much more cheaply than the rest; None where not.

        Documents that these drop are not measured further, unless every rule is asked for its value.
        """
        return None

    def measures(self) -> pa.Schema:
        """The columns that it measures, beside what it derives from: the text, unless a subclass says otherwise."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE)])

    def requires(self) -> pa.Schema:
        """What it measures, and the language where that matters."""
        language = () if self.languages is None else (pa.field(LANGUAGE, pa.large_string()),)
        return pa.schema([*self.measures(), *language])

    def rules(self) -> tuple[str, ...]:
        """Names of the limits."""
        return tuple(limit.rule for limit in self.limits())

    def open_values(self) -> MeasureFunction:
        """As `open_measure`, with no values for documents of other languages than `languages`."""
        measure = self.open_measure()
        if self.languages is None:
            return measure
        wanted = pa.array(self.languages, pa.large_string())
        num_rules = len(self.limits())

        def measure_wanted(batch: pa.RecordBatch) -> FloatArray:
            is_wanted = pc.is_in(batch.column(LANGUAGE), wanted)  # (D,) null: False
            rows = is_wanted.to_numpy(zero_copy_only=False)
            if rows.all():
                return measure(batch)
            values = np.full((batch.num_rows, num_rules), np.nan)
            if rows.any():
                values[rows] = measure(batch.filter(is_wanted))
            return values

        return measure_wanted

    def open(self) -> FilterFunction:
        """Measures and judges."""
        measure = self.open_values()
        limits = self.limits()
        return lambda batch: judge(measure(batch), limits)


def judge(values: FloatArray, limits: Sequence[Limit]) -> Verdicts:
    """Verdicts on D documents of which (D, R) `values` were measured: the first broken limit decides."""
    num_documents = len(values)
    keep = np.ones(num_documents, np.bool_)
    rule = np.zeros(num_documents, np.int16)
    value = np.full(num_documents, np.nan)
    threshold = np.full(num_documents, np.nan)
    for index, limit in enumerate(limits):
        decides = keep & limit.breaks(values[:, index])  # (D,)
        rule[decides] = index
        value[decides] = values[decides, index]
        threshold[decides] = np.nan if limit.limit is None else limit.limit
        keep &= ~decides
    return Verdicts(keep=keep, rule=rule, value=value, threshold=threshold)
