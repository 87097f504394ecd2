"""A plan as text: what would run, in which stages, and what it would leave. The print is tested, so it stays honest."""

from collections.abc import Sequence

from pipeline.operator import REMOVAL_SCHEMA, Operator, Resources
from pipeline.plan.checked_step import CheckedStep
from pipeline.plan.derivation import fed
from pipeline.plan.logical import ArtifactKind
from pipeline.plan.stages import Partitioning, Segment
from pipeline.rule_values import carried


def describe_step(checked: CheckedStep, segments: Sequence[Segment]) -> list[str]:
    """A step's lines: what it reads, its stages, and what it writes."""
    lines = [f"  read {_reading(checked)}"]
    for segment in segments:
        for number, stage in enumerate(segment.stages):
            arrow = "  " if number == 0 else "  then "
            fed_stages = segment.stages[number + 1 : number + 2]
            left = [one for behind in fed_stages if behind.is_fed for one in fed(behind.operators)]
            operators = " + ".join(describe_operator(operator) for operator in (*stage.operators, *left))
            if operators:
                lines.append(f"{arrow}stage [{_describe_resources(stage.resources)}] {operators}")
                lines.extend(f"      {note}" for operator in stage.operators for note in operator.notes())
        if segment.partitioning is not None:
            lines.append(f"  exchange {_describe_partitioning(segment.partitioning)}")
        if segment.closes is not None:
            again = segments[segment.closes.first].stages[0].operators[0].name
            lines.append(f"  repeat from {again} while any {segment.closes.while_any}")
    if checked.step.attribution:
        lines.append("  attribution: every rule judges all rows, and its values are kept")
    if checked.beyond_memory is not None:
        names = " + ".join(operator.name for operator in checked.beyond_memory.step.operators)
        lines.append(f"  beyond memory: {names}, in rounds of exchanges")
    lines.append(f"  write {_writing(checked)}")
    return lines


def describe_operator(operator: Operator) -> str:
    """An operator's name and the fields that differ from their defaults."""
    shown = carried(operator) or operator
    fields = shown.model_dump(mode="json", exclude_defaults=True)
    inside = ", ".join(f"{name}={_short(value)}" for name, value in fields.items())
    return f"{operator.title}({inside})" if inside else operator.title


def _reading(checked: CheckedStep) -> str:
    step = checked.step
    columns = f": {', '.join(checked.read_columns)}" if checked.read_columns else ""
    bound = f" with {', '.join(step.view.bound)}" if step.view.bound else ""
    bound += f", then {', '.join(step.view.against)}" if step.view.against else ""
    parts = []
    if step.view.sources:
        origin = step.view.origin if checked.reads_files else f"the records that {checked.reader} read"
        parts.append(f"{origin}{bound}{columns}")
    if step.view.base:
        parts.append(f"{step.view.base}{bound}{columns}")
    parts.extend(f"table {name}" for name in step.tables)
    return "; ".join(parts)


def _writing(checked: CheckedStep) -> str:
    step = checked.step
    names = ", ".join(checked.output_schema.names)
    over = ""
    if step.write in (ArtifactKind.COLUMNS, ArtifactKind.REMOVALS):
        over = f" of {checked.base or step.view.origin}"
    return f"{step.write.value}{over}{': ' + names if names else ''}"


def _describe_partitioning(partitioning: Partitioning) -> str:
    if partitioning.exchange is None:
        what = "removals" if partitioning.schema.equals(REMOVAL_SCHEMA) else "columns"
        return f"home: {what} to the {partitioning.num_partitions} shards of their base"
    order = ", ".join(f"{key.column}{' descending' if key.descending else ''}" for key in partitioning.exchange.sort)
    count = f"{partitioning.num_partitions} partition{'s' if partitioning.num_partitions > 1 else ''}"
    if partitioning.exchange.order == "arrival":
        return f"by {partitioning.key} into {count}, in order of arrival"
    return f"by {partitioning.key} into {count}{', sorted by ' + order if order else ''}"


def _describe_resources(resources: Resources) -> str:
    parts = [f"{resources.num_cpus:g} cpu"]
    if resources.num_gpus:
        parts.append(f"{resources.num_gpus:g} gpu")
    if resources.memory_bytes:
        parts.append(f"{resources.memory_bytes >> 20} MiB")
    parts.extend(f"{amount:g} {name}" for name, amount in resources.custom.items())
    return ", ".join(parts)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
