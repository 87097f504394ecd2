"""Checks a recipe before anything runs: names, order, columns and types of every step.

Every error lists what exists. Knows no files and no runner.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import pyarrow as pa

from pipeline.document import DOC_ID, POSITION, POSITION_TYPE
from pipeline.errors import PlanError, SchemaError
from pipeline.operator import (
    REMOVAL_SCHEMA,
    Operator,
    PartitionOperator,
    Task,
    columns_read,
)
from pipeline.plan.checked_step import RECORD_COLUMNS, CheckedStep
from pipeline.plan.logical import ArtifactKind, Exchange, Recipe, Repeat, Step, View
from pipeline.plan.shape import check_shape
from pipeline.plan.view_schema import check_read_against, view_schema
from pipeline.plan.wording import describe, node_label, type_name
from pipeline.rule_values import JudgeValues, RuleValues, check_values

KEY_TYPES = (pa.uint64(), pa.binary(16))
_NO_IMPORTS: Mapping[str, CheckedStep] = MappingProxyType({})


def check_recipe(
    recipe: Recipe, source_schemas: Mapping[str, pa.Schema], imports: Mapping[str, CheckedStep] = _NO_IMPORTS
) -> dict[str, CheckedStep]:
    """Every step with its schemas, in build order.

    Args:
        recipe: whose steps to check.
        source_schemas: columns of its sources.
        imports: artifacts of other runs by name, as `imported_step` describes them.

    Raises:
        PlanError: names, order or structure are wrong.
        SchemaError: columns or types do not fit.
    """
    names = [step.name for step in recipe.steps]
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise PlanError(f"recipe {recipe.name}: step names must be unique; repeated: {duplicates}")
    taken = sorted(set(names) & set(recipe.imports))
    if taken:
        raise PlanError(f"recipe {recipe.name}: imports and steps must have different names; found both: {taken}")
    checked: dict[str, CheckedStep] = {}
    for step in build_order(recipe):
        try:
            checked[step.name] = _check_step(step, {**imports, **checked}, source_schemas)
        except (PlanError, SchemaError) as error:
            raise type(error)(f"step {step.name}: {error}") from error
    return checked


def build_order(recipe: Recipe) -> tuple[Step, ...]:
    """Steps so that parents come first; otherwise as the recipe lists them."""
    by_name = {step.name: step for step in recipe.steps}
    done: dict[str, Step] = {}
    waiting = list(recipe.steps)
    for step in waiting:
        for parent in step.parents:
            if parent not in by_name and parent not in recipe.imports:
                imports = f"; imports: {sorted(recipe.imports)}" if recipe.imports else ""
                raise PlanError(
                    f"step {step.name}: reads step {parent!r}, which does not exist; steps: {sorted(by_name)}{imports}"
                )
    while waiting:
        there = {*done, *recipe.imports}
        ready = next((step for step in waiting if there.issuperset(step.parents)), None)
        if ready is None:
            raise PlanError(f"steps {[step.name for step in waiting]}: they read each other in a circle")
        waiting.remove(ready)
        done[ready.name] = ready
    return tuple(done.values())


def _check_step(step: Step, checked: Mapping[str, CheckedStep], sources: Mapping[str, pa.Schema]) -> CheckedStep:
    check_shape(step)
    view = view_schema(step, checked, sources)
    schema = view
    needed: list[str] = []
    exchange_schemas: list[pa.Schema] = []
    for place, node in enumerate(step.unrolled):
        if isinstance(node, Exchange):
            schema = _exchange_schema(node, schema, step, place)
            exchange_schemas.append(schema)
            needed.extend(schema.names)
            continue
        _require(node, place, schema)
        if isinstance(node, JudgeValues):
            check_values(node, _measuring(step, place, checked))
        needed.extend(columns_read(node).names)
        schema = node.output_schema(schema)
    for reference_step, kind in ((name, checked[name].step.write) for name in step.tables):
        if kind is not ArtifactKind.TABLE:
            raise PlanError(f"tables: expected a step that writes a table; {reference_step!r} writes {kind.value}")
    _check_rounds(step, exchange_schemas)
    output, kept = _output_schema(step, schema, view)
    needed.extend(kept)
    has_doc_id = DOC_ID in view.names
    read = tuple(
        name for name in view.names if name != POSITION and (name in needed or (name == DOC_ID and has_doc_id))
    )
    check_read_against(step, read, checked)
    files = _file_columns(step, read, sources)
    return CheckedStep(
        step=step,
        base=step.view.base,
        reader=_reader(step, checked),
        reads_files=bool(step.view.sources) and (not step.view.bound or bool(files)),
        view_schema=view,
        read_columns=read,
        exchange_schemas=tuple(exchange_schemas),
        output_schema=output,
        beyond_memory=_check_beyond_memory(step, checked, sources, output) if step.beyond_memory else None,
    )


def _measuring(step: Step, place: int, checked: Mapping[str, CheckedStep]) -> Iterator[RuleValues]:
    """What measures values before a place of a step, the nearest first: there, in steps that it binds, in its base."""
    yield from (node for node in reversed(step.unrolled[:place]) if isinstance(node, RuleValues))
    for name in (*step.view.bound, *((step.view.base,) if step.view.base else ())):
        parent = checked[name].step
        yield from _measuring(parent, len(parent.unrolled), checked)


def _reader(step: Step, checked: Mapping[str, CheckedStep]) -> str | None:
    if not step.view.sources:
        return None
    return checked[step.view.bound[0]].reader if step.view.bound else step.name


def _file_columns(step: Step, read: tuple[str, ...], sources: Mapping[str, pa.Schema]) -> list[str]:
    """Columns that only the sources' files have. A task does not read such files."""
    if not step.view.sources:
        return []
    offered = set(sources[step.view.sources[0]].names) - RECORD_COLUMNS
    files = [name for name in read if name in offered]
    if files and any(isinstance(node, Task) for node in step.nodes):
        raise PlanError(
            f"{node_label(step.unrolled[0], 0)}: over sources a task reads doc_id and what is bound; found columns "
            f"{files}; write documents and make them the base"
        )
    return files


