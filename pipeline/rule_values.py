"""A rule set in two halves: its values as columns, and its limits applied to such columns.

Measuring reads text, judging does not. So values are computed once, and limits may be tried as often as one likes.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Final, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import SerializeAsAny, model_validator

from pipeline.errors import PlanError
from pipeline.operator import (
    AnnotateFunction,
    Annotator,
    Determinism,
    Operator,
    Resources,
)
from pipeline.rule_set import Limit, MeasureFunction, RuleSet

ANNOTATE: Final = "annotate"
JUDGE: Final = "judge"


def value_columns(rule_set: RuleSet) -> pa.Schema:
    """The columns for what a rule set measures, `RULE_SET.RULE`: float64, null where it was not measured."""
    return pa.schema([pa.field(f"{rule_set.name}.{rule}", pa.float64()) for rule in rule_set.rules()])


class RuleValues(Annotator):
    """Adds what a rule set measures, and drops nothing.

    Columns:
        Reads what the rule set reads; adds `value_columns`.

    Determinism:
        That of the rule set, which must be exact.

    Raises:
        ValidationError: at construction, for a rule set whose results depend on the hardware.

    Cost:
        That of the rule set.
    """

    name: ClassVar[str] = ANNOTATE

    rule_set: SerializeAsAny[RuleSet]

    @model_validator(mode="after")
    def _exact(self) -> Self:
        if self.rule_set.determinism is Determinism.HARDWARE:
            raise ValueError(f"expected a rule set whose results are exact; {self.rule_set.name} depends on hardware")
        return self

    @property
    def title(self) -> str:
        """As in `--set STEP.annotate.RULE_SET.FIELD`."""
        return f"{self.name}.{self.rule_set.name}"

    @property
    def resources(self) -> Resources:
        """Those of the rule set."""
        return self.rule_set.resources

    def requires(self) -> pa.Schema:
        """What the rule set requires."""
        return self.rule_set.requires()

    def derives(self) -> tuple[Annotator, ...]:
        """What the rule set derives from."""
        return self.rule_set.derives()

    def notes(self) -> tuple[str, ...]:
        """Those of the rule set."""
        return self.rule_set.notes()

    def adds(self) -> pa.Schema:
        """A column for each rule."""
        return value_columns(self.rule_set)

    def open(self) -> AnnotateFunction:
        """Measures."""
        measure = self.rule_set.open_values()
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            values = measure(batch)  # (D, R)
            columns = [pa.array(values[:, place], from_pandas=True) for place in range(len(schema))]
            return pa.RecordBatch.from_arrays(columns, schema=schema)

        return annotate


class JudgeValues(RuleSet):
    """Applies a rule set's limits to values that were measured before, and reads no text.

    Columns:
        Reads `value_columns`, and `language` where the rule set is for some languages.

    Determinism:
        EXACT.

    Raises:
        ValidationError: at construction, for `languages` beside the rule set instead of in it.

    Cost:
        Some comparisons a document.
    """

    name: ClassVar[str] = JUDGE

    rule_set: SerializeAsAny[RuleSet]

    @model_validator(mode="before")
    @classmethod
    def _languages_of_rule_set(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("rule_set"), RuleSet):
            return {"languages": data["rule_set"].languages, **data}
        return data

    @model_validator(mode="after")
    def _same_languages(self) -> Self:
        if self.languages != self.rule_set.languages:
            raise ValueError("languages: expected them among the fields of the rule set that is judged")
        return self

    @property
    def title(self) -> str:
        """As in `--set STEP.judge.RULE_SET.FIELD`."""
        return f"{self.name}.{self.rule_set.name}"

    def limits(self) -> tuple[Limit, ...]:
        """Those of the rule set."""
        return self.rule_set.limits()

    def measures(self) -> pa.Schema:
        """The values."""
        return value_columns(self.rule_set)

    def open_measure(self) -> MeasureFunction:
        """The function that reads the values."""
        names = self.measures().names

        def measure(batch: pa.RecordBatch) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
            columns = [batch[name].to_numpy(zero_copy_only=False) for name in names]  # null becomes NaN
            return np.column_stack(columns) if columns else np.empty((batch.num_rows, 0))

        return measure


def check_values(judging: JudgeValues, measuring: Iterable[RuleValues]) -> None:
    """Refuses to judge values that were measured with other settings than the rule set that judges them has.

    Args:
        judging: holds values against its limits.
        measuring: what measured such columns before, the nearest first.

    Raises:
        PlanError: a field differs that is no limit, or a rule that was off is on.
    """
    wanted = judging.rule_set
    found = next((one.rule_set for one in measuring if value_columns(one.rule_set) == value_columns(wanted)), None)
    if found is None:
        return
    change = what_changes(found, wanted)
    turned_on = () if change is not None else what_turns_on(found, wanted)
    if turned_on:
        change = f"rules {list(turned_on)} were off when values were measured; measure anew with them on"
    if change is not None:
        raise PlanError(f"{judging.title}: expected values that are measured as they are judged; {change}")


def what_changes(before: RuleSet, after: RuleSet) -> str | None:
    """Why the values of one rule set are not those of another; None where only limits differ."""
    if type(before) is not type(after):
        return f"they are of {before.name}, not of {after.name}; measure them anew"
    for field in type(before).model_fields:
        here, there = getattr(before, field), getattr(after, field)
        if here == there or (field == "languages" and _covers(here, there)):
            continue
        if not _is_limit(before, field, there):
            return f"{field} was {_spelled(here)}, is {_spelled(there)}, and is no limit: values differ; measure anew"
    return None


def what_turns_on(before: RuleSet, after: RuleSet) -> tuple[str, ...]:
    """Rules that were off and are on: a rule set need not measure what it does not judge."""
    pairs = zip(before.limits(), after.limits(), strict=True)
    return tuple(new.rule for old, new in pairs if old.limit is None and new.limit is not None)


def _is_limit(rule_set: RuleSet, field: str, value: object) -> bool:
    """Whether a field of numbers, with another value, moves limits and leaves the rules as they are."""
    if not _is_numeric(value) or not _is_numeric(getattr(rule_set, field)):
        return False  # a list of words may turn a rule on too, and is measured with
    moved = rule_set.model_copy(update={field: value}).limits()
    limits = rule_set.limits()
    return moved != limits and list(map(_kind, moved)) == list(map(_kind, limits))


def _is_numeric(value: object) -> bool:
    """Whether a field holds numbers, true and false, or nothing, and no other thing."""
    if isinstance(value, Mapping):
        return all(_is_numeric(inner) for inner in value.values())
    if isinstance(value, tuple):
        return all(_is_numeric(inner) for inner in value)
    return value is None or isinstance(value, int | float)


def _kind(limit: Limit) -> tuple[str, Literal["min", "max"], bool]:
    return limit.rule, limit.side, limit.inclusive


def _covers(measured: tuple[str, ...] | None, judged: tuple[str, ...] | None) -> bool:
    """Whether documents of all languages that are judged were measured."""
    return measured is None or (judged is not None and set(judged) <= set(measured))


def _spelled(value: object) -> str:
    text = repr(list(value) if isinstance(value, tuple) else value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def carried(operator: Operator) -> RuleSet | None:
    """The rule set of an operator that measures or judges for one."""
    return operator.rule_set if isinstance(operator, RuleValues | JudgeValues) else None
