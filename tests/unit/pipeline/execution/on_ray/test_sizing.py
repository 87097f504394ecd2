"""Scheduling decisions, without a cluster."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import RunnerError
from pipeline.execution.on_ray.sizing import (
    IN_FLIGHT_PER_ACTOR,
    ActorLoad,
    StageQueue,
    actors_per_stage,
    default_workers,
    holds_one_each,
    is_scarce,
    may_feed,
    next_actor,
    request_of,
    share_cpus,
)
from pipeline.operator import Resources

CPU = Resources()
GPU = Resources(num_cpus=0, num_gpus=1)


def test_a_request_names_what_is_needed_and_nothing_else():
    assert request_of(Resources(num_cpus=0.5, custom={"tpu": 2})) == {"CPU": 0.5, "tpu": 2}
    assert request_of(Resources(num_cpus=0)) == {}
    assert request_of(Resources(memory_bytes=1 << 30)) == {"CPU": 1, "memory": 1 << 30}


@pytest.mark.parametrize(
    ("stages", "available", "max_workers", "num_units", "expected"),
    [
        ([CPU], {"CPU": 4}, 8, 100, (4,)),
        ([CPU], {"CPU": 4}, 3, 100, (3,)),
        ([CPU], {"CPU": 4}, 8, 2, (2,)),
        ([CPU, CPU], {"CPU": 5}, 8, 100, (3, 2)),
        ([CPU, GPU], {"CPU": 5, "GPU": 2}, 100, 100, (5, 2)),
        ([CPU, CPU, CPU], {"CPU": 8}, 1, 100, (1, 1, 1)),
        ([Resources(num_cpus=0.3)], {"CPU": 0.9}, 8, 100, (3,)),
        ([Resources(num_cpus=0.1)], {"CPU": 1.0}, 100, 100, (10,)),
        ([Resources(num_cpus=3), CPU], {"CPU": 8}, 100, 100, (2, 2)),
        ([Resources(num_cpus=0)], {}, 2, 5, (2,)),
        ([CPU], {"CPU": 4}, 4, 0, (1,)),
        ([Resources(memory_bytes=3), CPU], {"CPU": 8, "memory": 8.0}, 8, 100, (2, 6)),
        ([CPU, Resources(num_cpus=3, num_gpus=1)], {"CPU": 7, "GPU": 2}, 100, 100, (1, 2)),
        ([CPU, Resources(num_cpus=1, num_gpus=0.5), CPU], {"CPU": 8, "GPU": 1}, 100, 100, (3, 2, 3)),
        ([CPU, Resources(num_cpus=1, num_gpus=1)], {"CPU": 8, "GPU": 4}, 4, 100, (2, 2)),
    ],
)
def test_how_many_actors_each_stage_gets(stages, available, max_workers, num_units, expected):
    assert actors_per_stage(stages, [available], max_workers, num_units) == expected


@pytest.mark.parametrize(
    ("stages", "available"),
    [
        ([GPU], {"CPU": 8}),
        ([CPU, CPU], {"CPU": 1}),
        ([Resources(custom={"tpu": 1})], {"CPU": 8}),
        ([CPU], {}),
        ([Resources(memory_bytes=5), Resources(memory_bytes=5)], {"CPU": 8, "memory": 8.0}),
    ],
)
def test_a_cluster_that_could_never_run_it_is_refused(stages, available):
    with pytest.raises(
        RunnerError, match=r"^cluster: expected room for one actor of each stage, .*; the nodes have .*add nodes"
    ):
        actors_per_stage(stages, [available], 8, 10)


def test_an_actor_that_is_larger_than_every_node_is_refused():
    with pytest.raises(RunnerError, match="each on one node"):
        actors_per_stage([Resources(num_cpus=8)], [{"CPU": 4}, {"CPU": 4}], 8, 10)
    assert actors_per_stage([CPU], [{"CPU": 4}, {"CPU": 4}], 8, 10) == (8,)


@pytest.mark.parametrize(
    ("needs", "expected"),
    [(CPU, False), (Resources(memory_bytes=5), False), (GPU, True), (Resources(custom={"tpu": 1}), True)],
)
def test_what_only_some_nodes_have_is_scarce(needs, expected):
    assert is_scarce(needs) is expected


MODEL = Resources(custom={"model": 1})


@pytest.mark.parametrize(
    ("stages", "cpus", "expected"),
    [
        ([CPU, MODEL], 2, [1, 1]),
        ([CPU, MODEL, CPU], 2, [0.66, 0.66, 0.66]),
        ([CPU, Resources(num_cpus=0.5), Resources(num_cpus=0)], 1, [0.66, 0.33, 0]),
        ([CPU, Resources(num_cpus=3), CPU], 4, [0.5, 3, 0.5]),
        ([CPU, Resources(num_cpus=4)], 4, [1, 4]),
        ([Resources(num_cpus=8)], 4, [8]),
    ],
)
def test_stages_share_the_cpus_of_a_small_machine(stages, cpus, expected):
    nodes = [{"CPU": float(cpus), "model": 1.0}]
    shared = share_cpus(stages, nodes)
    assert [one.num_cpus for one in shared] == expected
    assert [one.custom for one in shared] == [one.custom for one in stages]
    assert holds_one_each(shared, nodes) == (sum(expected) <= cpus)


@given(
    stages=st.lists(st.sampled_from([CPU, Resources(num_cpus=0.25), Resources(num_cpus=2)]), min_size=1, max_size=6),
    cpus=st.integers(1, 9),
)
def test_sharing_takes_nothing_where_there_is_enough_and_never_asks_for_more(stages, cpus):
    nodes = [{"CPU": float(cpus)}]
    shared = share_cpus(stages, nodes)
    if holds_one_each(stages, nodes):
        assert shared == tuple(stages)
    assert all(0 <= now.num_cpus <= before.num_cpus for now, before in zip(shared, stages, strict=True))


@given(
    stages=st.lists(st.sampled_from([CPU, Resources(num_cpus=2), Resources(num_cpus=0.5)]), min_size=1, max_size=4),
    cpus=st.integers(8, 40),
    max_workers=st.integers(1, 20),
    num_units=st.integers(1, 10),
)
def test_actors_fit_and_none_is_idle_for_want_of_room(stages, cpus, max_workers, num_units):
    counts = actors_per_stage(stages, [{"CPU": cpus}], max_workers, num_units)
    used = sum(count * one.num_cpus for count, one in zip(counts, stages, strict=True))
    assert used <= cpus
    assert min(counts) >= 1
    assert max(counts) <= num_units
    assert sum(counts) <= max(max_workers, len(stages))
    for count, one in zip(counts, stages, strict=True):
        assert count == num_units or sum(counts) >= max_workers or used + one.num_cpus > cpus


def actors(*loads):
    return [ActorLoad(is_ready=load is not None, num_in_flight=load or 0) for load in loads]


@pytest.mark.parametrize(
    ("loads", "expected"),
    [
        ((), None),
        ((None,), None),
        ((0,), 0),
        ((1, 0), 1),
        ((1, 1), 0),
        ((None, 1), 1),
        ((IN_FLIGHT_PER_ACTOR,), None),
        ((IN_FLIGHT_PER_ACTOR, 1), 1),
        ((IN_FLIGHT_PER_ACTOR, None), None),
    ],
)
def test_the_ready_actor_with_the_least_to_do_is_next(loads, expected):
    assert next_actor(actors(*loads)) == expected


@pytest.mark.parametrize(
    ("stage", "following", "expected"),
    [
        ((0, 0, 1), None, False),
        ((1, 9, 1), None, True),
        ((1, 0, 1), (0, 0, 1), True),
        ((1, 0, 1), (2, 0, 1), False),
        ((1, 1, 1), (1, 0, 1), False),
        ((1, 2, 1), (0, 0, 1), False),
        ((1, 1, 1), (2, 0, 2), True),
        ((1, 0, 1), (1, 0, 0), True),
        ((1, 0, 1), (2, 0, 0), False),
        ((0, 0, 1), (0, 0, 4), False),
    ],
)
def test_a_stage_is_fed_while_the_next_is_not_behind(stage, following, expected):
    queues = [None if queue is None else StageQueue(*queue) for queue in (stage, following)]
    assert may_feed(*queues) is expected


@given(st.integers(1, 5), st.integers(1, 50))
def test_what_waits_between_two_stages_is_bounded(num_actors, num_units):
    """The first stage finishes at once, the second never: rows in memory stay bounded."""
    waiting, between = num_units, 0
    while may_feed(StageQueue(waiting, 0, 3), StageQueue(between, 0, num_actors)):
        waiting, between = waiting - 1, between + 1
    assert between == min(num_units, IN_FLIGHT_PER_ACTOR * num_actors)


@pytest.mark.parametrize(("available", "expected"), [({"CPU": 4.0}, 4), ({"CPU": 0.5}, 1), ({}, 1), ({"CPU": 2.9}, 2)])
def test_default_workers(available, expected):
    assert default_workers(available) == expected


def test_a_unit_test_cannot_start_a_cluster():
    import ray  # noqa: PLC0415

    with pytest.raises(pytest.fail.Exception, match=r"ray\.init was called in a unit test"):
        ray.init()


def test_a_unit_that_must_be_alone_gets_an_idle_actor_and_nothing_follows_it() -> None:
    busy, idle, reserved = ActorLoad(True, 1), ActorLoad(True, 0), ActorLoad(True, 1, is_reserved=True)
    assert next_actor([busy, idle], alone=True) == 1
    assert next_actor([busy, reserved], alone=True) is None
    assert next_actor([reserved, busy]) == 1
    assert next_actor([reserved]) is None
