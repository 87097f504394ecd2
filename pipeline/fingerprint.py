"""Canonical bytes and fingerprints: what makes two operators, shards or steps the same.

Only values that make the result enter. Where and how it runs (workers, batch rows, budgets, resources) never does.
"""

import json
from collections.abc import Mapping
from typing import Any

import xxhash
from pydantic import BaseModel

from pipeline.errors import PlanError
from pipeline.operator import FileRef, Operator, SpeedOnly, files_in


def canonical_bytes(value: Any) -> bytes:  # Any: JSON-like data of any depth
    """One spelling for JSON-like `value`: sorted keys, no spaces, floats by their shortest round-trip form."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise PlanError(f"fingerprint: expected JSON-like values; {error}") from error


def fingerprint(value: Any) -> str:  # Any: JSON-like data of any depth
    """The xxh3-128 of the canonical bytes, in hex."""
    return xxhash.xxh3_128_hexdigest(canonical_bytes(value))


def operator_identity(operator: Operator, step_fingerprints: Mapping[str, str]) -> dict[str, Any]:
    """What makes the operator's result: catalogue name, version and every field, defaults included.

    A file counts by its content, wherever it stands in the fields. A file of another step counts by that step's
    fingerprint, which is known before the file exists. What it derives from counts too, and an operator in a field by
    its own identity. Fields that change speed alone do not count.
    """
    fields: dict[str, Any] = operator.model_dump(mode="json")
    _forget_speed(operator, fields)
    for way, reference in files_in(operator):
        inner: Any = fields  # Any: JSON of any depth
        for name in way[:-1]:
            inner = inner[int(name) if isinstance(inner, list) else name]
        last = int(way[-1]) if isinstance(inner, list) else way[-1]
        inner[last] = _file_identity(operator, ".".join(way), reference, step_fingerprints)
    fields |= {
        name: operator_identity(inner, step_fingerprints) for name, inner in operator if isinstance(inner, Operator)
    }
    identity: dict[str, Any] = {"operator": operator.name, "version": operator.version, "fields": fields}
    derives = [operator_identity(annotator, step_fingerprints) for annotator in operator.derives()]
    return {**identity, "derives": derives} if derives else identity


def _forget_speed(model: BaseModel, fields: dict[str, Any]) -> None:  # Any: JSON of any depth
    """Takes out of a model's dumped `fields`, and those of the models among them, what is marked `SpeedOnly`."""
    for name, field in type(model).model_fields.items():
        if SpeedOnly in field.metadata:
            del fields[name]
        elif isinstance(getattr(model, name), BaseModel) and isinstance(fields[name], dict):
            _forget_speed(getattr(model, name), fields[name])


def _file_identity(
    operator: Operator, field: str, reference: FileRef, step_fingerprints: Mapping[str, str]
) -> dict[str, str]:
    if reference.step is not None:
        return {"step": step_fingerprints[reference.step], "file": reference.file_name}
    if reference.digest is None:
        raise PlanError(
            f"operator {operator.name}: file field {field!r} ({reference.uri!r}) is not pinned; pin it first"
        )
    return {"content": reference.digest}
