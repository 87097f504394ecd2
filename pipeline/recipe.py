"""Recipes as YAML: loading, overriding single fields, writing back, and the JSON Schema for editors.

A step names its operators by their catalogue names, or one composite, a function that returns steps:

    steps:
      - name: documents
        read: [web]
        operators: [language_id, {language_filter: {languages: [en]}}]
      - name: exact
        base: documents
        exact_deduplication: {}

Knows no operator: the caller hands the catalogue over.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import BaseModel, ValidationError, validate_call

from pipeline.errors import PlanError
from pipeline.operator import Operator, labels_of
from pipeline.plan.logical import (
    ArtifactKind,
    ErrorBudget,
    Exchange,
    Import,
    Layout,
    Node,
    Recipe,
    Repeat,
    Source,
    Step,
    View,
    default_write,
)
from pipeline.rule_set import RuleSet
from pipeline.rule_values import ANNOTATE, JUDGE, JudgeValues, RuleValues
from pipeline.yaml_text import plain_data

Composite = Callable[..., tuple[Step, ...]]
Data = dict[str, Any]  # Any: parsed YAML

_REPEAT_SCHEMA: Final[Data] = {
    "type": "object",
    "required": ["operators", "while_any"],
    "additionalProperties": False,
    "properties": {
        "operators": {"type": "array", "items": {"type": ["object", "string"]}},
        "while_any": {"type": "string"},
        "max_rounds": {"type": "integer", "minimum": 1},
    },
}
M = TypeVar("M", bound=BaseModel)

_VIEW_FIELDS = ("read", "base", "bound", "against")
_OWN_FIELDS = (
    "tables",
    "operators",
    "beyond_memory",
    "write",
    "columns",
    "attribution",
    "resources",
    "timeout_seconds",
    "unit_timeout_seconds",
)
_STEP_FIELDS = ("name", *_VIEW_FIELDS, *_OWN_FIELDS)
_HALVES: Final[dict[str, type[RuleValues | JudgeValues]]] = {ANNOTATE: RuleValues, JUDGE: JudgeValues}
"""What an operator list may say of a rule set beside its own name."""
_FORMS = ("exchange", "repeat", *_HALVES)
_SETTABLE = ("sources", "imports", "layout", "error_budget", "name")
_RECIPE_FIELDS = ("name", "sources", "imports", "steps", "layout", "error_budget")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What recipes may name."""

    operators: Mapping[str, type[Operator]]
    composites: Mapping[str, Composite]


def load_recipe(path: Path, catalogue: Catalogue, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in a YAML file, after `overrides` such as `documents.gopher_quality.min_words=30`.

    Raises:
        PlanError: it cannot be read or is not a recipe; the message says where and lists what is possible there.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"recipe {str(path)!r}: expected a readable YAML file; {error}") from error
    return parse_recipe(text, catalogue, overrides, label=str(path))


def parse_recipe(text: str, catalogue: Catalogue, overrides: Sequence[str] = (), *, label: str = "recipe") -> Recipe:
    """The recipe in YAML text. Raises as `load_recipe`."""
    data = plain_data(text, label)
    if not isinstance(data, dict):
        raise PlanError(f"{label}: expected a mapping with {list(_RECIPE_FIELDS)}; found {type(data).__name__}")
    for override in overrides:
        _override(data, override, catalogue)
    _known(data, _RECIPE_FIELDS, label)
    steps = data.get("steps")
    if not isinstance(steps, list) or not steps:
        found = "an empty list" if steps == [] else type(steps).__name__
        raise PlanError(f"{label}: expected a list of steps under 'steps'; found {found}")
    expanded = [
        step for number, entry in enumerate(steps) for step in _steps(entry, f"{label}: steps[{number}]", catalogue)
    ]
    return _valid(
        Recipe,
        {
            "name": data.get("name"),
            "sources": _named(Source, data, "sources", label),
            "imports": _named(Import, data, "imports", label),
            "steps": tuple(expanded),
            "layout": _valid(Layout, _given(data.get("layout"), {}), f"{label}: layout"),
            "error_budget": _valid(ErrorBudget, _given(data.get("error_budget"), {}), f"{label}: error_budget"),
        },
        label,
    )


