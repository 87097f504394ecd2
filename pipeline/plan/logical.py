"""What a user asks for: sources, steps and the views they read. Pure data; checked and printed without running.

A recipe is a DAG of steps. A step is a linear plan (read a view, operators, exchanges, write) and the artifact that
it leaves. Composites such as near-duplicate removal are functions that return steps.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SerializeAsAny,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from pipeline.document import COLUMN_TYPES, POSITION, RESERVED
from pipeline.format_writer import FormatWriter
from pipeline.operator import (
    REMOVAL_SCHEMA,
    Annotator,
    Filter,
    Operator,
    PartitionOperator,
    Resources,
    ShardOperator,
    Task,
    Transform,
    labels_of,
)

NAME_PATTERN = r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$"
Name = Annotated[str, Field(min_length=1)]
"""Of what a recipe defines or refers to: a source, a step, an import, a column, a file."""


class ArtifactKind(StrEnum):
    """What a step leaves."""

    DOCUMENTS = "documents"
    """Shards of rows of their own: a new base."""
    COLUMNS = "columns"
    """New columns for exactly the rows of a base, and the removals of rows that failed."""
    REMOVALS = "removals"
    """Rows of a base that are gone, each with its reason."""
    TABLE = "table"
    """Rows that belong to no base."""
    MODEL = "model"
    """Files."""
    FILES = "files"
    """A dataset in the format of a trainer: files for each shard of a base, and files over all of them."""


BASE_KINDS: Final = frozenset({ArtifactKind.DOCUMENTS, ArtifactKind.TABLE})
"""Artifacts with rows of their own."""
BOUND_KINDS: Final = frozenset({ArtifactKind.COLUMNS, ArtifactKind.REMOVALS})
"""Artifacts about the rows of a base, or of sources."""


_STRING = {"type": "string", "minLength": 1}
_STRINGS = {"type": "array", "items": _STRING, "minItems": 1}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Frozen):
    """Input files and how to read them. `paths` are globs, relative to the recipe, local or fsspec URLs."""

    paths: Annotated[tuple[Name, ...], WithJsonSchema({"anyOf": [_STRING, _STRINGS]})] = Field(min_length=1)
    format: Literal["jsonl", "parquet"] | None = None
    """Taken from the file name where not given."""
    root: str | None = None
    """Identity uses paths relative to this folder; default: the longest folder common to all patterns."""
    text_column: Name = "text"
    id_column: Name | None = "id"
    """The input's own id, kept as `input_id`; null where a record lacks it. None: the input has none."""
    id_from: Literal["position", "column"] = "position"
    """What doc_id is made of: the record's place, or the input's own id (then it must be there and unique)."""
    columns: dict[Name, str] = Field(default_factory=dict)
    """Further fields to read as typed columns: name -> string, int64, float64 or bool."""
    max_document_bytes: int = Field(default=16 << 20, ge=1 << 10)
    """Of a JSON line, or of a Parquet row's text; what is longer is quarantined as `too_large`."""
    max_expansion: float = Field(default=200, ge=1)
    """A compressed file, or the row groups of a Parquet file, that give more than this many times the file's size, and
    more than 64 MiB, are damaged from there on. Text gives 3 to 10 times as much, logs up to 100 times; a bomb of zeros
    gives a thousand times."""

    @field_validator("paths", mode="before")
    @classmethod
    def _one_path(cls, value: Any) -> Any:  # Any: pydantic hands over raw input
        return (value,) if isinstance(value, str) else value

    @field_validator("columns")
    @classmethod
    def _known_types(cls, value: dict[str, str]) -> dict[str, str]:
        for name, kind in value.items():
            if kind not in COLUMN_TYPES:
                raise ValueError(f"column {name!r}: expected a type of {sorted(COLUMN_TYPES)}; found {kind!r}")
            if name in RESERVED:
                raise ValueError(f"column {name!r}: the name is reserved; reserved names: {sorted(RESERVED)}")
        return value

    @model_validator(mode="after")
    def _id_column_given(self) -> Self:
        if self.id_from == "column" and self.id_column is None:
            raise ValueError("id_from: column needs id_column")
        return self


