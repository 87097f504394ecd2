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
        PlanError: it is no YAML, asks for objects, holds itself, has a key twice in a mapping, or stands for more than
            `MAX_VALUES` values.
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
        _check_keys(node, label)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _check_keys(root: yaml.Node, label: str) -> None:
    """Refuses a mapping with one key twice, of which the loader would keep the last. What `<<` brings gives way."""
    seen, waiting = {root}, [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.ScalarNode):
            continue
        if isinstance(node, yaml.MappingNode):
            _check_keys_of(node, label)
        found = [part for part in _parts(node) if part not in seen]
        seen.update(found)
        waiting += reversed(found)  # so that the first in the text is told


def _check_keys_of(mapping: yaml.MappingNode, label: str) -> None:
    lines: dict[tuple[str, str], int] = {}
    for key, _ in mapping.value:
        if not isinstance(key, yaml.ScalarNode):
            continue  # the loader refuses keys that are lists or mappings
        name, line = (key.tag, key.value), key.start_mark.line + 1
        if name in lines:
            raise PlanError(
                f"{label}: expected each key of a mapping once; found {key.value!r:.100} in line {lines[name]} and "
                f"again in line {line}; keep one of them"
            )
        lines[name] = line


def _parts(node: yaml.Node) -> list[yaml.Node]:
    """The values of a list; the keys and values of a mapping."""
    return [part for pair in node.value for part in (pair if isinstance(pair, tuple) else (pair,))]


def _num_values(node: yaml.Node, known: dict[yaml.Node, int], above: set[yaml.Node], label: str) -> int:
    """How many values a node stands for, with those in it; what several aliases share is counted for each."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    if node in above:
        raise PlanError(f"{label}: expected values that end; found an alias inside of what it stands for; remove it")
    if node not in known:
        above.add(node)
        known[node] = 1 + sum(_num_values(part, known, above, label) for part in _parts(node))
        above.remove(node)
    return known[node]