def dump_recipe(recipe: Recipe) -> str:
    """YAML that loads to an equal recipe; composites appear as the steps that they became."""
    data = recipe.model_dump(mode="json", exclude={"steps"}, exclude_defaults=True)
    data["steps"] = [_dump_step(step) for step in recipe.steps]
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


def recipe_json_schema(catalogue: Catalogue) -> Data:
    """A JSON Schema of recipe files, for editors that complete and check YAML."""
    operators: list[Data] = [{"type": "string", "enum": sorted(catalogue.operators)}]
    for name, kind in sorted(catalogue.operators.items()):
        operators.append(_single(name, _schema_of(kind)))
    operators.append(_single("exchange", _schema_of(Exchange)))
    operators.append(_single("repeat", _REPEAT_SCHEMA))
    rule_sets: list[Data] = [{"type": "string", "enum": sorted(_rule_sets(catalogue))}]
    rule_sets += [_single(name, _schema_of(kind)) for name, kind in sorted(_rule_sets(catalogue).items())]
    operators += [_one_field(half, {"anyOf": rule_sets}) for half in _HALVES]
    composites = {name: {"type": ["object", "null"]} for name in sorted(catalogue.composites)}
    one_name = {"type": "string", "minLength": 1}
    names = {"type": "array", "items": one_name}
    step = {
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string"},
            "read": {"anyOf": [names, one_name]},
            "base": one_name,
            "bound": names,
            "against": names,
            "tables": names,
            "operators": {"type": "array", "items": {"anyOf": operators}},
            "beyond_memory": {"type": "array", "items": {"type": ["object", "string"]}},
            "write": {"enum": [kind.value for kind in ArtifactKind]},
            "columns": names,
            "attribution": {"type": "boolean"},
            "resources": {"type": "object"},
            "timeout_seconds": {"type": "object", "additionalProperties": {"type": "number", "exclusiveMinimum": 0}},
            "unit_timeout_seconds": {"type": "number", "exclusiveMinimum": 0},
            **composites,
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "corpusmill recipe",
        "type": "object",
        "required": ["name", "steps"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string"},
            "sources": {"type": "object", "additionalProperties": _schema_of(Source)},
            "imports": {"type": "object", "additionalProperties": _schema_of(Import)},
            "steps": {"type": "array", "minItems": 1, "items": step},
            "layout": _schema_of(Layout),
            "error_budget": _schema_of(ErrorBudget),
        },
    }


def _named(model: type[M], data: Data, key: str, label: str) -> dict[str, M]:
    """A mapping of the user's names to objects."""
    given = _given(data.get(key), {})
    if not isinstance(given, dict):
        raise PlanError(f"{label}: {key}: expected a mapping of names to {key}; found {type(given).__name__}")
    return {str(name): _valid(model, entry, f"{label}: {key}.{name}") for name, entry in given.items()}


def _steps(entry: Any, label: str, catalogue: Catalogue) -> tuple[Step, ...]:  # Any: parsed YAML
    if not isinstance(entry, dict):
        raise PlanError(f"{label}: expected a mapping; found {type(entry).__name__}")
    label = f"{label} ({entry.get('name', 'without a name')})"
    _known(entry, (*_STEP_FIELDS, *catalogue.composites), label)
    named = [name for name in entry if name in catalogue.composites]
    if len(named) > 1 or (named and "operators" in entry):
        raise PlanError(
            f"{label}: expected operators or one composite; found {sorted({*named, *({'operators'} & set(entry))})}"
        )
    if named:
        return _composite_steps(entry, named[0], label, catalogue)
    nodes = _nodes(entry, "operators", label, catalogue)
    view = _view(entry, label)
    fields: Data = {
        "name": entry.get("name"),
        "view": view,
        "nodes": nodes,
        "beyond_memory": _nodes(entry, "beyond_memory", label, catalogue),
        "write": _given(entry.get("write"), default_write(nodes, reads_sources=bool(view.sources))),
        "tables": _given(entry.get("tables"), ()),
        "columns": entry.get("columns"),
        "attribution": entry.get("attribution", False),
        "resources": _given(entry.get("resources"), {}),
        "timeout_seconds": _given(entry.get("timeout_seconds"), {}),
        "unit_timeout_seconds": entry.get("unit_timeout_seconds"),
    }
    return (_valid(Step, fields, label),)


