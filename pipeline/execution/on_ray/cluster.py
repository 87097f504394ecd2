"""Whether there is a cluster, what it has and may get; and clusters that only this process and its own can reach."""

import os
import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import ray
from ray._private import ray_constants  # no public setting has Ray listen on loopback alone
from ray._private.state import state  # no public call tells the groups of nodes that an autoscaler may start
from ray._raylet import AuthenticationTokenLoader, Config  # no public call has them read the environment again

from pipeline.errors import RunnerError
from pipeline.execution.on_ray.sizing import holds_one_each
from pipeline.operator import Resources

AUTH_MODE: Final = "RAY_AUTH_MODE"
_TOKEN_PATH: Final = "RAY_AUTH_TOKEN_PATH"  # noqa: S105 - a variable's name
_TOKEN_BYTES: Final = 32
ANSWER_SECONDS: Final = 5.0
"""How long a cluster may take to accept a connection."""
_CLIENT: Final = "ray://"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

Node = dict[str, float]
"""Resource name -> amount."""


def check_address(address: str) -> None:
    """Refuses an address at which nobody listens: Ray would go on trying for ten minutes.

    An address without a port, such as `auto`, is for Ray alone to resolve.

    Raises:
        RunnerError: nobody accepts a connection there.
    """
    host, _, port = address.removeprefix(_CLIENT).rpartition(":")
    if not host or not port.isdecimal():
        return
    host = host.strip("[]")
    if host in _LOOPBACK and not address.startswith(_CLIENT):
        host = ray.util.get_node_ip_address()  # Ray asks there, too
    try:
        socket.create_connection((host, int(port)), ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:  # Python's word for a port beyond 65535
        raise RunnerError(
            f"Ray: expected a cluster at {address!r}; found nobody who listens there ({error}); check --address and "
            "RAY_ADDRESS, start the cluster, or use neither for one of this run's own"
        ) from error


@contextmanager
def private_cluster() -> Iterator[None]:
    """Has clusters that are started inside listen on loopback alone, and serve only who has their token.

    Whoever reaches the ports of a Ray cluster without token may run code as its user. The token is in a file that this
    user alone may read, in a folder that is gone afterwards; processes that are started inside find it by their
    environment. If the caller's environment names a mode of authentication, that one is used.
    """
    with TemporaryDirectory(prefix="corpusmill-token-") as folder:
        changes: dict[str, str | None] = {ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR: "0"}
        if AUTH_MODE not in os.environ:
            changes |= {AUTH_MODE: "token", _TOKEN_PATH: str(_new_token(Path(folder)))}
        before = {name: os.environ.get(name) for name in changes}
        listens_everywhere = ray_constants.ENABLE_RAY_CLUSTER
        ray_constants.ENABLE_RAY_CLUSTER = False  # what the variable says was read when Ray was imported
        _set_environment(changes)
        try:
            yield
        finally:
            ray_constants.ENABLE_RAY_CLUSTER = listens_everywhere
            _set_environment(before)


def _new_token(folder: Path) -> Path:
    path = folder / "token"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w") as stream:  # noqa: PTH123 - a descriptor
        stream.write(secrets.token_hex(_TOKEN_BYTES))
    return path


def _set_environment(variables: dict[str, str | None]) -> None:
    """Sets variables, those that are None away, and has Ray look at them."""
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()


def nodes_for(stages: Sequence[Resources]) -> list[Node]:
    """Nodes to plan with: those that are there, and, if they hold not one actor of each stage, those that may come."""
    nodes: list[Node] = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return nodes if holds_one_each(stages, nodes) else [*nodes, *addable(state.get_cluster_config(), len(stages))]


def addable(config: Any, at_most: int) -> list[Node]:  # Any: Ray's message, or None where nothing scales the cluster
    """Nodes that an autoscaler may start: of each group so many as it allows, `at_most` where that suffices."""
    groups = () if config is None else config.node_group_configs
    return [
        {name: float(amount) for name, amount in group.resources.items()}
        for group in groups
        for _ in range(at_most if group.max_count < 0 else min(at_most, group.max_count))
    ]
