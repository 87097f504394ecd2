"""YAML as plain data: no object of any class, no code, and no more of it than somebody can have meant."""

from typing import Any, Final

import yaml

from pipeline.errors import PlanError

MAX_VALUES: Final = 1_000_000
"""In one text, with what aliases stand for. Nine lines of aliases of aliases can stand for a thousand million."""


def plain_data(text: str, label: str) -> Any:  # Any: parsed YAML
    """Mappings, lists, strings and numbers that a text stands for.

    Args:
        text: YAML.
        label: what messages call it.

    Raises:
        PlanError: it is no YAML, asks for objects, holds itself, or stands for more than `MAX_VALUES` values.
    """
    try:
        return _constructed(yaml.SafeLoader(text), label)
    except yaml.YAMLError as error:
        told = " ".join(str(error).split()).replace('"<unicode string>"', label)
        raise PlanError(f"{label}: expected YAML; {told}") from error
    except PlanError:
        raise
    except (ValueError, OverflowError, TypeError, KeyError, AttributeError) as error:  # as of `!!bool x`
        told = " ".join(str(error).split())
        raise PlanError(f"{label}: expected YAML; found a value that cannot be: {told}; put it in quotes") from error
    except RecursionError as error:
        raise PlanError(f"{label}: expected YAML; found it nested too deep; write it flatter") from error


def _constructed(loader: yaml.SafeLoader, label: str) -> Any:  # Any: parsed YAML
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _num_values(node, {}, set(), label) > MAX_VALUES:
            raise PlanError(f"{label}: expected at most {MAX_VALUES:,} values; aliases stand for more; write less")
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _num_values(node: yaml.Node, known: dict[yaml.Node, int], above: set[yaml.Node], label: str) -> int:
    """How many values a node stands for, with those in it; what several aliases share is counted for each."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    if node in above:
        raise PlanError(f"{label}: expected values that end; found an alias inside of what it stands for; remove it")
    if node not in known:
        above.add(node)
        parts = [part for pair in node.value for part in (pair if isinstance(pair, tuple) else (pair,))]
        known[node] = 1 + sum(_num_values(part, known, above, label) for part in parts)
        above.remove(node)
    return known[node]