def _nodes(entry: Data, key: str, label: str, catalogue: Catalogue) -> tuple[Node, ...]:
    listed = _given(entry.get(key), [])
    if not isinstance(listed, list):
        raise PlanError(f"{label}.{key}: expected a list, each with a dash; found {type(listed).__name__}")
    return tuple(_node(node, f"{label}.{key}[{number}]", catalogue) for number, node in enumerate(listed))


def _given(value: Any, default: Any) -> Any:  # Any: parsed YAML
    """What a field holds; the default where it is absent or null, and for nothing else that is empty."""
    return default if value is None else value


def _view(entry: Data, label: str) -> View:
    read = _given(entry.get("read"), ())
    given = {
        "sources": (read,) if isinstance(read, str) else read,
        "base": entry.get("base"),
        "bound": _given(entry.get("bound"), ()),
        "against": _given(entry.get("against"), ()),
    }
    return _valid(View, given, label)


def _composite_steps(entry: Data, name: str, label: str, catalogue: Catalogue) -> tuple[Step, ...]:
    function = catalogue.composites[name]
    arguments = _given(entry[name], {})
    if not isinstance(arguments, dict):
        raise PlanError(f"{label}.{name}: expected a mapping of fields; found {type(arguments).__name__}")
    foreign = sorted(set(entry) - {"name", *_VIEW_FIELDS, name})
    if foreign:
        raise PlanError(f"{label}: a composite step takes name, {', '.join(_VIEW_FIELDS)}; found {foreign}")
    view = _view(entry, label)
    if not view.sources and view.base is None:
        raise PlanError(f"{label}: a composite step needs sources to read, or a base; found neither")
    known = set(inspect.signature(function).parameters) - {"name", "view"}
    _known(arguments, sorted(known), f"{label}.{name}")
    try:
        return validate_call(function)(entry.get("name"), view=view, **arguments)
    except ValidationError as error:
        raise PlanError(_validation_message(error, f"{label}.{name}")) from error


def _node(entry: Any, label: str, catalogue: Catalogue) -> Node:  # Any: parsed YAML
    if isinstance(entry, str):
        entry = {entry: {}}
    if not isinstance(entry, dict) or len(entry) != 1:
        raise PlanError(
            f"{label}: expected an operator's name, or one name with its fields; found {type(entry).__name__}"
        )
    ((name, fields),) = entry.items()
    if name == "exchange":
        return _valid(Exchange, _given(fields, {}), f"{label}.exchange")
    if name == "repeat":
        return _repeat(fields, f"{label}.repeat", catalogue)
    if name in _HALVES:
        return _half(name, fields, f"{label}.{name}", catalogue)
    if name not in catalogue.operators:
        raise PlanError(
            f"{label}: no operator {name!r}{_nearest(name, [*catalogue.operators, *_FORMS])}; operators: "
            f"{sorted(catalogue.operators)}, and {', '.join(_FORMS)}"
        )
    return _valid(catalogue.operators[name], _given(fields, {}), f"{label}.{name}")


def _nearest(name: object, known: Iterable[str]) -> str:
    """What may have been meant, to be read before a long list; empty where nothing is alike."""
    found = get_close_matches(str(name), known)
    return f"; nearest: {found}" if found else ""


