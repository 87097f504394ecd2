"""Nodes that an autoscaler may add."""

from types import SimpleNamespace

from pipeline.execution.on_ray.cluster import addable


def group(max_count, **resources):
    return SimpleNamespace(max_count=max_count, resources=resources)


def test_without_an_autoscaler_nothing_comes():
    assert addable(None, 3) == []


def test_each_group_gives_as_many_nodes_as_it_may_and_no_more_than_are_asked_for():
    config = SimpleNamespace(
        node_group_configs=[group(1, CPU=8, GPU=1), group(0, CPU=64), group(-1, CPU=4), group(9, CPU=2)]
    )
    assert addable(config, 2) == [
        {"CPU": 8.0, "GPU": 1.0}, {"CPU": 4.0}, {"CPU": 4.0}, {"CPU": 2.0}, {"CPU": 2.0},
    ]  # fmt: skip
