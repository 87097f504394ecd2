"""What other limits would have removed, from the values that a step kept: no document is read again.

D rows of a batch, K rules of all filters of a step. A row's fate is the first rule that it breaks, K where an operator
failed on it, K + 1 where it stays.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.artifact import DATA, IDENTITY, Manifest
from pipeline.document import DOC_ID, INPUT_ID
from pipeline.errors import PlanError
from pipeline.execution.judged_rows import FAILED_AT, ROW, TEXT_BYTES
from pipeline.io.scratch import local_copy
from pipeline.operator import Filter, PartitionOperator, Task, Transform
from pipeline.recipe import Catalogue
from pipeline.recorded_run import RecordedRun, RecordedStep
from pipeline.report.judged_steps import (
    Identity,
    JudgedStep,
    broken_rules,
    how_to_get_values,
    judged_steps,
    kind_of,
    labelled,
    rebuilt,
)
from pipeline.rule_set import RuleSet
from pipeline.rule_values import carried, what_changes, what_turns_on
from pipeline.yaml_text import plain_data

NUM_EXAMPLES: Final = 5
Fates = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one operator, as it was and as it would be."""

    step: str
    operator: str
    field: str
    before: Any  # Any: JSON
    after: Any  # Any: JSON


@dataclass(frozen=True, slots=True)
class RuleChange:
    """Documents that one rule removed, by being the first that they break, and would remove."""

    operator: str
    rule: str
    limit_before: float | None
    limit_after: float | None
    removed_before: int
    removed_after: int


@dataclass(frozen=True, slots=True)
class Crossing:
    """Documents that would change sides."""

    rows: int
    text_bytes: int | None
    """Of their texts as they came to the step; None where it does not read text."""
    examples: tuple[tuple[str, str | None], ...]
    """(doc_id, id in the input) of the first of them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one step would keep."""

    step: str
    changes: tuple[Change, ...]
    rows_judged: int
    kept_before: int
    kept_after: int
    quarantined_before: int
    quarantined_after: int
    gained: Crossing
    """Dropped in the run, kept with the other settings."""
    lost: Crossing
    """Kept in the run, dropped with the other settings."""
    rules: tuple[RuleChange, ...]
    """Those that remove another number, or have another limit."""
    unknown: tuple[str, ...]
    """Why more may follow than this answer has; empty where it is exact for the whole run."""

    @property
    def is_exact(self) -> bool:
        """Whether a run with these settings would keep just these documents."""
        return not self.unknown


def what_if(
    run: RecordedRun, catalogue: Catalogue, settings: Sequence[str], *, num_examples: int = NUM_EXAMPLES
) -> tuple[Answer, ...]:
    """What the steps of a run would keep with other settings, such as `documents.gopher_quality.min_words=30`.

    Raises:
        PlanError: a setting names nothing that there is, or a field that is no limit.
        StorageError: the run's filters are not the ones that are installed.
    """
    judged = judged_steps(run, catalogue)
    known = {step.step: step for step in run.steps}
    changed: dict[str, _Changed] = {}
    for setting in settings:
        step, path, value = _parsed(setting, known)
        if step not in judged:
            raise PlanError(
                f"whatif {setting!r}: expected a step that keeps values; step {step} does not; "
                f"{how_to_get_values(run, [step])}; steps with values: {sorted(judged)}"
            )
        changed.setdefault(step, _Changed(judged[step])).set(path, value, setting, catalogue)
    return tuple(_answer(run, catalogue, changed, step, num_examples) for step in known if step in changed)


def _parsed(setting: str, known: Mapping[str, RecordedStep]) -> tuple[str, str, Any]:  # Any: YAML
    path, equals, value = setting.partition("=")
    named = [step for step in known if path.startswith(f"{step}.")]
    if not equals or not named:
        raise PlanError(f"whatif {setting!r}: expected STEP.RULE_SET.FIELD=VALUE; steps: {sorted(known)}")
    parsed = plain_data(value, f"whatif {setting!r}")
    step = max(named, key=len)  # of `near` and `near.edges`, the second is meant
    return step, path.removeprefix(f"{step}."), parsed


