"""Steps that kept what their rules measured, with their filters as they were: the ground of attribution and what-if.

D rows of a batch, K rules of all filters of a step, in the order in which they judge.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError

from pipeline.artifact import VALUES, Manifest
from pipeline.errors import PlanError, StorageError
from pipeline.io.scratch import local_copy
from pipeline.operator import BoolArray, Filter, Operator, labels_of
from pipeline.recipe import Catalogue
from pipeline.recorded_run import RecordedRun
from pipeline.rule_set import RuleSet
from pipeline.rule_values import ANNOTATE, JUDGE, JudgeValues, RuleValues

HALVES: Final[dict[str, type[Operator]]] = {ANNOTATE: RuleValues, JUDGE: JudgeValues}
BATCH_ROWS = 1 << 14
Identity = Mapping[str, Any]  # Any: operator identities are JSON


@dataclass(frozen=True, slots=True)
class JudgedStep:
    """A finished step with values."""

    step: str
    manifest: Manifest
    identities: Mapping[str, Identity]
    """Of all its operators, by label, in their order."""
    filters: Mapping[str, Filter]
    """By label, in their order."""

    @property
    def rules(self) -> tuple[tuple[str, str], ...]:
        """(label, rule) of all filters, in the order in which they judge."""
        return tuple((label, rule) for label, judge in self.filters.items() for rule in judge.rules())

    def batches(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        """(shard, rows of its value file), as they come."""
        for shard in self.manifest.shards:
            path = self.manifest.path(shard.index, VALUES)
            assert path is not None
            with pq.ParquetFile(local_copy(path)) as file:
                for batch in file.iter_batches(BATCH_ROWS):
                    yield shard.index, batch


def judged_steps(run: RecordedRun, catalogue: Catalogue) -> dict[str, JudgedStep]:
    """The run's finished steps with values, by name.

    Raises:
        StorageError: a filter is unknown here, or of another version.
    """
    return {
        name: judged_step(name, manifest, catalogue)
        for name, manifest in run.manifests().items()
        if any(VALUES in shard.files for shard in manifest.shards)
    }


def how_to_get_values(run: RecordedRun, steps: Collection[str]) -> str:
    """What to do where none of these steps has values: a step that is not finished may keep them or not."""
    unfinished = [name for name in run.unfinished() if name in steps]
    if not unfinished:
        return "run it with `attribution: true`"
    return f"steps that are not finished: {unfinished}; run the recipe to its end, with `attribution: true`"


def judged_step(name: str, manifest: Manifest, catalogue: Catalogue) -> JudgedStep:
    """A step whose manifest names value files. Raises as `judged_steps`."""
    identities = labelled(manifest)
    filters = {
        label: operator
        for label, identity in identities.items()
        if issubclass(kind_of(identity, catalogue), Filter)
        and isinstance(operator := rebuilt(identity, catalogue), Filter)
    }
    return JudgedStep(name, manifest, identities, filters)


def labelled(manifest: Manifest) -> dict[str, Identity]:
    """The identities of an artifact's operators by label, in their order."""
    return dict(zip(labels_of([_title(identity) for identity in manifest.operators]), manifest.operators, strict=True))


def _title(identity: Identity) -> str:
    name = str(identity["operator"])
    return f"{name}.{identity['fields']['rule_set']['operator']}" if name in HALVES else name


def kind_of(identity: Identity, catalogue: Catalogue) -> type[Operator]:
    """The class of an operator of which a manifest tells."""
    name = identity["operator"]
    kind = HALVES.get(name) or catalogue.operators.get(name)
    if kind is None or kind.version != identity["version"]:
        here = "no such operator" if kind is None else f"version {kind.version}"
        raise StorageError(
            f"operator {name}: expected version {identity['version']}, with which the run was made; found {here}; "
            "run the recipe again"
        )
    return kind


def rebuilt(identity: Identity, catalogue: Catalogue) -> Operator:
    """An operator as it was, but for its files: of these a manifest has the contents' digests alone."""
    kind = kind_of(identity, catalogue)
    fields = dict(_with_file_names(identity["fields"]))
    if "rule_set" in fields and kind in HALVES.values():
        fields["rule_set"] = rebuilt(identity["fields"]["rule_set"], catalogue)
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(map(str, problem["loc"]))
        raise PlanError(
            f"{identity['operator']}: {place}: {problem['msg']}; found {problem['input']!r:.100}"
        ) from error


def _with_file_names(value: Any) -> Any:  # Any: JSON
    """Fields with names in place of what identifies their files."""
    if isinstance(value, Mapping):
        if set(value) == {"content"}:
            return f"content:{value['content']}"
        if set(value) == {"step", "file"}:
            return f"step:{value['step']}/{value['file']}"
        return {key: _with_file_names(inner) for key, inner in value.items()}
    return [_with_file_names(inner) for inner in value] if isinstance(value, list) else value


def broken_rules(batch: pa.RecordBatch, filters: Mapping[str, Filter]) -> BoolArray:
    """(D, K) which rules the rows of a value file break, given the filters that measured them, or others like them."""
    columns = []
    for label, judge in filters.items():
        if isinstance(judge, RuleSet):
            columns += [
                limit.breaks(batch[f"{label}/{limit.rule}"].to_numpy(zero_copy_only=False))  # null: NaN
                for limit in judge.limits()
            ]
        else:
            columns += [
                pc.fill_null(pc.equal(batch[label], rule), False).to_numpy(zero_copy_only=False)
                for rule in judge.rules()
            ]
    return np.column_stack(columns) if columns else np.zeros((batch.num_rows, 0), np.bool_)
