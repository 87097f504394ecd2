"""A pool of equal actors for one stage. Owns handles and what is in flight; decides nothing (see sizing.py).

Actors are started with `max_restarts=0` and `max_task_retries=0`: the driver owns every attempt, because Ray's own
retries lose order and count, and a unit that kills its actor would be retried for ever.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import ray
from ray.exceptions import (
    ActorUnschedulableError,
    GetTimeoutError,
    NodeDiedError,
    ObjectLostError,
    OutOfMemoryError,
    OwnerDiedError,
    RayActorError,
    RayTaskError,
    WorkerCrashedError,
)

from pipeline.errors import PipelineError, RunnerError
from pipeline.execution.allocators import give_freed_memory_back, take_memory_from_system
from pipeline.execution.memory_budget import is_tight
from pipeline.execution.on_ray.sizing import ActorLoad
from pipeline.execution.poison.examination import Examiner
from pipeline.execution.poison.progress import Progress
from pipeline.execution.poison.rows import PoisonRow
from pipeline.execution.process_memory import peak_bytes, release_free_memory
from pipeline.execution.stage_task import StageWorker
from pipeline.execution.work import Passage, Result, StageSpec, Unit
from pipeline.operator import Resources

LOST: Final = (
    RayActorError,
    OutOfMemoryError,
    NodeDiedError,
    WorkerCrashedError,
    ActorUnschedulableError,
    ObjectLostError,
    OwnerDiedError,
    GetTimeoutError,
)
"""Everything that means: the actor, its node or an object is gone. Several of these are not RayActorErrors."""

MAX_START_FAILURES: Final = 5
START_BACKOFF_SECONDS: Final = 0.5
PEAK_SECONDS: Final = 5.0

_ONE_THREAD: Final = {
    "TOKENIZERS_PARALLELISM": "false",
    "RAYON_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "FASTOKENS_BPE_THREADS": "1",
}


class StageActor:
    """The code inside an actor: it loads one stage at a time and carries units through it. Holds no truth."""

    def __init__(self, num_cpus: float) -> None:
        if num_cpus <= 1:
            for name, value in _ONE_THREAD.items():
                os.environ.setdefault(name, value)
        take_memory_from_system()  # a cluster that was there before the driver has not inherited it
        self._spec: StageSpec | None = None
        self._worker: StageWorker | None = None
        self._is_tight = False

    def load(self, spec: StageSpec) -> bool:
        """Opens a stage's operators, in place of the previous stage's."""
        self._worker = None
        self._is_tight = is_tight(spec.execution.memory_bytes)
        if self._is_tight:
            give_freed_memory_back()
        release_free_memory()
        self._spec = spec
        self._worker = StageWorker(spec, Progress(limits=spec.limits))
        return True

    def run(self, unit: Unit, given: Passage | None) -> tuple[Result | None, Passage | None]:
        """Carries one unit through the loaded stage: its result if this stage writes, else its rows for the next."""
        assert self._spec is not None
        if self._worker is None:
            self.load(self._spec)
        assert self._worker is not None
        outcome = self._worker.run(unit, given)
        if self._is_tight:
            release_free_memory()
        return (None, outcome) if isinstance(outcome, Passage) else (outcome, None)

    def examine(self, unit: Unit, given: Passage | None) -> tuple[Result | PoisonRow | None, Passage | None]:
        """As `run`, in processes that may die; or a row that ends them. This process gives its memory to them."""
        assert self._spec is not None
        self._worker = None
        with closing(Examiner(self._spec)) as examiner:
            outcome = examiner.run(unit, given)
        return (None, outcome) if isinstance(outcome, Passage) else (outcome, None)

    def peak_bytes(self) -> int:
        """The most memory that the actor's process has had."""
        return peak_bytes()


@dataclass(frozen=True, slots=True)
class InFlight:
    """A unit at an actor."""

    index: int
    result: Any  # Any: ObjectRef of the stage's result; small, so it may come to the driver
    passage: Any  # Any: ObjectRef of the rows for the next stage; they stay in the object store
    alone: bool
    """Whether nothing may be sent to the actor after it."""


@dataclass(slots=True, eq=False)
class PoolActor:
    """One actor and the units that were sent to it, oldest first."""

    handle: Any  # Any: Ray's actor handles are untyped
    starting: Any  # Any: an ObjectRef, or None once the actor has answered
    in_flight: deque[InFlight] = field(default_factory=deque)

    @property
    def load(self) -> ActorLoad:
        """For the scheduler."""
        reserved = any(sent.alone for sent in self.in_flight)
        return ActorLoad(self.starting is None, len(self.in_flight), reserved)