class SortKey(_Frozen):
    """One column of a total order. Nulls come last."""

    column: Name
    descending: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from_string(cls, value: Any) -> Any:  # Any: pydantic hands over raw input
        if isinstance(value, str):
            return {"column": value.removeprefix("-"), "descending": value.startswith("-")}
        return value

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Editors see both spellings."""
        return {"anyOf": [_STRING, handler.resolve_ref_schema(handler(core_schema))]}


class Exchange(_Frozen):
    """Movement of rows by key: a barrier.

    Rows of equal `key` (a uint64 or 16-byte column) meet in one partition, sorted by key, `sort`, then position.
    """

    key: Name
    sort: tuple[SortKey, ...] = ()
    order: Literal["sorted", "arrival"] = "sorted"
    """arrival: rows stand as the shards sent them, unsorted, for operators that need no order and save its cost."""
    placement: Literal["hash", "range"] = "hash"
    """range: each partition holds a range of keys, and the next one goes on where it ends, so that all rows are in one
    order from partition to partition. For keys that are spread evenly over all values, as hashes are."""

    @model_validator(mode="after")
    def _sorts_or_not(self) -> Self:
        if self.order == "arrival" and self.sort:
            raise ValueError("order: arrival sorts nothing, so sort must be empty")
        return self


class Repeat(_Frozen):
    """Exchanges and partition operators that run again and again, until a round changes nothing.

    What a round leaves goes through the first exchange into the next round. When no row of a round says that anything
    changed, it has gone there too: so a partition operator follows a Repeat, and reads as the first of its own does.
    """

    nodes: tuple[Exchange | SerializeAsAny[PartitionOperator], ...] = Field(min_length=2)
    while_any: Name
    """A boolean column of what a round leaves: another round follows while it is true in any row."""
    max_rounds: int = Field(default=100, ge=1)
    """A step that needs more is refused: its operators never come to an end."""

    @model_validator(mode="after")
    def _is_a_round(self) -> Self:
        kinds = [isinstance(node, Exchange) for node in self.nodes]
        if kinds != [place % 2 == 0 for place in range(len(kinds))] or len(kinds) % 2:
            raise ValueError("nodes of a repeat: expected an exchange and a partition operator, by turns")
        return self


Node = Operator | Exchange | Repeat


def unrolled(node: Node) -> tuple[Operator | Exchange, ...]:
    """One round of a Repeat, and the exchange by which rows leave it; any other node itself."""
    return (*node.nodes, node.nodes[0]) if isinstance(node, Repeat) else (node,)


class View(_Frozen):
    """What a step reads: source records, or a base artifact with column artifacts and removals bound to it."""

    sources: tuple[Name, ...] = ()
    base: Name | None = None
    """A step that leaves documents or a table."""
    bound: tuple[Name, ...] = ()
    """Steps over the same base or sources: their columns are added, their removals applied."""
    against: tuple[Name, ...] = ()
    """Tables, of steps or imports, whose rows stand behind those of the base: shards after its shards."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if bool(self.sources) and self.base is not None:
            raise ValueError("a view reads either sources or a base, not both")
        if self.bound and self.base is None and not self.sources:
            raise ValueError("bound artifacts need a base or sources")
        if self.against and self.base is None and not self.sources:
            raise ValueError("against: tables stand behind the rows of a base or of sources")
        return self

    @property
    def origin(self) -> str:
        """What the rows are of, for messages and plans."""
        if self.sources:
            return f"sources {', '.join(self.sources)}"
        return "no base" if self.base is None else f"base {self.base!r}"

    def can_bind(self, other: "View") -> bool:
        """Whether columns or removals over `other` fit these rows: those of the base, and maybe of the same tables."""
        same_base = (self.sources, self.base) == (other.sources, other.base)
        return same_base and (not self.against or other.against in ((), self.against))

    def binding(self, *steps: str) -> "View":
        """This view with more steps bound to it."""
        return View(sources=self.sources, base=self.base, bound=(*self.bound, *steps), against=self.against)

    def alone(self) -> "View":
        """This view without the tables behind it."""
        return View(sources=self.sources, base=self.base, bound=self.bound)


