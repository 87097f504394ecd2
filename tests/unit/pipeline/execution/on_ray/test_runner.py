"""Whom a lost actor is charged to. No cluster: only the runner's own accounts are looked at."""

from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from pipeline.errors import RunnerError
from pipeline.execution.on_ray.actor_pool import ActorPool
from pipeline.execution.on_ray.runner import MAX_ATTEMPTS, _SegmentRun
from pipeline.execution.runner import Event, SegmentJob
from pipeline.execution.work import SourceShard, Unit
from pipeline.io.splits import InputShard
from pipeline.operator import Resources

DEATH = ConnectionError("the actor is gone")


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def segment(events: list[Event]) -> _SegmentRun:
    """Three units and two stages, nothing sent yet."""
    stage: Any = SimpleNamespace(folder=SimpleNamespace(step="documents"), label="step documents, stage copy")
    units = [Unit(index, ("",), SourceShard(InputShard(index, ()), {}, pa.schema([]))) for index in range(3)]
    run = _SegmentRun(
        SegmentJob((stage, stage), units), [ActorPool(Resources()), ActorPool(Resources())], events.append
    )
    run._waiting[0].clear()
    return run


def test_a_unit_that_was_alone_is_charged_and_starts_again(segment: _SegmentRun, events: list[Event]) -> None:
    segment._lose(1, [2], DEATH)
    assert segment._travellers[2].attempts == {1: 1}
    assert segment._travellers[2].suspect_in == set()
    assert list(segment._waiting[0]) == [2]
    assert [event.kind for event in events] == ["actor_lost"]


def test_of_several_units_none_is_charged_and_each_is_alone_in_that_stage(segment: _SegmentRun) -> None:
    segment._lose(1, [0, 2], DEATH)
    assert segment._travellers[0].attempts == segment._travellers[2].attempts == {}
    assert segment._travellers[0].suspect_in == segment._travellers[2].suspect_in == {1}
    assert segment._travellers[1].suspect_in == set()
    assert list(segment._waiting[0]) == [0, 2], "in the order in which they were sent"


def test_an_idle_actor_is_charged_to_nobody(segment: _SegmentRun) -> None:
    segment._lose(0, [], DEATH)
    assert not any(traveller.attempts for traveller in segment._travellers.values())


def test_the_last_attempt_ends_the_segment(segment: _SegmentRun) -> None:
    for _ in range(MAX_ATTEMPTS - 1):
        segment._lose(1, [0], DEATH)
    segment._lose(0, [0], DEATH)  # another stage's account
    with pytest.raises(RunnerError, match="step documents, stage copy, unit 0: expected to finish; failed 3 times"):
        segment._lose(1, [0], DEATH)