def _check_beyond_memory(
    step: Step, checked: Mapping[str, CheckedStep], sources: Mapping[str, pa.Schema], output: pa.Schema
) -> CheckedStep:
    """What runs in the task's place: a step of its own over the table, whose rows go home to the task's base."""
    if len(step.tables) != 1 or not all(isinstance(node, Task) for node in step.nodes):
        raise PlanError(
            "beyond_memory: expected it beside a task that reads one table; "
            f"found tables {list(step.tables)} and operators {[operator.name for operator in step.operators]}"
        )
    chain = Step(name=step.name, view=View(base=step.tables[0]), nodes=step.beyond_memory, write=step.write)
    result = _check_step(chain, checked, sources)
    if not result.output_schema.equals(output):
        raise SchemaError(
            f"beyond_memory: expected the columns that the task leaves, {describe(output)}; "
            f"found {describe(result.output_schema)}"
        )
    return result


def _check_rounds(step: Step, exchange_schemas: Sequence[pa.Schema]) -> None:
    """Rows enter each round, and leave the last one, through the same exchange: with the same columns."""
    start = 0
    for node in step.nodes:
        if isinstance(node, Repeat):
            end = start + len(node.nodes) // 2
            first, last = exchange_schemas[start], exchange_schemas[end]
            if not first.equals(last):
                raise SchemaError(
                    f"repeat: expected its first exchange to bring {describe(first)} after every round, for what "
                    f"follows it as for what it begins with; found {describe(last)}"
                )
            _check_while_any(node, exchange_schemas[end - 1])
            start = end
        start += isinstance(node, Exchange | Repeat)


