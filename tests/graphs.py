"""Components of small graphs, computed naively: what the kernels are held against."""

from collections.abc import Hashable, Iterable

Components = set[frozenset[int]]
"""The components of two nodes or more."""


def components_of_edges(edges: Iterable[tuple[int, int]]) -> Components:
    """Components of a graph that is given by pairs of nodes."""
    of_node: dict[int, set[int]] = {}
    for one, other in edges:
        joined = of_node.get(one, {one}) | of_node.get(other, {other})
        of_node.update(dict.fromkeys(joined, joined))
    return {frozenset(nodes) for nodes in of_node.values() if len(nodes) > 1}


def components_of_buckets(rows: Iterable[tuple[Hashable, int]]) -> Components:
    """Components of the graph in which nodes that share a bucket are joined, from (bucket, node) pairs."""
    first: dict[Hashable, int] = {}
    return components_of_edges((node, first.setdefault(bucket, node)) for bucket, node in rows)


def stars_of(components: Components) -> set[tuple[int, int]]:
    """(node, centre) for every node but the smallest of each component."""
    return {(node, min(component)) for component in components for node in component if node != min(component)}
