"""Addresses at which there is no cluster, and nodes that an autoscaler may add."""

import socket
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import ray

from pipeline.errors import RunnerError
from pipeline.execution.on_ray.cluster import addable, check_address
from pipeline.execution.on_ray.runner import RayRunner
from pipeline.run import open_runner


@pytest.fixture
def port() -> Iterator[int]:
    """A port that is taken, and at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize(
    "form", ["127.0.0.1:{}", "localhost:{}", "ray://127.0.0.1:{}", "[::1]:{}", "no.such.host.invalid:{}"]
)
def test_an_address_at_which_nobody_listens_is_refused_at_once(form: str, port: int) -> None:
    address = form.format(port)
    with pytest.raises(RunnerError) as raised:
        open_runner("ray", address=address)
    message = str(raised.value)
    assert message.startswith(f"Ray: expected a cluster at {address!r}; found nobody who listens there (")
    assert message.endswith("start the cluster, or use neither for one of this run's own")
    assert "\n" not in message


def test_a_port_that_cannot_be_is_refused() -> None:
    with pytest.raises(RunnerError, match=r"expected a cluster at '127\.0\.0\.1:99999'"):
        check_address("127.0.0.1:99999")


def test_the_address_of_the_environment_is_looked_at_before_ray_connects(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
    runner = open_runner("ray")
    assert isinstance(runner, RayRunner)
    with pytest.raises(RunnerError, match="found nobody who listens there"):
        runner._connect()


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "ray://127.0.0.1:{}", "{}:{}"])
def test_who_listens_is_left_to_ray(form: str) -> None:
    with socket.create_server(("", 0)) as server:
        number = server.getsockname()[1]
        check_address(form.format(*(ray.util.get_node_ip_address(), number)[-form.count("{}") :]))


@pytest.mark.parametrize("address", ["auto", "local", "ray://head", "anyscale://cluster"])
def test_an_address_without_a_port_is_left_to_ray(address: str) -> None:
    check_address(address)


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