class Step(_Frozen):
    """A linear plan and the artifact that it leaves."""

    name: str = Field(pattern=NAME_PATTERN)
    view: View = View()
    tables: tuple[Name, ...] = ()
    """Table artifacts that the step's task reads beside, or instead of, its view."""
    nodes: tuple[SerializeAsAny[Operator] | Exchange | Repeat, ...] = ()
    beyond_memory: tuple[SerializeAsAny[Operator] | Exchange | Repeat, ...] = ()
    """What runs, over the rows of the step's one table, where the step's task says that its inputs do not fit."""
    write: ArtifactKind
    columns: tuple[Name, ...] | None = Field(default=None, min_length=1)
    """Columns that go into a documents or table artifact; all where not given."""
    attribution: bool = False
    """Whether every rule judges what would reach it if no filter had dropped it, and its values are kept. The step's
    rows and its ledger are the same without it."""
    resources: dict[str, Resources] = Field(default_factory=dict)
    """Overrides by an operator's label, or by its title for all of that title; never part of identity."""
    timeout_seconds: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """By label or title as well: how long a call of a row operator may take, one over a shard or partition until it
    gives its next rows, or all the work of a task or writer; never part of identity."""
    unit_timeout_seconds: float | None = Field(default=None, gt=0)
    """How long a unit, mostly a shard, may take in one stage; never part of identity."""

    @property
    def unrolled(self) -> tuple[Operator | Exchange, ...]:
        """The nodes, with one round of every Repeat."""
        return tuple(inner for node in self.nodes for inner in unrolled(node))

    @property
    def operators(self) -> tuple[Operator, ...]:
        """The operators, without exchanges."""
        return tuple(node for node in self.unrolled if isinstance(node, Operator))

    @property
    def labels(self) -> tuple[str, ...]:
        """Of each of the `operators`, what ledgers, reports and `resources` call it."""
        return labels_of([operator.title for operator in self.operators])

    @property
    def labelled(self) -> tuple[tuple[str, Operator], ...]:
        """The operators with their labels."""
        return tuple(zip(self.labels, self.operators, strict=True))

    @property
    def parents(self) -> tuple[str, ...]:
        """Names of the steps that must be complete before this one, in a fixed order."""
        files = [ref.step for operator in self.operators for ref in operator.file_refs().values() if ref.step]
        base = [self.view.base] if self.view.base else []
        return tuple(dict.fromkeys([*base, *self.view.bound, *self.view.against, *self.tables, *files]))

    def resources_of(self, operator: Operator, label: str) -> Resources:
        """What the operator of that label needs here: the recipe's override, or its own declaration."""
        return self.resources.get(label) or self.resources.get(operator.title, operator.resources)

    def timeouts_of(self, operators: Sequence[Operator], labels: Sequence[str]) -> dict[str, float]:
        """What the recipe says of operators with these labels, by label."""
        known = self.timeout_seconds
        found = {label: known.get(label, known.get(one.title)) for one, label in zip(operators, labels, strict=True)}
        return {label: seconds for label, seconds in found.items() if seconds is not None}


