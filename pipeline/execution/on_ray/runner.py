"""The runner on Ray: a small loop around pools of actors. The only state that matters is on disk.

Stages of a segment run side by side; a shard goes through them as references that the driver holds, bounded per stage.
Whatever is lost is run again from the segment's committed input, and only the stage that was running it is charged.
An actor's death is held against a unit only where no other can have caused it.
"""

import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import ray
from ray.exceptions import RayTaskError

from pipeline.errors import PipelineError, RunnerError, StorageError
from pipeline.execution.on_ray.actor_pool import LOST, ActorPool, InFlight, describe_loss
from pipeline.execution.on_ray.cluster import check_address, nodes_for, private_cluster
from pipeline.execution.on_ray.sizing import (
    StageQueue,
    actors_per_stage,
    default_workers,
    is_scarce,
    may_feed,
    next_actor,
    request_of,
    share_cpus,
    total_resources,
)
from pipeline.execution.poison.found import FoundPoison
from pipeline.execution.poison.rows import PoisonRow
from pipeline.execution.runner import Event, SegmentJob, Watch, workers_measured
from pipeline.execution.work import Result, StageSpec, Unit
from pipeline.operator import Resources

MAX_ATTEMPTS: Final = 3
WAIT_SECONDS: Final = 1.0
WAITS_BEFORE_NOTE: Final = 30
OBJECT_STORE_BYTES: Final = 1 << 30


class RayRunner:
    """Runs segments on a Ray cluster: one that exists, or one that it starts on this machine and stops again.

    Args:
        workers: actors at most; default: one per CPU of the cluster.
        address: a cluster to join; default: the one that RAY_ADDRESS names (as inside `ray job submit`), or a new one.
    """

    name = "ray"

    def __init__(self, workers: int | None = None, address: str | None = None) -> None:
        self._max_workers = workers
        self._address = address or os.environ.get("RAY_ADDRESS")
        self._owns_connection = False
        self._own_cluster = ExitStack()
        self._pools: dict[str, ActorPool] = {}

    def run_segment(self, job: SegmentJob, watch: Watch) -> Generator[tuple[Unit, Result], None, None]:
        """Results in the order in which units finish. See the protocol."""
        # An attempt whose answer nobody waits for any more may fail, as one beside that which asked for a fallback.
        os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")
        if not ray.is_initialized():  # not before there is work: a finished recipe must not wait for a cluster
            self._connect()
            self._owns_connection = True
        declared = [spec.stage.resources for spec in job.stages]
        nodes = nodes_for(declared)
        workers = self._max_workers or default_workers(total_resources(nodes))
        needs = share_cpus(declared, nodes)
        counts = actors_per_stage(needs, nodes, workers, len(job.units))
        keys = [f"{place}:{resources.model_dump_json()}" for place, resources in enumerate(needs)]
        for key in [key for key in self._pools if key not in keys]:
            self._pools.pop(key).close()
        pools = [self._pool(key, resources) for key, resources in zip(keys, needs, strict=True)]
        stages = [
            _PoolStage(pool, spec, count, is_scarce(resources))
            for pool, spec, count, resources in zip(pools, job.stages, counts, needs, strict=True)
        ]
        _load(stages, watch, on_one_node=len(nodes) == 1)
        try:
            yield from _SegmentRun(job, pools, watch).run()
            watch(workers_measured(job, max(pool.peak_bytes() for pool in pools)))
        finally:
            for pool in pools:
                pool.abandon()

    def close(self) -> None:
        """Kills the runner's actors; leaves the cluster alone unless the runner started it."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()
        if self._owns_connection:
            ray.shutdown()
            self._owns_connection = False
        self._own_cluster.close()

    def _pool(self, key: str, resources: Resources) -> ActorPool:
        return self._pools.setdefault(key, ActorPool(resources))

    def _connect(self) -> None:
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}  # Any: ray.init's options
        on_sigterm = signal.getsignal(signal.SIGTERM)
        try:
            if self._address:
                check_address(self._address)
                ray.init(address=self._address, **quiet)
            else:
                self._own_cluster.enter_context(private_cluster())
                ray.init(
                    address="local",
                    num_cpus=max(self._max_workers or 0, os.cpu_count() or 1),
                    include_dashboard=False,
                    object_store_memory=OBJECT_STORE_BYTES,
                    **quiet,
                )
        except (ConnectionError, RuntimeError, ValueError) as error:
            wanted = f"join the cluster at {self._address!r}" if self._address else "start a cluster on this machine"
            raise RunnerError(f"Ray: expected to {wanted}; {error}; check --address, or use --runner local") from error
        if callable(on_sigterm) and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, on_sigterm)  # `ray.init` has put its own in the place of the caller's


@dataclass(frozen=True, slots=True)
class _PoolStage:
    """A stage and the pool that is to run it."""

    pool: ActorPool
    spec: StageSpec
    num_actors: int
    is_scarce: bool


def _load(stages: Sequence[_PoolStage], watch: Watch, *, on_one_node: bool) -> None:
    """Brings the pools to their sizes. On several nodes, actors that not every node can hold are placed first.

    Otherwise actors that need CPUs alone might take all those of the only node that has a GPU, and the segment would
    wait for ever: what fits into the sums of a cluster need not fit into its nodes in any order.
    """
    scarce = [stage for stage in stages if stage.is_scarce]
    plain = [stage for stage in stages if not stage.is_scarce]
    if not on_one_node and any(len(stage.pool.actors) < stage.num_actors for stage in scarce):
        for stage in plain:
            stage.pool.close()
    for stage in scarce:
        stage.pool.load(stage.spec, stage.num_actors)
    starting = [] if on_one_node or not plain else [stage.pool.actors[0].starting for stage in scarce]
    num_waits = 0
    while starting:
        _, starting = ray.wait(starting, num_returns=len(starting), timeout=WAIT_SECONDS)
        num_waits += 1
        if starting and num_waits == WAITS_BEFORE_NOTE:
            _note_waiting([stage.spec for stage in stages], watch)
    for stage in plain:
        stage.pool.load(stage.spec, stage.num_actors)


def _note_waiting(specs: Sequence[StageSpec], watch: Watch) -> None:
    """The cluster may be busy with others' work: that is no error, but nobody should have to guess it."""
    needs = [request_of(spec.stage.resources) for spec in specs]
    free = {name: amount for name, amount in ray.available_resources().items() if name in set().union(*needs)}
    message = f"an actor has not started yet; stages need {needs}, free in the cluster: {free}"
    watch(Event("waiting", specs[0].folder.step, message=message))