def _half(name: str, fields: Any, label: str, catalogue: Catalogue) -> RuleValues | JudgeValues:  # Any: parsed YAML
    """A rule set's values, or its limits alone."""
    given = {fields: {}} if isinstance(fields, str) else fields
    if not isinstance(given, dict) or len(given) != 1:
        found = sorted(given) if isinstance(given, dict) else type(given).__name__
        raise PlanError(f"{label}: expected one rule set, by its name or with its fields; found {found}")
    ((rule_set, inner),) = given.items()
    known = _rule_sets(catalogue)
    if rule_set not in known:
        raise PlanError(f"{label}: no rule set {rule_set!r}{_nearest(rule_set, known)}; rule sets: {sorted(known)}")
    return _valid(_HALVES[name], {"rule_set": _valid(known[rule_set], _given(inner, {}), f"{label}.{rule_set}")}, label)


def _rule_sets(catalogue: Catalogue) -> dict[str, type[RuleSet]]:
    return {name: kind for name, kind in catalogue.operators.items() if issubclass(kind, RuleSet)}


def _repeat(fields: Any, label: str, catalogue: Catalogue) -> Repeat:  # Any: parsed YAML
    listed = fields.get("operators") if isinstance(fields, dict) else None
    if not isinstance(listed, list):
        raise PlanError(f"{label}: expected `operators`, a list, and `while_any`; found {type(listed).__name__}")
    nodes = tuple(_node(node, f"{label}.operators[{number}]", catalogue) for number, node in enumerate(listed))
    return _valid(Repeat, {**{key: fields[key] for key in fields if key != "operators"}, "nodes": nodes}, label)


def _override(data: Data, override: str, catalogue: Catalogue) -> None:
    """Applies `path=value`. A path begins with a step's name, or with sources, imports, layout or error_budget."""
    path, equals, value = override.partition("=")
    if not equals:
        raise PlanError(f"--set {override!r}: expected path.to.field=value")
    parsed = plain_data(value, f"--set {override!r}")
    if path.split(".")[0] in _SETTABLE:
        _assign(data, path.split("."), parsed, override)
        return
    entries = {str(entry.get("name")): entry for entry in data.get("steps") or () if isinstance(entry, dict)}
    named = [name for name in entries if path.startswith(f"{name}.")]
    if not named:
        known = [*entries, *(key for key in _SETTABLE if key != "name")]
        raise PlanError(f"--set {override!r}: expected a path that begins with one of {known}")
    name = max(named, key=len)  # of `near` and `near.edges`, the second is meant
    _override_step(entries[name], path.removeprefix(f"{name}.").split("."), parsed, override, catalogue)


def _override_step(entry: Data, path: list[str], value: Any, override: str, catalogue: Catalogue) -> None:
    composite = next((name for name in entry if name in catalogue.composites), None)
    if composite is not None and path[0] not in entry:
        path = [composite, *path]
    is_question = composite is None and path == ["attribution"]  # asked of a recipe as it is
    if (path[0] in entry and path[0] != "operators") or is_question:
        if composite == path[0] and entry[composite] is None:
            entry[composite] = {}
        _assign(entry, path, value, override)
        return
    nodes = entry.get("operators") or []
    present = labels_of([_title(node) for node in nodes])
    for number, label in enumerate(present):
        depth = label.count(".") + 1
        if ".".join(path[:depth]) == label and len(path) > depth:
            nodes[number], fields = _opened(nodes[number])
            _assign(fields, path[depth:], value, override)
            return
    raise PlanError(
        f"--set {override!r}: step {entry.get('name')!r} has no {path[0]!r}; it has {list(present) or sorted(entry)}"
    )


def _title(node: Any) -> str:  # Any: parsed YAML
    """What the operator of an entry of the list would be called."""
    if not isinstance(node, dict) or not node:
        return str(node)
    ((name, fields), *_) = node.items()
    return f"{name}.{_title(fields)}" if name in _HALVES else str(name)


