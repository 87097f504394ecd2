"""Scheduling decisions as pure functions over frozen snapshots: how many actors, who gets the next unit, when to stop.

No Ray here, so every rule is tested without a cluster.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor

from pipeline.errors import RunnerError
from pipeline.operator import Resources

IN_FLIGHT_PER_ACTOR = 2
"""One unit runs while the next one waits at the actor: measured to hide the round trip."""

CPU, GPU, MEMORY = "CPU", "GPU", "memory"


@dataclass(frozen=True, slots=True)
class ActorLoad:
    """An actor as the scheduler sees it."""

    is_ready: bool
    """Whether it has answered since it was started; nothing is sent to one that has not (that can wait for ever)."""
    num_in_flight: int
    is_reserved: bool = False
    """Whether it has a unit that must be alone with its actor, so that nothing may be sent after it."""


@dataclass(frozen=True, slots=True)
class StageQueue:
    """A stage as the scheduler sees it."""

    num_waiting: int
    """Units ready to enter the stage."""
    num_in_flight: int
    num_actors: int


def request_of(resources: Resources) -> dict[str, float]:
    """What one actor takes from the cluster, by resource name."""
    request = {CPU: resources.num_cpus, GPU: resources.num_gpus, MEMORY: resources.memory_bytes or 0}
    request |= resources.custom
    return {name: float(amount) for name, amount in request.items() if amount > 0}


def is_scarce(resources: Resources) -> bool:
    """Whether an actor needs more than CPUs and memory: a GPU or a named resource, which only some nodes have."""
    return resources.num_gpus > 0 or any(amount > 0 for amount in resources.custom.values())


def share_cpus(stages: Sequence[Resources], nodes: Sequence[Mapping[str, float]]) -> tuple[Resources, ...]:
    """What the stages need, less of a CPU each where one actor of every stage would not fit otherwise.

    Stages on a small machine then share its CPUs, which is slower and nothing else; a stage that asks for more than one
    CPU gets them or does not run.
    """
    available = total_resources(nodes).get(CPU, 0.0)
    whole = sum(one.num_cpus for one in stages if one.num_cpus > 1)
    divisible = sum(one.num_cpus for one in stages if one.num_cpus <= 1)
    if whole + divisible <= available or whole >= available:
        return tuple(stages)
    share = (available - whole) / divisible
    return tuple(
        one if one.num_cpus > 1 else one.model_copy(update={"num_cpus": floor(one.num_cpus * share * 100) / 100})
        for one in stages
    )


def actors_per_stage(
    stages: Sequence[Resources], nodes: Sequence[Mapping[str, float]], max_workers: int, num_units: int
) -> tuple[int, ...]:
    """How many actors each stage of a segment gets: one each, then one more in turn while the cluster holds them.

    In each turn the stages come first that need what only some nodes have, so that no GPU is idle for want of a CPU.

    Args:
        stages: what one actor of each stage needs.
        nodes: what each node of the cluster has, by resource name.
        max_workers: actors at most, over all stages; at least one a stage is given even beyond it.
        num_units: units to do; no stage needs more actors.

    Raises:
        RunnerError: one actor of every stage does not fit into the cluster, or one of them into no node, so the segment
            could never run.
    """
    counts = [1] * len(stages)
    available = total_resources(nodes)
    if not holds_one_each(stages, nodes):
        needs = [request_of(resources) for resources in stages]
        raise RunnerError(
            f"cluster: expected room for one actor of each stage, which need {needs}, each on one node; the nodes have "
            f"{[dict(node) for node in nodes]}; add nodes, or lower `resources` in the recipe"
        )
    turn = sorted(range(len(stages)), key=lambda stage: not is_scarce(stages[stage]))
    growing = True
    while growing:
        growing = False
        for stage in turn:
            more = [count + (place == stage) for place, count in enumerate(counts)]
            if more[stage] <= num_units and sum(more) <= max_workers and _fits(stages, more, available):
                counts = more
                growing = True
    return tuple(counts)


def holds_one_each(stages: Sequence[Resources], nodes: Sequence[Mapping[str, float]]) -> bool:
    """Whether there is room for one actor of each stage, as far as sums tell, and for each of them on one node."""
    on_a_node = all(any(_fits([resources], [1], node) for node in nodes) for resources in stages)
    return on_a_node and _fits(stages, [1] * len(stages), total_resources(nodes))


def total_resources(nodes: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """What all nodes have together."""
    total: dict[str, float] = {}
    for node in nodes:
        for name, amount in node.items():
            total[name] = total.get(name, 0.0) + amount
    return total


def next_actor(actors: Sequence[ActorLoad], *, alone: bool = False) -> int | None:
    """The ready actor with the least in flight, the first of equals; None when all have enough.

    Args:
        actors: of one stage.
        alone: whether the unit must have an actor to itself; then only an idle one will do.
    """
    limit = 1 if alone else IN_FLIGHT_PER_ACTOR
    free = [
        (actor.num_in_flight, place)
        for place, actor in enumerate(actors)
        if actor.is_ready and not actor.is_reserved and actor.num_in_flight < limit
    ]
    return min(free)[1] if free else None


def may_feed(stage: StageQueue, following: StageQueue | None) -> bool:
    """Whether a unit may enter a stage: something waits, and the next stage is not already behind.

    A stage is behind when what waits for it, with what is on its way to it, would keep its actors busy twice over.
    """
    if stage.num_waiting == 0:
        return False
    if following is None:
        return True
    limit = IN_FLIGHT_PER_ACTOR * max(1, following.num_actors)
    return following.num_waiting + stage.num_in_flight < limit


def _fits(stages: Sequence[Resources], counts: Sequence[int], available: Mapping[str, float]) -> bool:
    total: dict[str, float] = {}
    for resources, count in zip(stages, counts, strict=True):
        for name, amount in request_of(resources).items():
            total[name] = total.get(name, 0.0) + amount * count
    return all(amount <= available.get(name, 0.0) + 1e-9 for name, amount in total.items())


def default_workers(available: Mapping[str, float]) -> int:
    """As many one-CPU actors as the cluster holds."""
    return max(1, floor(available.get(CPU, 1.0)))