@dataclass(slots=True)
class _Changed:
    """A step with other fields."""

    judged: JudgedStep
    changes: list[Change] = field(default_factory=list)
    identities: dict[str, Identity] = field(default_factory=dict)
    """Of operators that changed, as they would be."""
    edits: list[str] = field(default_factory=list)
    """Labels of transforms among them."""

    @property
    def filters(self) -> dict[str, Filter]:
        """The step's filters as they would be."""
        return {label: self._after.get(label, judge) for label, judge in self.judged.filters.items()}

    _after: dict[str, Filter] = field(default_factory=dict)

    def set(self, path: str, value: Any, setting: str, catalogue: Catalogue) -> None:  # Any: YAML
        """Changes a field, if the values that were kept can answer for it."""
        labels = [label for label in self.judged.identities if path.startswith(f"{label}.")]
        if not labels:
            raise PlanError(
                f"whatif {setting!r}: no such operator in step {self.judged.step}; it has "
                f"{list(self.judged.identities)}"
            )
        label = max(labels, key=len)
        name = path.removeprefix(f"{label}.")
        before = self.judged.identities[label]
        identity, old = _with_field(self.identities.get(label, before), name, value, setting)
        kind = kind_of(before, catalogue)
        after = rebuilt(identity, catalogue)
        if issubclass(kind, Transform):
            self.edits.append(label)
        else:
            self._after[label] = self._judging(label, after, setting)
        self.identities[label] = identity
        self.changes.append(Change(self.judged.step, label, name, old, value))

    def _judging(self, label: str, after: object, setting: str) -> Filter:
        before = self.judged.filters.get(label)
        if not isinstance(before, RuleSet) or not isinstance(after, RuleSet):
            sets = [name for name, judge in self.judged.filters.items() if isinstance(judge, RuleSet)]
            raise PlanError(f"whatif {setting!r}: {label} is no rule set, so it has no limits; rule sets: {sets}")
        reason = what_changes(carried(before) or before, carried(after) or after)
        if reason is not None:
            raise PlanError(f"whatif {setting!r}: expected a limit; {reason}: run the recipe with it")
        for rule in what_turns_on(before, after):
            if not _was_measured(self.judged, f"{label}/{rule}"):
                raise PlanError(f"whatif {setting!r}: rule {rule} was off, and nothing was measured; run the recipe")
        return after


def _with_field(identity: Identity, path: str, value: Any, setting: str) -> tuple[dict[str, Any], Any]:  # Any: JSON
    """An operator's identity with another value of a field, and the old value."""
    fields = identity["fields"]
    if "rule_set" in fields and isinstance(fields["rule_set"], Mapping) and "operator" in fields["rule_set"]:
        inner, old = _with_field(fields["rule_set"], path, value, setting)
        return {**identity, "fields": {**fields, "rule_set": inner}}, old
    name, _, rest = path.partition(".")
    if name not in fields:
        raise PlanError(f"whatif {setting!r}: {identity['operator']} has no field {name!r}; fields: {sorted(fields)}")
    if not rest:
        return {**identity, "fields": {**fields, name: value}}, fields[name]
    if not isinstance(fields[name], Mapping):
        raise PlanError(f"whatif {setting!r}: {name!r} holds no fields; give its whole value")
    inside = {**fields[name], rest: value}
    return {**identity, "fields": {**fields, name: inside}}, fields[name].get(rest)


def _was_measured(judged: JudgedStep, column: str) -> bool:
    return any(batch[column].null_count < batch.num_rows for _, batch in judged.batches())


@dataclass(slots=True)
class _Side:
    """Documents that change sides, while they are counted."""

    rows: int = 0
    text_bytes: int = 0
    has_bytes: bool = True
    first: list[tuple[int, int]] = field(default_factory=list)
    """(shard, row)."""

    def add(self, shard: int, batch: pa.RecordBatch, crosses: npt.NDArray[np.bool_], num_examples: int) -> None:
        """Takes the rows of a value file that cross."""
        self.rows += int(crosses.sum())
        lengths = batch[TEXT_BYTES].filter(pa.array(crosses))
        self.has_bytes &= lengths.null_count == 0
        self.text_bytes += int(np.nansum(lengths.to_numpy(zero_copy_only=False)))
        rows = batch[ROW].to_numpy()[crosses]
        self.first += [(shard, int(row)) for row in rows[: num_examples - len(self.first)]]


