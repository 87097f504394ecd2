"""How many documents and tokens a build read, kept and lost, and to which rule: questions to manifests."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.artifact import Manifest
from pipeline.plan.logical import ArtifactKind


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
    rows_quarantined: int
    rows_kept: int
    """Rows that the build's last documents or table step took in: what is left of rows_in."""
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


def funnel(manifests: Mapping[str, Manifest], reads_sources: Mapping[str, bool]) -> Funnel:
    """The funnel of a build's manifests, in build order.

    Args:
        reads_sources: whether a step reads sources, by name.
    """
    steps = tuple(_step_counts(manifest) for manifest in manifests.values())
    first = [counts for counts in steps if reads_sources[counts.step]]
    rows_of_documents = [counts for counts in steps if counts.kind in (ArtifactKind.DOCUMENTS, ArtifactKind.TABLE)]
    # Exchange tables (edges) are no documents; the last step that passes rows on is the end of the funnel.
    last = rows_of_documents[-1] if rows_of_documents else None
    inputs = [entry for manifest in manifests.values() for shard in manifest.shards for entry in shard.inputs]
    return Funnel(
        rows_in=sum(counts.rows_read for counts in first),
        rows_dropped=sum(counts.rows_dropped for counts in steps),
        rows_quarantined=sum(counts.rows_quarantined for counts in steps),
        rows_kept=0 if last is None else last.rows_kept,
        damaged_files=sum(counts.damaged_files for counts in steps),
        duplicate_keys=sum(int(entry["num_duplicate_keys"]) for entry in inputs),
        tokens_in=sum(manifest.total("conserved_in") for manifest in manifests.values()),
        tokens_packed=sum(manifest.total("conserved_out") for manifest in manifests.values()),
        tokens_truncated=sum(manifest.total("conserved_cut") for manifest in manifests.values()),
        steps=steps,
    )


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