def _check_while_any(node: Repeat, given: pa.Schema) -> None:
    last = node.nodes[-1]
    assert isinstance(last, PartitionOperator)
    left = last.output_schema(given)
    if node.while_any not in left.names or left.field(node.while_any).type != pa.bool_():
        raise SchemaError(
            f"repeat: while_any needs a column {node.while_any!r} (bool) of what {last.name} yields; available: "
            f"{describe(left)}"
        )


def _exchange_schema(node: Exchange, schema: pa.Schema, step: Step, place: int) -> pa.Schema:
    """Only what the partition operator, the key and the order need travels; text never has to."""
    after = step.unrolled[place + 1]
    assert isinstance(after, PartitionOperator)
    columns = (node.key, *(key.column for key in node.sort), *columns_read(after).names)
    missing = sorted(set(columns) - set(schema.names))
    if missing:
        raise SchemaError(f"{node_label(node, place)}: needs columns {missing}; available: {describe(schema)}")
    if schema.field(node.key).type not in KEY_TYPES:
        raise SchemaError(
            f"{node_label(node, place)}: key {node.key!r} must be uint64 or a 16-byte binary; found "
            f"{schema.field(node.key).type}"
        )
    wanted = set(columns)
    if after.takes_every_column:
        wanted |= set(schema.names if step.columns is None else step.columns) - {POSITION}
    if node.order == "sorted":
        wanted |= {POSITION} & set(schema.names)  # the last of the sort columns
    return pa.schema([field for field in schema if field.name in wanted])


def _require(operator: Operator, place: int, schema: pa.Schema) -> None:
    for field in columns_read(operator):
        if field.name not in schema.names:
            raise SchemaError(
                f"{node_label(operator, place)}: requires column {field.name!r} ({type_name(field.type)}); available: "
                f"{describe(schema)}; put an operator that adds it before, or bind a step that has it"
            )
        found = schema.field(field.name).type
        if found != field.type:
            raise SchemaError(
                f"{node_label(operator, place)}: requires column {field.name!r} as {type_name(field.type)}; found "
                f"{type_name(found)}"
            )


def _output_schema(step: Step, schema: pa.Schema, view: pa.Schema) -> tuple[pa.Schema, tuple[str, ...]]:
    """The artifact's schema, and which of the view's columns it takes."""
    operators = step.operators
    last = operators[-1] if operators else None
    if step.write is ArtifactKind.REMOVALS:
        if isinstance(last, PartitionOperator) and not schema.equals(REMOVAL_SCHEMA):
            raise SchemaError(
                f"write: removals after {last.name} needs rows of {describe(REMOVAL_SCHEMA)}; found {describe(schema)}"
            )
        return pa.schema([]), ()
    if step.write is ArtifactKind.MODEL:
        return pa.schema([]), ()
    if step.write is ArtifactKind.COLUMNS:
        new = [field.with_nullable(True) for field in schema if field.name not in view.names]
        if isinstance(last, PartitionOperator):
            _check_columns_home(last, schema, new)
        return pa.schema(new), ()
    stored = pa.schema([field for field in schema if field.name != POSITION])
    if step.columns is None:
        return stored, tuple(stored.names)
    missing = sorted(set(step.columns) - set(stored.names))
    if missing:
        raise SchemaError(f"columns: {missing} do not exist; available: {describe(stored)}")
    return pa.schema([field for field in stored if field.name in step.columns]), step.columns


def _check_columns_home(last: PartitionOperator, schema: pa.Schema, new: list[pa.Field]) -> None:
    if POSITION not in schema.names or schema.field(POSITION).type != POSITION_TYPE:
        raise SchemaError(
            f"write: columns after {last.name} needs column {POSITION!r} ({POSITION_TYPE}), which says whose they are; "
            f"found {describe(schema)}"
        )
    if not new:
        raise SchemaError(
            f"write: columns after {last.name} needs a column that the view does not have; found {describe(schema)}"
        )
