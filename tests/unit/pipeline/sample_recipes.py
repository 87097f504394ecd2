"""A small recipe, a catalogue for it, and the two ways to read one: as steps, and against the schema."""

import jsonschema
import yaml

from pipeline.plan.logical import ArtifactKind, Exchange, SortKey, Step, View
from pipeline.recipe import Catalogue, parse_recipe, recipe_json_schema
from tests.unit.pipeline.sample_operators import OPERATORS, AddKey, KeepFirst

STEP = {"name": "a", "base": "b"}
EXAMPLE = """
name: small
sources:
  web: {paths: data/*.jsonl, columns: {license: string}}
layout: {shard_bytes: 4096}
error_budget: {max_bad_fraction: 0.5}
steps:
  - name: documents
    read: web
    operators:
      - num_chars
      - min_chars: {min_chars: 3}
      - shout:
    write: documents
    resources: {num_chars: {num_cpus: 2}}
    timeout_seconds: {num_chars: 30}
    unit_timeout_seconds: 600
  - name: once
    base: documents
    first_of_key: {order_by: [-num_chars]}
  - name: chosen
    base: documents
    bound: [once]
    columns: [doc_id, text]
    operators: []
"""


def first_of_key(name: str, *, view: View, order_by: tuple[str, ...] = ()) -> tuple[Step, ...]:
    keys = f"{name}.keys"
    order = tuple(SortKey.model_validate(key) for key in order_by)
    return (
        Step(name=keys, view=view, nodes=(AddKey(),), write=ArtifactKind.COLUMNS),
        Step(
            name=name,
            view=view.binding(keys),
            nodes=(Exchange(key="key", sort=order), KeepFirst()),
            write=ArtifactKind.REMOVALS,
        ),
    )


CATALOGUE = Catalogue({kind.name: kind for kind in OPERATORS}, {"first_of_key": first_of_key})


def parse(text, *overrides):
    return parse_recipe(text, CATALOGUE, overrides)


def with_steps(steps, **top):
    return yaml.safe_dump({"name": "small", "steps": steps, **top})


def validator(catalogue):
    schema = recipe_json_schema(catalogue)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)
