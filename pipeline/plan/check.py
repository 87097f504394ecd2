"""Checks a recipe before anything runs: names, order, columns, types, and what may follow what.

Every error lists what exists. Knows no files and no runner.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa

from pipeline.document import DOC_ID, INPUT_ID, POSITION, POSITION_TYPE
from pipeline.errors import PlanError, SchemaError
from pipeline.operator import (
    REMOVAL_SCHEMA,
    Annotator,
    Determinism,
    Filter,
    Operator,
    PartitionOperator,
    ShardOperator,
    Task,
    Transform,
    columns_read,
)
from pipeline.plan.logical import ArtifactKind, Exchange, Recipe, Repeat, Step, View
from pipeline.rule_values import JudgeValues, RuleValues, check_values

BASE_KINDS = frozenset({ArtifactKind.DOCUMENTS, ArtifactKind.TABLE})
BOUND_KINDS = frozenset({ArtifactKind.COLUMNS, ArtifactKind.REMOVALS})
KEY_TYPES = (pa.uint64(), pa.binary(16))
RECORD_COLUMNS = frozenset({DOC_ID, INPUT_ID})
"""Columns of documents that a first reading of sources leaves in identity files."""
_NO_IMPORTS: Mapping[str, "CheckedStep"] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class CheckedStep:
    """A step whose columns and types are known."""

    step: Step
    base: str | None
    """The step whose rows this step's columns or removals belong to; None when it reads sources or has no view."""
    reader: str | None
    """Over sources: the step whose reading numbered the records; this step itself where nothing is bound."""
    reads_files: bool
    """Whether it reads the files of its sources. Where all that it needs is bound, earlier steps' files suffice."""
    view_schema: pa.Schema
    """All columns that the view offers, `position` included where it reads a base, or sources with something bound."""
    read_columns: tuple[str, ...]
    """The view's columns that the step needs, in view order, without `position`."""
    exchange_schemas: tuple[pa.Schema, ...]
    """Schema of the rows that travel through each exchange."""
    output_schema: pa.Schema
    """Schema of the artifact's rows; empty for removals and models."""
    beyond_memory: "CheckedStep | None" = None
    """What runs where the step's task does not fit: over the rows of its table, with the same columns as a result."""

    @property
    def is_first_reading(self) -> bool:
        """Whether this step reads its sources with nothing bound: it numbers their records, and leaves their ids."""
        return self.reader == self.step.name


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


def imported_step(name: str, kind: ArtifactKind, schema: pa.Schema) -> CheckedStep:
    """An artifact of another run, as steps that read it see it."""
    step = Step(name=name, write=kind)
    return CheckedStep(
        step=step,
        base=None,
        reader=None,
        reads_files=False,
        view_schema=pa.schema([]),
        read_columns=(),
        exchange_schemas=(),
        output_schema=schema,
    )


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
    _check_shape(step)
    view = _view_schema(step, checked, sources)
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
    _check_read_against(step, read, checked)
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
            f"{_label(step.unrolled[0], 0)}: over sources a task reads doc_id and what is bound; found columns "
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
            f"beyond_memory: expected the columns that the task leaves, {_describe(output)}; "
            f"found {_describe(result.output_schema)}"
        )
    return result


def _check_shape(step: Step) -> None:
    """What may follow what; see the module docstring of stages.py for the three shapes of a plan."""
    if not step.nodes and not step.view.sources and not step.view.base:
        raise PlanError("has neither something to read nor operators")
    if step.view.against and step.view.sources and not step.view.bound:
        raise PlanError(
            f"against: expected something bound to sources {list(step.view.sources)}; found nothing; read them first, "
            "in a step that writes columns or removals, and bind it"
        )
    for place, node in enumerate(step.unrolled):
        _check_exchange_order(step, place)
        if isinstance(node, Task) and (len(step.nodes) > 1 or step.write.value != node.produces):
            raise PlanError(
                f"{_label(node, place)}: a task stands alone and its step writes {node.produces}; "
                f"found write: {step.write.value}"
            )
        if isinstance(node, Task | Exchange) and step.view.sources and not step.view.bound:
            raise PlanError(
                f"{_label(node, place)}: expected something bound to sources {list(step.view.sources)}; found nothing; "
                "read them first, in a step of row operators that writes columns or removals, and bind it; "
                "or write documents and make them the base"
            )
        if isinstance(node, ShardOperator):
            _check_shard_operator(step, node, place)
        if isinstance(node, Operator) and node.determinism is Determinism.HARDWARE:
            _check_hardware(step, node, place)
    _check_write(step)
    if step.attribution and not any(isinstance(operator, Filter) for operator in step.operators):
        raise PlanError(
            f"attribution: expected a step with filters, whose values to keep; found operators {list(step.labels)}"
        )
    unknown = sorted(set(step.resources) - {*step.labels, *(operator.title for operator in step.operators)})
    if unknown:
        raise PlanError(f"resources: {unknown} name no operator of this step; operators: {list(step.labels)}")


