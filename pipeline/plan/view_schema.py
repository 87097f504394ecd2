"""The columns that a step's view offers: of sources or a base, of what is bound, of the tables behind its rows."""

from collections.abc import Mapping

import pyarrow as pa

from pipeline.document import POSITION, POSITION_TYPE
from pipeline.errors import PlanError, SchemaError
from pipeline.plan.checked_step import CheckedStep
from pipeline.plan.logical import BASE_KINDS, BOUND_KINDS, Step
from pipeline.plan.wording import describe, type_name


def view_schema(step: Step, checked: Mapping[str, CheckedStep], sources: Mapping[str, pa.Schema]) -> pa.Schema:
    """Every column that the view of a step offers, `position` last; of sources with nothing bound, without it."""
    view = step.view
    if view.sources:
        fields = list(_sources_schema(view.sources, sources))
        if not view.bound:
            return pa.schema(fields)
    elif view.base is None:
        return pa.schema([])
    else:
        base = checked[view.base]
        if base.step.write not in BASE_KINDS:
            raise PlanError(
                f"base: expected a step that writes documents or a table; {view.base!r} writes {base.step.write.value}"
            )
        fields = list(base.output_schema)
    for name in view.bound:
        bound = checked[name]
        if bound.step.write not in BOUND_KINDS or not view.can_bind(bound.step.view):
            raise PlanError(
                f"bound: expected columns or removals over {view.origin}; {name!r} writes "
                f"{bound.step.write.value} over {bound.step.view.origin}"
            )
        clash = sorted({field.name for field in fields} & set(bound.output_schema.names))
        if clash:
            raise SchemaError(
                f"bound: {name!r} brings columns {clash}, which are there already; available: "
                f"{describe(pa.schema(fields))}"
            )
        fields.extend(bound.output_schema)
    fields = _with_tables(step, fields, checked)
    return pa.schema([*fields, pa.field(POSITION, POSITION_TYPE, nullable=False)])


def _with_tables(step: Step, fields: list[pa.Field], checked: Mapping[str, CheckedStep]) -> list[pa.Field]:
    """The columns of a view with the tables that stand behind its rows: those that only tables have come last."""
    offered = {field.name: field for field in fields}
    covering = {field.name for name in _covering(step, checked) for field in checked[name].output_schema}
    for name in step.view.against:
        table = checked[name]
        if table.step.write not in BASE_KINDS:
            raise PlanError(f"against: expected a table or documents; {name!r} writes {table.step.write.value}")
        clash = sorted(covering & set(table.output_schema.names))
        if clash:
            raise SchemaError(
                f"against: columns {clash} of {name!r} come from a bound step too; available: "
                f"{describe(pa.schema(fields))}"
            )
        for field in table.output_schema:
            here = offered.setdefault(field.name, field.with_nullable(True))
            if here.type != field.type:
                raise SchemaError(
                    f"against: expected column {field.name!r} of {name!r} as {type_name(here.type)}, as the view has "
                    f"it; found {type_name(field.type)}; it was made with other settings, so make it again with these"
                )
            if field.nullable:
                offered[field.name] = here.with_nullable(True)
    return list(offered.values())


def _covering(step: Step, checked: Mapping[str, CheckedStep]) -> list[str]:
    """Bound steps that have rows for the tables of the view too."""
    return [name for name in step.view.bound if step.view.against and checked[name].step.view.against]


def check_read_against(step: Step, read: tuple[str, ...], checked: Mapping[str, CheckedStep]) -> None:
    """What a step reads, rows of the tables behind its base must have too."""
    covering = {field.name for name in _covering(step, checked) for field in checked[name].output_schema}
    for name in step.view.against:
        columns = checked[name].output_schema
        missing = sorted(set(read) - covering - set(columns.names))
        if missing:
            raise SchemaError(
                f"against: needs columns {missing} of {name!r} too; it has {describe(columns)}; make it again with "
                "these columns, or read none of them"
            )


def _sources_schema(names: tuple[str, ...], sources: Mapping[str, pa.Schema]) -> pa.Schema:
    for name in names:
        if name not in sources:
            raise PlanError(f"sources: {name!r} is not defined; sources: {sorted(sources)}")
    first = sources[names[0]]
    for name in names[1:]:
        if not sources[name].equals(first):
            raise SchemaError(
                f"sources {names[0]!r} and {name!r}: expected equal columns; found {describe(first)} and "
                f"{describe(sources[name])}; "
                "declare the same columns for both, or read them in two steps"
            )
    return first
