"""How many documents and tokens a build read, kept and lost, and to which rule: questions to manifests."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.artifact import Manifest
from pipeline.plan.logical import ArtifactKind, Step
from pipeline.report.outcome import outcomes


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
    """All the others; steps count what each of them dropped. Without rows that went on to the last documents: removed
    from the view of a model or a report alone, or on the way into a trainer's files."""
    rows_quarantined: int
    rows_kept: int
    """Rows that any of the build's last documents or packed tables took in, without those that were removed from it
    later."""
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
    first = _first_readings(manifests, steps)
    found = outcomes(manifests, steps, first)
    inputs = [entry for name in first for shard in manifests[name].shards for entry in shard.inputs]
    return Funnel(
        rows_in=sum(outcome.rows_in for outcome in found),
        rows_dropped=sum(outcome.rows_dropped for outcome in found),
        rows_quarantined=sum(outcome.rows_quarantined for outcome in found),
        rows_kept=sum(outcome.rows_kept for outcome in found),
        damaged_files=sum(counts_of[name].damaged_files for name in first),
        duplicate_keys=sum(int(entry["num_duplicate_keys"]) for entry in inputs),
        tokens_in=sum(manifest.total("conserved_in") for manifest in packed),
        tokens_packed=sum(manifest.total("conserved_out") for manifest in packed),
        tokens_truncated=sum(manifest.total("conserved_cut") for manifest in packed),
        steps=tuple(counts_of.values()),
    )


def _first_readings(manifests: Mapping[str, Manifest], steps: Mapping[str, Step]) -> list[str]:
    """Steps that read sources with nothing bound; of several over the same records, the first."""
    first: dict[str | None, str] = {}
    for name, manifest in manifests.items():
        if steps[name].view.sources and not steps[name].view.bound:
            # Documents are a base of their own; columns and removals belong to the records of the sources.
            first.setdefault(manifest.base_fingerprint or manifest.fingerprint, name)
    return list(first.values())


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