def _check_exchange_order(step: Step, place: int) -> None:
    """A partition operator stands right after each exchange and nowhere else; row operators stand in other steps."""
    nodes = step.unrolled
    node = nodes[place]
    label = _label(node, place)
    before = nodes[place - 1] if place else None
    has_exchange = any(isinstance(other, Exchange) for other in nodes)
    if has_exchange and isinstance(node, Annotator | Filter | Transform):
        raise PlanError(
            f"{label}: row operators and an exchange do not share a step, so that failing rows stay accountable; "
            "put the row operators into a step of their own that writes columns"
        )
    if isinstance(node, PartitionOperator) and not isinstance(before, Exchange):
        raise PlanError(f"{label}: a partition operator is legal only right after an exchange")
    if isinstance(before, Exchange) and not isinstance(node, PartitionOperator):
        raise PlanError(f"{label}: expected a partition operator right after the exchange")
    if isinstance(node, Exchange) and place == len(nodes) - 1:
        raise PlanError(f"{label}: expected a partition operator after the exchange")


def _check_shard_operator(step: Step, node: ShardOperator, place: int) -> None:
    """It ends its segment; after a partition operator it shares that operator's stage.

    Rows of a partition have no place in a base, so they cannot be handed from one stage to the next.
    """
    label = _label(node, place)
    nodes = step.unrolled
    before = nodes[place - 1] if place else None
    after = nodes[place + 1] if place + 1 < len(nodes) else None
    if after is not None and not isinstance(after, Exchange):
        raise PlanError(f"{label}: a shard operator is the last one of its step or followed by an exchange")
    if isinstance(before, PartitionOperator) and not _need_the_same(step, place - 1, place):
        raise PlanError(
            f"{label}: expected the resources of {before.name}, with which it shares a stage; found others; "
            "put it into a step of its own, or give both the same"
        )


def _check_hardware(step: Step, node: Operator, place: int) -> None:
    if step.write is not ArtifactKind.COLUMNS or place != len(step.nodes) - 1:
        raise PlanError(
            f"{_label(node, place)}: its results depend on the hardware, so it must end its own step that writes "
            "columns; "
            f"found write: {step.write.value}"
        )


def _check_rounds(step: Step, exchange_schemas: Sequence[pa.Schema]) -> None:
    """Rows enter each round, and leave the last one, through the same exchange: with the same columns."""
    start = 0
    for node in step.nodes:
        if isinstance(node, Repeat):
            end = start + len(node.nodes) // 2
            first, last = exchange_schemas[start], exchange_schemas[end]
            if not first.equals(last):
                raise SchemaError(
                    f"repeat: expected its first exchange to bring {_describe(first)} after every round, for what "
                    f"follows it as for what it begins with; found {_describe(last)}"
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
            f"{_describe(left)}"
        )


def _check_write(step: Step) -> None:
    operators = step.operators
    kind = step.write
    is_task = bool(operators) and isinstance(operators[-1], Task)
    if step.columns is not None and kind not in BASE_KINDS:
        raise PlanError(f"columns: only documents and tables choose their columns; this step writes {kind.value}")
    if kind in BOUND_KINDS and step.view.base is None and not step.view.sources:
        raise PlanError(f"write: {kind.value} belongs to a base or to sources, so the step must read one; found none")
    if is_task:
        return
    if step.tables:
        raise PlanError(f"tables: only a task reads tables; found {list(step.tables)} and no task")
    if kind is ArtifactKind.MODEL:
        raise PlanError("write: model needs a task")
    if kind is ArtifactKind.COLUMNS and not step.nodes:
        raise PlanError("write: columns needs an annotator; found no operator")
    ends_in_partition = bool(operators) and isinstance(operators[-1], PartitionOperator)
    all_annotate = all(isinstance(operator, Annotator) for operator in operators)
    if kind is ArtifactKind.COLUMNS and not (all_annotate or ends_in_partition):
        raise PlanError(
            "write: columns allows annotators only, or ends in a partition operator; use removals or documents for "
            "filters and transforms"
        )
    if kind is ArtifactKind.REMOVALS and not all(
        isinstance(operator, Annotator | Filter | PartitionOperator | ShardOperator) for operator in operators
    ):
        raise PlanError(
            "write: removals allows annotators and filters, or a partition operator; a transform needs documents"
        )
    if kind is ArtifactKind.REMOVALS and operators and isinstance(operators[-1], ShardOperator):
        raise PlanError("write: removals cannot come from a shard operator")


