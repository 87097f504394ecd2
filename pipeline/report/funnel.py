"""How many documents and tokens a build read, kept and lost, and to which rule: questions to manifests."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.artifact import Manifest, record_shards, view_shards
from pipeline.ledger import READ
from pipeline.operator import ShardOperator, Task
from pipeline.plan.logical import ArtifactKind, Exchange, Step


@dataclass(frozen=True, slots=True)
class StepCounts:
    """One step's rows."""

    step: str
    kind: str
    rows_read: int
    rows_kept: int
    rows_dropped: int
    rows_quarantined: int
    rows_edited: int
    damaged_files: int
    rules: dict[str, int]
    """`operator/action/rule` -> rows, most first."""


@dataclass(frozen=True, slots=True)
class Funnel:
    """A whole build, from the records of its sources to the rows of its last steps."""

    rows_in: int
    rows_dropped: int
    """Without rows that went on to the last documents: removed from the view of a model or a report alone, or on the
    way into a trainer's files."""
    rows_quarantined: int
    rows_kept: int
    """Rows that the build's last documents or packed table took in, without those that were removed from it later."""
    damaged_files: int
    duplicate_keys: int
    tokens_in: int
    """Tokens that entered packing; 0 where nothing is packed."""
    tokens_packed: int
    tokens_truncated: int
    steps: tuple[StepCounts, ...]

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """Plain data."""
        return asdict(self)


def funnel(manifests: Mapping[str, Manifest], steps: Mapping[str, Step]) -> Funnel:
    """The funnel of a build's manifests, in build order.

    Args:
        steps: of the recipe, by name.
    """
    packed = [manifest for manifest in manifests.values() if manifest.kind is not ArtifactKind.FILES]
    counts_of = {name: _step_counts(manifest) for name, manifest in manifests.items()}
    first, repeated = _first_readings(manifests, steps)
    inputs = [entry for name in first for shard in manifests[name].shards for entry in shard.inputs]
    return Funnel(
        rows_in=sum(counts_of[name].rows_read for name in first),
        rows_dropped=sum(counts.rows_dropped for name, counts in counts_of.items() if not _is_aside(name, steps)),
        rows_quarantined=sum(
            counts.rows_quarantined for name, counts in counts_of.items() if steps[name].write is not ArtifactKind.FILES
        )
        - sum(_rejected(manifests[name]) for name in repeated),
        rows_kept=_rows_kept(manifests, steps, first),
        damaged_files=sum(counts_of[name].damaged_files for name in first),
        duplicate_keys=sum(int(entry["num_duplicate_keys"]) for entry in inputs),
        tokens_in=sum(manifest.total("conserved_in") for manifest in packed),
        tokens_packed=sum(manifest.total("conserved_out") for manifest in packed),
        tokens_truncated=sum(manifest.total("conserved_cut") for manifest in packed),
        steps=tuple(counts_of.values()),
    )


def _first_readings(manifests: Mapping[str, Manifest], steps: Mapping[str, Step]) -> tuple[list[str], list[str]]:
    """Steps that read sources with nothing bound, and such steps over records that one of the former has read too."""
    first: dict[str | None, str] = {}
    repeated = []
    for name, manifest in manifests.items():
        if not steps[name].view.sources or steps[name].view.bound:
            continue
        # Documents are a base of their own; columns and removals belong to the records of the sources.
        belongs_to = manifest.base_fingerprint or manifest.fingerprint
        if first.setdefault(belongs_to, name) != name:
            repeated.append(name)
    return list(first.values()), repeated


def _rejected(manifest: Manifest) -> int:
    """Records that are no documents."""
    return sum(rows for rule, rows in manifest.rule_totals().items() if rule.startswith(f"{READ}/"))


def _rows_kept(manifests: Mapping[str, Manifest], steps: Mapping[str, Step], first: list[str]) -> int:
    """What is left of the rows that were read."""
    ends = [name for name in manifests if _passes_rows_on(steps[name])]
    if not ends:
        return sum(_records_kept(manifests[name], manifests) for name in first)
    end = manifests[ends[-1]]
    kept = end.total("rows_kept")
    if any(isinstance(operator, ShardOperator) for operator in steps[end.step].operators):
        return kept  # its rows are no documents, so nothing that is removed from them is one
    later = [manifest for manifest in manifests.values() if manifest.base_step == end.step]
    return kept - sum(len(shard.removed_rows()) for shard in view_shards(end, later, (), with_position=False))


def _records_kept(reader: Manifest, manifests: Mapping[str, Manifest]) -> int:
    """Records that no step over the same sources removed."""
    if reader.base_fingerprint is None:
        return 0
    bound = [manifest for manifest in manifests.values() if manifest.base_fingerprint == reader.base_fingerprint]
    shards = record_shards(reader, bound, (), with_position=False)
    return sum(shard.num_rows - len(shard.removed_rows()) for shard in shards)


def _passes_rows_on(step: Step) -> bool:
    """Whether what it writes are the documents that it read. What leaves an exchange or a task (edges) are others."""
    is_written = step.write in (ArtifactKind.DOCUMENTS, ArtifactKind.TABLE)
    return is_written and not any(isinstance(node, Exchange | Task) for node in step.unrolled)


def _is_aside(name: str, steps: Mapping[str, Step]) -> bool:
    """Whether what the step removed went on all the same: the documents of its base did, and without it."""
    step = steps[name]
    if step.write is ArtifactKind.FILES:
        return True
    onward = [other for other in steps.values() if other.view.base == step.view.base and _passes_rows_on(other)]
    is_removal = step.view.base is not None and step.write is ArtifactKind.REMOVALS
    return is_removal and bool(onward) and not any(name in other.view.bound for other in onward)


def _step_counts(manifest: Manifest) -> StepCounts:
    damaged = {
        (entry["source"], entry["path"]) for shard in manifest.shards for entry in shard.inputs if "damaged" in entry
    }
    return StepCounts(
        step=manifest.step,
        kind=manifest.kind.value,
        rows_read=manifest.total("rows_read"),
        rows_kept=manifest.total("rows_kept"),
        rows_dropped=manifest.total("rows_dropped"),
        rows_quarantined=manifest.total("rows_quarantined"),
        rows_edited=manifest.total("rows_edited"),
        damaged_files=len(damaged),
        rules=manifest.rule_totals(),
    )
