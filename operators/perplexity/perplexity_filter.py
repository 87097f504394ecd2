"""Keeps documents whose perplexity is within the limits of their language."""

from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from operators.perplexity.kenlm_perplexity import PERPLEXITY, PERPLEXITY_TYPE
from pipeline.document import LANGUAGE
from pipeline.operator import FloatArray
from pipeline.rule_set import Limit, MeasureFunction, RuleSet


class PerplexityFilter(RuleSet):
    """Drops documents that the model of their language finds too unlikely, or too likely.

    Perplexities of different models cannot be compared, so each language has limits of its own. Documents of other
    languages, and those without a perplexity, are kept.

    Columns:
        perplexity, language: read. A verdict's value is the perplexity.

    Determinism:
        Exact.

    Raises:
        ValidationError: no limits, or limits of a language that keep nothing.

    Source:
        Wenzek et al. 2019, CCNet, arXiv:1911.00359, section 3.2. Limits depend on the models and are not published as
        such; `perplexity_buckets` finds those of a share of the corpus.

    Cost:
        Two columns; no text.
    """

    name: ClassVar[str] = "perplexity_filter"

    max_perplexity: dict[str, float] = Field(default_factory=dict)
    """The highest perplexity that is kept, by language."""
    min_perplexity: dict[str, float] = Field(default_factory=dict)
    """The lowest, by language: what is below it repeats itself."""

    @model_validator(mode="after")
    def _limits_keep_something(self) -> Self:
        if not self.max_perplexity and not self.min_perplexity:
            raise ValueError("max_perplexity, min_perplexity: expected a limit of one language at least; found none")
        for language, least in self.min_perplexity.items():
            if least > self.max_perplexity.get(language, least):
                raise ValueError(
                    f"min_perplexity of {language!r}: expected at most {self.max_perplexity[language]}, its "
                    f"max_perplexity; found {least}"
                )
        return self

    def limits(self) -> tuple[Limit, ...]:
        """One for each language and side, by language."""
        return (
            *(
                Limit(f"max_perplexity_{name}", "max", self.max_perplexity[name])
                for name in sorted(self.max_perplexity)
            ),
            *(
                Limit(f"min_perplexity_{name}", "min", self.min_perplexity[name])
                for name in sorted(self.min_perplexity)
            ),
        )

    def measures(self) -> pa.Schema:
        """The perplexity and whose model gave it."""
        return pa.schema([pa.field(PERPLEXITY, PERPLEXITY_TYPE), pa.field(LANGUAGE, pa.large_string())])

    def requires(self) -> pa.Schema:
        """What it measures; the language is among it."""
        return self.measures()

    def open_measure(self) -> MeasureFunction:
        """The perplexity under each rule of the document's language."""
        languages = [*sorted(self.max_perplexity), *sorted(self.min_perplexity)]

        def measure(batch: pa.RecordBatch) -> FloatArray:
            perplexities = batch.column(PERPLEXITY).cast(pa.float64()).fill_null(float("nan"))
            values = np.full((batch.num_rows, len(languages)), np.nan)
            for rule, language in enumerate(languages):
                is_spoken = pc.fill_null(pc.equal(batch.column(LANGUAGE), language), fill_value=False)
                rows = is_spoken.to_numpy(zero_copy_only=False)
                values[rows, rule] = perplexities.to_numpy(zero_copy_only=False)[rows]
            return values

        return measure