def _view_schema(step: Step, checked: Mapping[str, CheckedStep], sources: Mapping[str, pa.Schema]) -> pa.Schema:
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
                f"{_describe(pa.schema(fields))}"
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
                f"{_describe(pa.schema(fields))}"
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


def _check_read_against(step: Step, read: tuple[str, ...], checked: Mapping[str, CheckedStep]) -> None:
    """What a step reads, rows of the tables behind its base must have too."""
    covering = {field.name for name in _covering(step, checked) for field in checked[name].output_schema}
    for name in step.view.against:
        columns = checked[name].output_schema
        missing = sorted(set(read) - covering - set(columns.names))
        if missing:
            raise SchemaError(
                f"against: needs columns {missing} of {name!r} too; it has {_describe(columns)}; make it again with "
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
                f"sources {names[0]!r} and {name!r}: expected equal columns; found {_describe(first)} and "
                f"{_describe(sources[name])}; "
                "declare the same columns for both, or read them in two steps"
            )
    return first


def _exchange_schema(node: Exchange, schema: pa.Schema, step: Step, place: int) -> pa.Schema:
    """Only what the partition operator, the key and the order need travels."""
    after = step.unrolled[place + 1]
    assert isinstance(after, PartitionOperator)
    columns = (node.key, *(key.column for key in node.sort), *columns_read(after).names)
    missing = sorted(set(columns) - set(schema.names))
    if missing:
        raise SchemaError(f"{_label(node, place)}: needs columns {missing}; available: {_describe(schema)}")
    if schema.field(node.key).type not in KEY_TYPES:
        raise SchemaError(
            f"{_label(node, place)}: key {node.key!r} must be uint64 or a 16-byte binary; found "
            f"{schema.field(node.key).type}"
        )
    wanted = set(columns)
    if node.order == "sorted":
        wanted |= {POSITION} & set(schema.names)  # the last of the sort columns
    return pa.schema([field for field in schema if field.name in wanted])


def _require(operator: Operator, place: int, schema: pa.Schema) -> None:
    for field in columns_read(operator):
        if field.name not in schema.names:
            raise SchemaError(
                f"{_label(operator, place)}: requires column {field.name!r} ({type_name(field.type)}); available: "
                f"{_describe(schema)}; put an operator that adds it before, or bind a step that has it"
            )
        found = schema.field(field.name).type
        if found != field.type:
            raise SchemaError(
                f"{_label(operator, place)}: requires column {field.name!r} as {type_name(field.type)}; found "
                f"{type_name(found)}"
            )


def _output_schema(step: Step, schema: pa.Schema, view: pa.Schema) -> tuple[pa.Schema, tuple[str, ...]]:
    """The artifact's schema, and which of the view's columns it takes."""
    operators = step.operators
    last = operators[-1] if operators else None
    if step.write is ArtifactKind.REMOVALS:
        if isinstance(last, PartitionOperator) and not schema.equals(REMOVAL_SCHEMA):
            raise SchemaError(
                f"write: removals after {last.name} needs rows of {_describe(REMOVAL_SCHEMA)}; found "
                f"{_describe(schema)}"
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
        raise SchemaError(f"columns: {missing} do not exist; available: {_describe(stored)}")
    return pa.schema([field for field in stored if field.name in step.columns]), step.columns


def _check_columns_home(last: PartitionOperator, schema: pa.Schema, new: list[pa.Field]) -> None:
    if POSITION not in schema.names or schema.field(POSITION).type != POSITION_TYPE:
        raise SchemaError(
            f"write: columns after {last.name} needs column {POSITION!r} ({POSITION_TYPE}), which says whose they are; "
            f"found {_describe(schema)}"
        )
    if not new:
        raise SchemaError(
            f"write: columns after {last.name} needs a column that the view does not have; found {_describe(schema)}"
        )


def _label(node: Operator | Exchange, place: int) -> str:
    return f"node {place} {node.title if isinstance(node, Operator) else 'exchange'}"


def _need_the_same(step: Step, *places: int) -> bool:
    """Whether the operators at these places of the step's unrolled nodes need equal resources."""
    before = [sum(isinstance(node, Operator) for node in step.unrolled[:place]) for place in places]
    needs = [step.resources_of(operator, label) for label, operator in (step.labelled[index] for index in before)]
    return all(need == needs[0] for need in needs)


def _describe(schema: pa.Schema) -> list[str]:
    return [f"{field.name}: {type_name(field.type)}" for field in schema]


def type_name(kind: pa.DataType) -> str:
    """A type as recipes and documentation spell it; Arrow prints float32 as float."""
    return {pa.float32(): "float32", pa.float64(): "float64"}.get(kind, str(kind))