@dataclass(slots=True)
class _Traveller:
    """A unit on its way through the segment."""

    unit: Unit
    passage: Any = None  # Any: ObjectRef of what the previous stage handed over
    attempts: dict[int, int] = field(default_factory=dict)
    """Failures charged, by stage."""
    suspect_in: set[int] = field(default_factory=set)
    """Stages in which it was among several units of an actor that died; there it runs alone from then on."""
    examined_in: set[int] = field(default_factory=set)
    """Stages in which it has but one attempt left: that is made in processes that may die, to find the row."""


class _SegmentRun:
    """One segment's loop: feed, wait, settle."""

    def __init__(self, job: SegmentJob, pools: list[ActorPool], watch: Watch) -> None:
        self._job = job
        self._pools = pools
        self._watch = watch
        self._found = FoundPoison(watch)
        self._travellers = {unit.index: _Traveller(unit) for unit in job.units}
        self._waiting: list[deque[int]] = [deque() for _ in pools]
        self._waiting[0].extend(unit.index for unit in job.units)

    def run(self) -> Iterator[tuple[Unit, Result]]:
        idle_waits = 0
        while self._travellers:
            self._feed()
            pending = [reference for pool in self._pools for reference in pool.references()]
            done, _ = ray.wait(pending, num_returns=1, timeout=WAIT_SECONDS)
            idle_waits = 0 if done or self._is_at_work() else idle_waits + 1
            if idle_waits == WAITS_BEFORE_NOTE:
                _note_waiting(self._job.stages, self._watch)
            for reference in done:
                outcome = self._settle(reference)
                if outcome is not None:
                    yield outcome

    def _is_at_work(self) -> bool:
        return any(actor.in_flight for pool in self._pools for actor in pool.actors)

    def _feed(self) -> None:
        """Later stages first, so that shards leave memory before new ones enter it."""
        for stage in reversed(range(len(self._pools))):
            following = stage + 1 < len(self._pools)
            while may_feed(self._queue(stage), self._queue(stage + 1) if following else None):
                traveller = self._travellers[self._waiting[stage][0]]
                examined = stage in traveller.examined_in
                alone = examined or stage in traveller.suspect_in
                place = next_actor([actor.load for actor in self._pools[stage].actors], alone=alone)
                if place is None:
                    break
                self._waiting[stage].popleft()
                self._pools[stage].submit(place, traveller.unit, traveller.passage, alone=alone, examined=examined)

    def _queue(self, stage: int) -> StageQueue:
        actors = self._pools[stage].actors
        return StageQueue(len(self._waiting[stage]), sum(len(actor.in_flight) for actor in actors), len(actors))

    def _settle(self, reference: Any) -> tuple[Unit, Result] | None:  # Any: ObjectRef
        for stage, pool in enumerate(self._pools):
            if pool.settle_start(reference, partial(self._tell_loss, stage)):
                return None
            found = pool.find(reference)
            if found is None:
                continue
            actor, sent = found
            try:
                result = ray.get(reference)
            except LOST as error:
                self._lose(stage, pool.replace(actor), error)
                return None
            except RayTaskError as error:
                actor.in_flight.remove(sent)
                self._charge(stage, sent.index, error)
                return None
            actor.in_flight.remove(sent)
            return self._take(stage, sent, result)
        return None

    def _take(self, stage: int, sent: InFlight, result: Result | PoisonRow | None) -> tuple[Unit, Result] | None:
        """What a stage has made of a unit: its end, a row that it must be done without, or rows for the next stage."""
        traveller = self._travellers[sent.index]
        if isinstance(result, PoisonRow):
            traveller.unit = self._found.add(self._job.stages[stage], traveller.unit, result)
            self._restart(sent.index)
        elif result is None:
            traveller.passage = sent.passage
            self._waiting[stage + 1].append(sent.index)
        else:
            return self._travellers.pop(sent.index).unit, result
        return None

    def _lose(self, stage: int, lost: list[int], error: Exception) -> None:
        """An actor is gone, and its units go back to the front. It is charged to a unit that was alone with it.

        Of several, the oldest need not be the one that was running: its answer may have been lost with the actor, and
        the next one be the killer. So none of them is charged, and each runs alone until it has passed this stage.
        """
        self._tell_loss(stage, error)
        if len(lost) == 1:
            self._charge(stage, lost[0], error)
            return
        for index in reversed(lost):
            self._travellers[index].suspect_in.add(stage)
            self._restart(index)

    def _tell_loss(self, stage: int, error: Exception) -> None:
        self._watch(Event("actor_lost", self._job.stages[stage].folder.step, message=type(error).__name__))

    def _charge(self, stage: int, index: int, error: Exception) -> None:
        traveller = self._travellers[index]
        cause = error.cause if isinstance(error, RayTaskError) else error
        attempts = traveller.attempts[stage] = traveller.attempts.get(stage, 0) + 1
        if isinstance(cause, PipelineError) and not isinstance(cause, StorageError):
            raise cause
        if attempts >= MAX_ATTEMPTS:
            spec = self._job.stages[stage]
            raise RunnerError(
                f"{spec.label}, unit {index}: expected to finish; failed {attempts} times, last by "
                f"{describe_loss(cause)}; committed work stays, run again to go on"
            ) from error
        if attempts == MAX_ATTEMPTS - 1 and not isinstance(error, RayTaskError):
            traveller.examined_in.add(stage)
        self._restart(index)

    def _restart(self, index: int) -> None:
        """From the segment's committed input: what earlier stages handed over may be lost with a node."""
        self._travellers[index].passage = None
        self._waiting[0].appendleft(index)