class ActorPool:
    """Equal actors that outlive stages: starting a process costs seconds, loading a stage does not."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._spec_ref: Any = None  # Any: ObjectRef of the loaded StageSpec
        self._label = ""
        self._start_failures = 0
        self.actors: list[PoolActor] = []

    def load(self, spec: StageSpec, num_actors: int) -> None:
        """Brings the pool to `num_actors` actors that open `spec`. Nothing may be in flight."""
        assert not any(actor.in_flight for actor in self.actors)
        self._spec_ref = ray.put(spec)
        self._label = spec.label
        self._start_failures = 0
        for actor in self.actors[num_actors:]:
            _kill(actor)
        del self.actors[num_actors:]
        for actor in self.actors:
            actor.starting = actor.handle.load.remote(self._spec_ref)
        while len(self.actors) < num_actors:
            self._start()

    def submit(
        self,
        place: int,
        unit: Unit,
        given: Any,  # Any: ObjectRef of a Passage, or None
        *,
        alone: bool,
        examined: bool = False,
    ) -> None:
        """Sends a unit to the actor at `place`; `alone` reserves the actor for it, `examined` looks for poison."""
        actor = self.actors[place]
        method = actor.handle.examine if examined else actor.handle.run
        result, passage = method.options(num_returns=2).remote(unit, given)
        actor.in_flight.append(InFlight(unit.index, result, passage, alone))

    def references(self) -> Iterator[Any]:  # Any: ObjectRefs
        """What a driver waits for: oldest units and starting actors."""
        for actor in self.actors:
            if actor.starting is not None:
                yield actor.starting
            yield from (sent.result for sent in actor.in_flight)

    def settle_start(self, reference: Any, tell_loss: Callable[[Exception], None]) -> bool:  # Any: ObjectRef
        """Handles a resolved start; False if `reference` is no start. Raises when starting keeps failing."""
        actor = next((actor for actor in self.actors if actor.starting is reference), None)
        if actor is None:
            return False
        try:
            ray.get(reference)
            actor.starting = None
            self._start_failures = 0
        except LOST as error:
            tell_loss(error)
            self._start_failures += 1
            if self._start_failures >= MAX_START_FAILURES:
                raise RunnerError(
                    f"{self._label}: expected actors to start; {self._start_failures} in a row died while they opened "
                    f"the stage, last by {describe_loss(error)}; see Ray's logs for memory or import errors"
                ) from error
            time.sleep(START_BACKOFF_SECONDS * self._start_failures)
            self.replace(actor)
        except RayTaskError as error:
            raise _load_error(error) from error
        return True

    def find(self, reference: Any) -> tuple[PoolActor, InFlight] | None:  # Any: ObjectRef
        """The actor and the unit that a result belongs to."""
        for actor in self.actors:
            for sent in actor.in_flight:
                if sent.result is reference:
                    return actor, sent
        return None

    def replace(self, actor: PoolActor) -> list[int]:
        """Kills an actor for good and starts another; returns the units that were with it, oldest first."""
        lost = [sent.index for sent in actor.in_flight]
        _kill(actor)
        self.actors.remove(actor)
        self._start()
        return lost

    def peak_bytes(self) -> int:
        """The most memory that one of the actors has had; of those that do not answer at once nothing is known."""
        answers = [actor.handle.peak_bytes.remote() for actor in self.actors if actor.starting is None]
        done, _ = ray.wait(answers, num_returns=len(answers), timeout=PEAK_SECONDS) if answers else ([], [])
        peaks = [0]
        for answer in done:
            with suppress(*LOST):
                peaks.append(ray.get(answer))
        return max(peaks)

    def abandon(self) -> None:
        """Kills actors that still hold units: nobody waits for them once their segment has failed."""
        for actor in [actor for actor in self.actors if actor.in_flight]:
            _kill(actor)
            self.actors.remove(actor)

    def close(self) -> None:
        """Kills all actors."""
        for actor in self.actors:
            _kill(actor)
        self.actors.clear()

    def _start(self) -> None:
        needs = self._resources
        handle = (
            ray.remote(StageActor)
            .options(
                num_cpus=needs.num_cpus,
                num_gpus=needs.num_gpus,
                memory=needs.memory_bytes,
                resources=needs.custom or None,
                max_restarts=0,
                max_task_retries=0,
                scheduling_strategy="SPREAD",
            )
            .remote(needs.num_cpus)
        )
        self.actors.append(PoolActor(handle, handle.load.remote(self._spec_ref)))


def describe_loss(error: BaseException) -> str:
    """What Ray says about an actor's end, in one line: the kind of error, and how the process ended if it says so."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "exit" in line or "memory" in line.lower()] or lines
    return f"{type(error).__name__}: {telling[0]}" if telling else type(error).__name__


def _load_error(error: RayTaskError) -> Exception:
    """Why a stage did not open on a worker: our own error as it was raised there, without Ray's traceback around it."""
    cause = error.cause
    if isinstance(cause, PipelineError):
        return cause
    message = next(iter(str(cause).splitlines()), "")
    return RunnerError(f"actors: expected to open the stage; found {type(cause).__name__}: {message}; see Ray's logs")


def _kill(actor: PoolActor) -> None:
    ray.kill(actor.handle, no_restart=True)