def default_write(nodes: tuple[Node, ...], *, reads_sources: bool = False) -> ArtifactKind:
    """What a step writes when the recipe does not say: the least that keeps everything its nodes decide.

    A task writes what it produces, a format writer files, and a shard operator's rows are a table. Over a base,
    annotators alone write columns; filters alone write removals; and a partition operator's rows are removals where
    they say so (REMOVAL_SCHEMA), columns where they have a position, a table otherwise. Anything else makes documents.
    """
    operators = [node for node in nodes if isinstance(node, Operator)]
    last = operators[-1] if operators else None
    if isinstance(last, Task):
        return ArtifactKind(last.produces)
    if isinstance(last, FormatWriter | ShardOperator):
        return ArtifactKind.FILES if isinstance(last, FormatWriter) else ArtifactKind.TABLE
    if isinstance(last, PartitionOperator):
        return _kind_of_partition_rows(last)
    if last is None or reads_sources:
        return ArtifactKind.DOCUMENTS
    if all(isinstance(operator, Filter) for operator in operators):
        return ArtifactKind.REMOVALS
    all_annotate = all(isinstance(operator, Annotator) for operator in operators)
    return ArtifactKind.COLUMNS if all_annotate else ArtifactKind.DOCUMENTS


def _kind_of_partition_rows(last: PartitionOperator) -> ArtifactKind:
    rows = last.output_schema(last.requires())
    if rows.equals(REMOVAL_SCHEMA):
        return ArtifactKind.REMOVALS
    return ArtifactKind.COLUMNS if POSITION in rows.names else ArtifactKind.TABLE


class Layout(_Frozen):
    """How artifacts are cut. Part of every fingerprint: it decides bytes. Computed from inputs and recipe only."""

    shard_bytes: int = Field(default=64 << 20, ge=1 << 10)
    """Input bytes, decompressed (estimated for compressed files), that one shard aims at."""
    row_group_rows: int = Field(default=2048, ge=1)
    row_group_bytes: int = Field(default=32 << 20, ge=1 << 10)
    partition_bytes: int = Field(default=256 << 20, ge=1 << 10)
    """Input bytes per partition of an exchange."""
    zstd_level: int = Field(default=1, ge=1, le=19)
    """Level 3 writes files of text 11 to 15 % smaller, and takes 1.4 to 2 times as long."""
    examples_per_rule: int = Field(default=3, ge=0, le=100)
    """Dropped documents of which a commit keeps the first 300 characters, per rule; 0 keeps none."""


class ErrorBudget(_Frozen):
    """How much bad input a step accepts. Judged once per step when all is read; never part of a fingerprint."""

    max_bad_fraction: float = Field(default=0.001, ge=0, le=1)
    min_bad_rows: int = Field(default=10, ge=0)
    """So many bad rows are always accepted, whatever their fraction."""
    max_damaged_fraction: float = Field(default=0.01, ge=0, le=1)
    min_damaged_files: int = Field(default=1, ge=0)
    """So many damaged files are always accepted, whatever their fraction."""


class Import(_Frozen):
    """A finished artifact of another run. Its identity is its content, never the run's path."""

    run: Name
    """The other run's output folder, relative to the recipe, or its URL."""
    step: Name
    """The step there that left it."""


class Recipe(_Frozen):
    """A whole build: sources, steps in any order that respects their parents, layout and error budget."""

    name: str = Field(pattern=NAME_PATTERN)
    sources: dict[Name, Source] = Field(default_factory=dict)
    imports: dict[Annotated[str, Field(pattern=NAME_PATTERN)], Import] = Field(default_factory=dict)
    """Artifacts of other runs, by the names under which steps read them."""
    steps: tuple[Step, ...] = Field(min_length=1)
    layout: Layout = Layout()
    error_budget: ErrorBudget = ErrorBudget()

    def step(self, name: str) -> Step:
        """The step of that name."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(f"no step {name!r}; steps: {[step.name for step in self.steps]}")


__all__ = [
    "Annotator", "ArtifactKind", "ErrorBudget", "Exchange", "Filter", "Import", "Layout", "Node", "Operator",
    "PartitionOperator", "Recipe", "Repeat", "ShardOperator", "SortKey", "Source", "Step", "Task", "Transform", "View",
    "default_write", "unrolled",
]  # fmt: skip
