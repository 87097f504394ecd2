"""Nodes, schemas and types as messages and documentation spell them."""

import pyarrow as pa

from pipeline.operator import Operator
from pipeline.plan.logical import Exchange


def node_label(node: Operator | Exchange, place: int) -> str:
    """A node by its place in the step."""
    return f"node {place} {node.title if isinstance(node, Operator) else 'exchange'}"


def describe(schema: pa.Schema) -> list[str]:
    """Names of columns with their types."""
    return [f"{field.name}: {type_name(field.type)}" for field in schema]


def type_name(kind: pa.DataType) -> str:
    """A type as recipes and documentation spell it; Arrow prints float32 as float."""
    return {pa.float32(): "float32", pa.float64(): "float64"}.get(kind, str(kind))
