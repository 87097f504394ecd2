"""Fingerprints of steps and shards: what a result is made of, computed before it exists.

fingerprint of a shard = operators + parents + layout; of a step = the hash of its ordered shards. An input file counts
by its source, relative path, size and content digest. Execution settings never enter.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.document import POSITION
from pipeline.fingerprint import fingerprint, operator_identity
from pipeline.io.shard_file import WRITER_VERSION
from pipeline.io.splits import InputShard
from pipeline.operator import Determinism, PartitionOperator, Task, columns_read
from pipeline.plan.checked_step import CheckedStep
from pipeline.plan.logical import ArtifactKind, Exchange, Layout, Repeat, Source, Step
from pipeline.plan.stages import EXCHANGE_VERSION


@dataclass(frozen=True, slots=True)
class StepIdentity:
    """A step's fingerprints, and the operator identities that went into them."""

    fingerprint: str
    shards: tuple[str, ...]
    operators: tuple[dict[str, Any], ...]  # Any: JSON-like

    @property
    def num_shards(self) -> int:
        """Shards of the artifact."""
        return len(self.shards)


def identify_step(
    checked: CheckedStep,
    parents: Mapping[str, StepIdentity],
    *,
    layout: Layout,
    num_partitions: int,
    sources: Mapping[str, Source],
    input_shards: Sequence[InputShard],
) -> StepIdentity:
    """The identity of a step whose parents' identities are known.

    `parents` of HARDWARE steps must carry the checksums of what they committed (see `with_checksums`).
    """
    step = checked.step
    step_fingerprints = {name: identity.fingerprint for name, identity in parents.items()}
    operators = tuple(operator_identity(operator, step_fingerprints) for operator in step.operators)
    exchanges = [node.model_dump(mode="json") for node in step.unrolled if isinstance(node, Exchange)]
    common: dict[str, Any] = {  # Any: JSON-like
        "operators": operators,
        "exchanges": exchanges,
        "write": step.write.value,
        "columns": checked.output_schema.names,
        "layout": _layout_identity(layout, checked, num_partitions),
    }
    if step.attribution:
        common["attribution"] = True
    repeats = [
        {"while_any": node.while_any, "after": place, "nodes": len(node.nodes)}
        for place, node in enumerate(step.nodes)
        if isinstance(node, Repeat)
    ]
    if repeats:
        common["repeats"] = repeats
    if step.beyond_memory:
        chain = Step(name=step.name, nodes=step.beyond_memory, write=step.write)
        common["beyond_memory"] = [
            node.model_dump(mode="json") if isinstance(node, Exchange) else operator_identity(node, step_fingerprints)
            for node in chain.unrolled
        ]
    num_base_shards = len(input_shards) if step.view.base is None else parents[step.view.base].num_shards
    num_view_shards = num_base_shards + sum(parents[name].num_shards for name in step.view.against)
    if _is_rowwise(checked):
        positions = any(POSITION in columns_read(operator).names for operator in step.operators)
        reading = {name: _source_identity(sources[name]) for name in step.view.sources}
        names = (*((step.view.base,) if step.view.base else ()), *step.view.bound)
        shards = [
            fingerprint(
                {
                    **common,
                    "sources": reading,
                    "input": _input_identity(input_shards[index]) if reading else None,
                    "parents": [parents[name].shards[index] for name in names],
                    "shard": index if positions else None,
                }
            )
            for index in range(num_base_shards)
        ]
        shards += [
            fingerprint({**common, "behind": behind, "shard": index if positions else None})
            for index, behind in enumerate(_shards_behind(checked, parents, num_base_shards), num_base_shards)
        ]
    else:
        whole = {**common, "parents": [parents[name].fingerprint for name in step.parents]}
        count = _num_shards(checked, num_view_shards, num_partitions)
        shards = [fingerprint({**whole, "shard": index}) for index in range(count)]
    return StepIdentity(fingerprint({"step": step.name, "shards": shards}), tuple(shards), operators)


def _shards_behind(
    checked: CheckedStep, parents: Mapping[str, StepIdentity], num_base_shards: int
) -> Iterator[list[str]]:
    """For each shard of the tables behind the base: it, and those that are bound to it."""
    view = checked.step.view
    index = num_base_shards
    for name in view.against:
        for shard in parents[name].shards:
            yield [shard, *(parents[bound].shards[index] for bound in view.bound if index < parents[bound].num_shards)]
            index += 1


def sources_fingerprint(names: Sequence[str], sources: Mapping[str, Source], input_shards: Sequence[InputShard]) -> str:
    """What columns and removals over sources belong to: these records, in these shards."""
    reading = {name: _source_identity(sources[name]) for name in names}
    return fingerprint({"sources": reading, "input": [_input_identity(shard) for shard in input_shards]})


def is_hardware(checked: CheckedStep) -> bool:
    """Whether the step's bytes are the truth about it, rather than its fingerprint."""
    return any(operator.determinism is Determinism.HARDWARE for operator in checked.step.operators)


def with_checksums(identity: StepIdentity, digests: Sequence[str]) -> StepIdentity:
    """A HARDWARE step's identity as its children see it: fingerprints joined with the committed files' digests."""
    shards = tuple(fingerprint([shard, digest]) for shard, digest in zip(identity.shards, digests, strict=True))
    return StepIdentity(fingerprint({"shards": shards}), shards, identity.operators)


def _is_rowwise(checked: CheckedStep) -> bool:
    """Whether shard i of the result depends on shard i of the view alone."""
    step = checked.step
    has_view = step.view.base is not None or bool(step.view.sources)
    return has_view and not any(isinstance(node, Exchange | Task) for node in step.unrolled)


def _num_shards(checked: CheckedStep, num_view_shards: int, num_partitions: int) -> int:
    step = checked.step
    if step.write in (ArtifactKind.COLUMNS, ArtifactKind.REMOVALS):
        return num_view_shards
    if any(isinstance(node, PartitionOperator) for node in step.nodes):
        return num_partitions
    return 1


def _layout_identity(layout: Layout, checked: CheckedStep, num_partitions: int) -> dict[str, Any]:  # Any: JSON-like
    """What of the layout can reach this step's bytes: shard_bytes does so through the input shards alone."""
    identity = layout.model_dump(mode="json", exclude={"shard_bytes", "partition_bytes"})
    identity["writer_version"] = WRITER_VERSION
    if checked.step.beyond_memory or any(isinstance(node, Exchange) for node in checked.step.unrolled):
        identity["num_partitions"] = num_partitions
        identity["exchange_version"] = EXCHANGE_VERSION
    return identity


def _source_identity(source: Source) -> dict[str, Any]:  # Any: JSON-like
    return source.model_dump(mode="json", exclude={"paths", "root"})


def _input_identity(shard: InputShard) -> list[list[Any]]:  # Any: strings and numbers
    return [
        [split.file.source, split.file.relative_path, split.file.size_bytes, split.file.digest, split.start, split.end]
        for split in shard.splits
    ]
