"""From a checked step to the stages that actors run.

A step's nodes are cut into segments at exchanges, and a segment into stages where the resources change. Neighbouring
operators inside a stage are fused: one pass over a shard. What operators on a GPU derive from is computed by the stage
before theirs. Only the last stage of a segment writes. A plan has one of three shapes:

    rows      view -> row operators [-> shard operator, or format writer] -> artifact
    exchange  view [-> shard operator] -> exchange -> partition operator ... -> artifact
    task      artifacts -> task -> artifact

A Repeat stands for the segments of one round; how often they run is known when they have run.
Removals and columns that a partition operator yields travel once more, back to the shards of their base.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from pipeline.document import POSITION, POSITION_TYPE
from pipeline.operator import REMOVAL_SCHEMA, Operator, PartitionOperator, Resources, Task
from pipeline.plan.checked_step import CheckedStep
from pipeline.plan.derivation import fed
from pipeline.plan.logical import BOUND_KINDS, ArtifactKind, Exchange, Layout, Repeat, Step, unrolled

EXCHANGE_VERSION = 1
"""Raised whenever an exchange may bring equal rows in another order; part of its step's fingerprint."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Fused operators that one actor runs in one pass."""

    operators: tuple[Operator, ...]
    labels: tuple[str, ...]
    """What the step calls each of them."""
    resources: Resources
    is_fed: bool = False
    """Whether the stage before computes what its operators derive from: a GPU shall not wait for that."""


@dataclass(frozen=True, slots=True)
class Partitioning:
    """Where rows go at the end of a segment."""

    key: str
    exchange: Exchange | None
    """None: `key` holds positions, and rows go back to the shard of their base."""
    num_partitions: int
    schema: pa.Schema


@dataclass(frozen=True, slots=True)
class Round:
    """What ends with a segment that closes a round of a Repeat."""

    first: int
    """Place of the round's first segment in the plan."""
    while_any: str
    """The rows of the segment are counted in which this column is true; while there are any, the round runs again."""
    max_rounds: int


@dataclass(frozen=True, slots=True)
class Segment:
    """Stages between two barriers. The first reads the view or the previous exchange; the last writes."""

    index: int
    stages: tuple[Stage, ...]
    partitioning: Partitioning | None
    """None: the segment writes the step's artifact."""
    closes: Round | None = None

    @property
    def is_task(self) -> bool:
        """Whether this segment is one task over whole artifacts."""
        return any(isinstance(operator, Task) for stage in self.stages for operator in stage.operators)


def plan_segments(checked: CheckedStep, *, num_partitions: int, num_base_shards: int) -> tuple[Segment, ...]:
    """The segments of a step. Pure; `num_partitions` comes from the layout, `num_base_shards` from the view."""
    step = checked.step
    segments: list[Segment] = []
    operators: list[tuple[str, Operator]] = []
    schemas = iter(checked.exchange_schemas)
    labelled = iter(step.labelled)
    for node in step.nodes:
        first = len(segments) + 1
        for inner in unrolled(node):
            if isinstance(inner, Exchange):
                target = Partitioning(inner.key, inner, num_partitions, next(schemas))
                segments.append(Segment(len(segments), fuse(step, tuple(operators)), target))
                operators = []
            else:
                operators.append(next(labelled))
        if isinstance(node, Repeat):
            segments[-1] = replace(segments[-1], closes=Round(first, node.while_any, node.max_rounds))
    if step.write in BOUND_KINDS and operators and isinstance(operators[-1][1], PartitionOperator):
        home = Partitioning(POSITION, None, num_base_shards, _home_schema(checked))
        segments.append(Segment(len(segments), fuse(step, tuple(operators)), home))
        operators = []
    segments.append(Segment(len(segments), fuse(step, tuple(operators)), None))
    return tuple(segments)


def _home_schema(checked: CheckedStep) -> pa.Schema:
    if checked.step.write is ArtifactKind.REMOVALS:
        return REMOVAL_SCHEMA
    return pa.schema([pa.field(POSITION, POSITION_TYPE, nullable=False), *checked.output_schema])


def fuse(step: Step, operators: tuple[tuple[str, Operator], ...]) -> tuple[Stage, ...]:
    """Neighbours that need the same resources become one stage; a segment without operators is one plain stage.

    Args:
        step: whose operators they are.
        operators: with their labels.
    """
    stages: list[Stage] = []
    for label, operator in operators:
        resources = step.resources_of(operator, label)
        if stages and stages[-1].resources == resources:
            last = stages[-1]
            stages[-1] = Stage((*last.operators, operator), (*last.labels, label), resources)
        else:
            stages.append(Stage((operator,), (label,), resources))
    return _fed_stages(stages) or (Stage((), (), Resources()),)


def _fed_stages(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """The stages, with one without operators before a stage on a GPU that has no other stage to feed it."""
    placed: list[Stage] = []
    for stage in stages:
        is_fed = stage.resources.num_gpus > 0 and bool(fed(stage.operators))
        if is_fed and (not placed or placed[-1].resources.num_gpus > 0):
            placed.append(Stage((), (), Resources()))
        placed.append(replace(stage, is_fed=is_fed))
    return tuple(placed)


def partition_count(input_bytes: int, layout: Layout) -> int:
    """Partitions of an exchange: from the recipe's input bytes, so that each holds a bounded share."""
    return max(1, math.ceil(input_bytes / layout.partition_bytes))