def _opened(node: Any) -> tuple[Data, Data]:  # Any: parsed YAML
    """An entry of an operator list as a mapping, and its fields, which may be changed in it."""
    ((name, fields),) = node.items() if isinstance(node, dict) else ((node, {}),)
    if name in _HALVES:
        inner, inside = _opened(fields)
        return {name: inner}, inside
    entry: Data = {name: fields or {}}
    return entry, entry[name]


def _assign(data: Data, path: list[str], value: Any, override: str) -> None:  # Any: parsed YAML
    for key in path[:-1]:
        inner = data.setdefault(key, {})
        if not isinstance(inner, dict):
            raise PlanError(f"--set {override!r}: {key!r} holds no fields; found {type(inner).__name__}")
        data = inner
    data[path[-1]] = value


def _valid(model: type[M], data: Any, label: str) -> M:  # Any: parsed YAML
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise PlanError(_validation_message(error, label, sorted(model.model_fields))) from error


def _validation_message(error: ValidationError, label: str, fields: Sequence[str] = ()) -> str:
    problems = []
    for problem in error.errors(include_url=False):
        place = ".".join(str(part) if str(part).isprintable() else repr(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            problems.append(f"{place}: no such field; fields: {list(fields)}")
        elif problem["type"] == "missing":
            problems.append(f"{place}: this field is required")
        else:
            problems.append(f"{place}: {problem['msg']}; found {problem['input']!r:.100}" if place else problem["msg"])
    return f"{label}: " + " | ".join(problems)


def _known(data: Mapping[str, object], known: Sequence[str], label: str) -> None:
    unknown = sorted(str(key) for key in set(data) - set(known))
    if unknown:
        raise PlanError(f"{label}: unknown {unknown}; known: {sorted(known)}")


def _dump_step(step: Step) -> Data:
    data: Data = {"name": step.name}
    if step.view.sources:
        data["read"] = list(step.view.sources)
    if step.view.base:
        data["base"] = step.view.base
    for key, names in (("bound", step.view.bound), ("against", step.view.against), ("tables", step.tables)):
        if names:
            data[key] = list(names)
    data["operators"] = [_dump_node(node) for node in step.nodes]
    if step.beyond_memory:
        data["beyond_memory"] = [_dump_node(node) for node in step.beyond_memory]
    data["write"] = step.write.value
    if step.attribution:
        data["attribution"] = True
    if step.columns is not None:
        data["columns"] = list(step.columns)
    return data | _dump_execution(step)


def _dump_execution(step: Step) -> Data:
    data: Data = {}
    if step.resources:
        data["resources"] = {name: needs.model_dump(exclude_defaults=True) for name, needs in step.resources.items()}
    if step.timeout_seconds:
        data["timeout_seconds"] = dict(step.timeout_seconds)
    if step.unit_timeout_seconds is not None:
        data["unit_timeout_seconds"] = step.unit_timeout_seconds
    return data


def _dump_node(node: Node) -> Data:
    if isinstance(node, Repeat):
        rest = node.model_dump(mode="json", exclude={"nodes"}, exclude_defaults=True)
        return {"repeat": {"operators": [_dump_node(inner) for inner in node.nodes], **rest}}
    if isinstance(node, RuleValues | JudgeValues):
        return {node.name: _dump_node(node.rule_set)}
    name = node.name if isinstance(node, Operator) else "exchange"
    return {name: node.model_dump(mode="json", exclude_defaults=True)}


def _schema_of(model: type[BaseModel]) -> Data:
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    inlined: Data = _inline(schema, definitions)
    return inlined


def _inline(schema: Any, definitions: Data) -> Any:  # Any: JSON Schema
    """Definitions put in place, so that a model's schema can stand inside another."""
    if isinstance(schema, list):
        return [_inline(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inline(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    return {key: _inline(value, definitions) for key, value in schema.items()}


def _single(name: str, schema: Data) -> Data:
    return _one_field(name, {"anyOf": [schema, {"type": "null"}]})


def _one_field(name: str, schema: Data) -> Data:
    return {"type": "object", "required": [name], "additionalProperties": False, "properties": {name: schema}}
