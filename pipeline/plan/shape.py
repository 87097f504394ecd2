"""What may follow what in a step, and what it may write: by kinds of nodes alone, before any schema is known."""

from pipeline.errors import PlanError
from pipeline.format_writer import FormatWriter
from pipeline.operator import (
    Annotator,
    Determinism,
    Filter,
    Operator,
    PartitionOperator,
    ShardOperator,
    Task,
    Transform,
)
from pipeline.plan.logical import BASE_KINDS, BOUND_KINDS, ArtifactKind, Exchange, Step
from pipeline.plan.wording import node_label


def check_shape(step: Step) -> None:
    """What may follow what; see the module docstring of stages.py for the three shapes of a plan."""
    if not step.nodes and not step.view.sources and not step.view.base:
        raise PlanError("has neither something to read nor operators")
    if step.view.against and step.view.sources and not step.view.bound:
        raise PlanError(
            f"against: expected something bound to sources {list(step.view.sources)}; found nothing; read them first, "
            "in a step that writes columns or removals, and bind it"
        )
    for place, node in enumerate(step.unrolled):
        _check_node(step, node, place)
    _check_write(step)
    if step.attribution and not any(isinstance(operator, Filter) for operator in step.operators):
        raise PlanError(
            f"attribution: expected a step with filters, whose values to keep; found operators {list(step.labels)}"
        )
    for key, names in (("resources", set(step.resources)), ("timeout_seconds", set(step.timeout_seconds))):
        unknown = sorted(names - {*step.labels, *(operator.title for operator in step.operators)})
        if unknown:
            raise PlanError(f"{key}: {unknown} name no operator of this step; operators: {list(step.labels)}")


def _check_node(step: Step, node: Operator | Exchange, place: int) -> None:
    """Whether a node may stand where it does."""
    _check_exchange_order(step, place)
    if isinstance(node, Task) and (len(step.nodes) > 1 or step.write.value != node.produces):
        raise PlanError(
            f"{node_label(node, place)}: a task stands alone and its step writes {node.produces}; "
            f"found write: {step.write.value}"
        )
    if isinstance(node, Task | Exchange) and step.view.sources and not step.view.bound:
        raise PlanError(
            f"{node_label(node, place)}: expected something bound to sources {list(step.view.sources)}; found "
            "nothing; read them first, in a step of row operators that writes columns or removals, and bind it; "
            "or write documents and make them the base"
        )
    if isinstance(node, ShardOperator):
        _check_shard_operator(step, node, place)
    if isinstance(node, FormatWriter):
        _check_format_writer(step, node, place)
    if isinstance(node, Operator) and node.determinism is Determinism.HARDWARE:
        _check_hardware(step, node, place)


def _check_exchange_order(step: Step, place: int) -> None:
    """A partition operator stands right after each exchange and nowhere else; row operators stand in other steps."""
    nodes = step.unrolled
    node = nodes[place]
    label = node_label(node, place)
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
    label = node_label(node, place)
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


def _check_format_writer(step: Step, node: FormatWriter, place: int) -> None:
    """It ends a step of row operators over rows that have been written: their shards are those of the dataset."""
    label = node_label(node, place)
    others = [other for other in step.unrolled[:place] if not isinstance(other, Annotator | Filter | Transform)]
    if others or place != len(step.unrolled) - 1:
        raise PlanError(
            f"{label}: expected it as the last operator of a step of row operators; found "
            f"{[type(other).__name__ for other in step.unrolled]}; write a table first and make it the base"
        )
    if step.view.base is None:
        raise PlanError(
            f"{label}: expected a base of documents or a table, whose shards become files; found {step.view.origin}"
        )
    if step.write is not ArtifactKind.FILES:
        raise PlanError(f"{label}: its step writes {ArtifactKind.FILES.value}; found write: {step.write.value}")


def _check_hardware(step: Step, node: Operator, place: int) -> None:
    if step.write is not ArtifactKind.COLUMNS or place != len(step.nodes) - 1:
        raise PlanError(
            f"{node_label(node, place)}: its results depend on the hardware, so it must end its own step that writes "
            "columns; "
            f"found write: {step.write.value}"
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
    if kind is ArtifactKind.FILES:
        if not operators or not isinstance(operators[-1], FormatWriter):
            raise PlanError("write: files needs an operator that writes a trainer's format; found none at its end")
    elif kind in BOUND_KINDS:
        _check_bound_rows(step)


def _check_bound_rows(step: Step) -> None:
    """Which operators may leave columns or removals."""
    operators, kind = step.operators, step.write
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


def _need_the_same(step: Step, *places: int) -> bool:
    """Whether the operators at these places of the step's unrolled nodes need equal resources."""
    before = [sum(isinstance(node, Operator) for node in step.unrolled[:place]) for place in places]
    needs = [step.resources_of(operator, label) for label, operator in (step.labelled[index] for index in before)]
    return all(need == needs[0] for need in needs)
