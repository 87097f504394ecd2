"""What the cluster has, and what its autoscaler may add."""

from collections.abc import Sequence
from typing import Any

import ray
from ray._private.state import state  # no public call tells the groups of nodes that an autoscaler may start

from pipeline.execution.on_ray.sizing import holds_one_each
from pipeline.operator import Resources

Node = dict[str, float]
"""Resource name -> amount."""


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