def _answer(
    run: RecordedRun, catalogue: Catalogue, changed: Mapping[str, _Changed], step: str, num_examples: int
) -> Answer:
    what = changed[step]
    judged, rules, after = what.judged, what.judged.rules, what.filters
    counts = np.zeros((2, len(rules) + 2), np.int64)
    gained, lost = _Side(), _Side()
    for shard, batch in judged.batches():
        now, then = _fates(batch, judged.filters), _fates(batch, after)
        for place, fates in enumerate((now, then)):
            counts[place] += np.bincount(fates, minlength=len(rules) + 2)
        gained.add(shard, batch, (now < len(rules)) & (then == len(rules) + 1), num_examples)
        lost.add(shard, batch, (now == len(rules) + 1) & (then < len(rules)), num_examples)
    limits = [_limits(filters) for filters in (judged.filters, after)]
    found = [
        RuleChange(label, rule, old, new, int(before), int(later))
        for (label, rule), old, new, before, later in zip(rules, *limits, *counts[:, : len(rules)], strict=True)
        if old != new or before != later
    ]
    return Answer(
        step=step,
        changes=tuple(what.changes),
        rows_judged=int(counts[0].sum()),
        kept_before=int(counts[0, -1]),
        kept_after=int(counts[1, -1]),
        quarantined_before=int(counts[0, -2]),
        quarantined_after=int(counts[1, -2]),
        gained=_crossing(run, step, gained),
        lost=_crossing(run, step, lost),
        rules=tuple(found),
        unknown=tuple(_unknown(run, catalogue, changed, step, gains=gained.rows > 0, loses=lost.rows > 0)),
    )


def _fates(batch: pa.RecordBatch, filters: Mapping[str, Filter]) -> Fates:
    """(D,) what becomes of rows. Behind an operator that failed nothing was measured, so no rule is broken there."""
    broken = broken_rules(batch, filters)  # (D, K)
    num_rules = broken.shape[1]
    failed = batch[FAILED_AT].is_valid().to_numpy(zero_copy_only=False)
    first = broken.argmax(axis=1) if num_rules else np.zeros(len(failed), np.int64)
    return np.where(broken.any(axis=1), first, np.where(failed, num_rules, num_rules + 1))


def _limits(filters: Mapping[str, Filter]) -> Iterator[float | None]:
    for judge in filters.values():
        if isinstance(judge, RuleSet):
            yield from (limit.limit for limit in judge.limits())
        else:
            yield from (None for _ in judge.rules())


def _crossing(run: RecordedRun, step: str, side: _Side) -> Crossing:
    examples = tuple(_names(run, step, side.first))
    return Crossing(side.rows, side.text_bytes if side.has_bytes else None, examples)


def _names(run: RecordedRun, name: str, places: Sequence[tuple[int, int]]) -> Iterator[tuple[str, str | None]]:
    """(doc_id, id in the input) of rows of a step's base, or of records of its sources."""
    step = next(step for step in run.steps if step.step == name)
    files = list(_id_files(run, step))
    for shard, row in places:
        path = files[shard]
        assert path is not None
        table = pq.read_table(local_copy(path))
        table = table.select([column for column in (DOC_ID, INPUT_ID) if column in table.schema.names])
        values = table.slice(row, 1).to_pylist()[0]
        yield values[DOC_ID].hex(), values.get(INPUT_ID)


def _id_files(run: RecordedRun, step: RecordedStep) -> Iterator[str | None]:
    """By shard of the step: the file with the ids of its rows."""
    manifests: dict[str, Manifest] = {**run.imported(), **run.manifests()}
    origin, role = (step.reader, IDENTITY) if step.sources else (step.base, DATA)
    for name, part in ((origin, role), *((table, DATA) for table in step.against)):
        manifest = manifests[name or ""]
        yield from (manifest.path(shard.index, part) for shard in manifest.shards)


def _unknown(
    run: RecordedRun, catalogue: Catalogue, changed: Mapping[str, _Changed], step: str, *, gains: bool, loses: bool
) -> Iterator[str]:
    """Why documents beyond those of the answer may come or go."""
    what = changed[step]
    labels = list(what.judged.identities)
    for label in dict.fromkeys(what.edits):
        behind = [name for name in what.judged.filters if labels.index(name) > labels.index(label)]
        yield f"{label} edits the text that {', '.join(behind) or 'no filter'} judges: values are of the text as it was"
    manifests = run.manifests()
    for name in _descendants(run, step):
        kinds = {label: kind_of(one, catalogue) for label, one in labelled(manifests[name]).items()}
        compares = [label for label, kind in kinds.items() if issubclass(kind, PartitionOperator | Task)]
        judges = [label for label, kind in kinds.items() if issubclass(kind, Filter)]
        if compares and (gains or loses):
            yield f"step {name} compares documents ({', '.join(compares)}): what it does to others may change"
        elif judges and gains:
            yield f"step {name} judges too ({', '.join(judges)}), and has not seen the documents that would come to it"
    above = [name for name in changed if step in _descendants(run, name)]
    if above:
        yield f"other settings of {', '.join(above)} bring other documents to step {step}"


def _descendants(run: RecordedRun, step: str) -> list[str]:
    """Finished steps that read what a step left, or what such steps left, in build order."""
    below = [step]
    for recorded in run.steps:
        if recorded.folder is not None and not set(below).isdisjoint(recorded.parents):
            below.append(recorded.step)
    return below[1:]
