"""The operator contract: what an operator is, its kinds, and what it declares about itself.

An operator is a frozen, picklable value. Its fields are its configuration, and so its identity. It knows no
runner, no path and no worker number. State lives in the function that `open` returns, never in the operator.

    kind                open() returns                                      conservation
    Annotator           batch -> its new columns, same length               nothing leaves
    Filter              batch -> Verdicts, same length                      in = kept + dropped + quarantined
    Transform           batch -> Edits, same length                         nothing leaves
    PartitionOperator   the batches of one partition, in order -> batches   declared
    ShardOperator       the batches of one shard, in order -> batches       declared
    Task                whole artifacts -> one artifact                     every output names its inputs
    FormatWriter        the batches of one shard, in order -> files         declared; see format_writer.py

Law for all of them but Task: splitting or joining batches changes no row. An Annotator that cannot keep it within its
stated tolerance alone says in what windows it wants a shard's rows, and the engine keeps the law.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash
from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_serializer, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from pipeline.errors import PlanError, SchemaError, StorageError
from pipeline.hub import HUB, HubName
from pipeline.io.scratch import local_copy
from pipeline.io.store import Place


class Determinism(StrEnum):
    """What may change an operator's output."""

    EXACT = "exact"
    """Equal input gives equal bytes."""
    SEEDED = "seeded"
    """As EXACT; its randomness is a hash of a seed and the doc_id, never a stream or a worker number."""
    HARDWARE = "hardware"
    """Equal within a stated tolerance; once committed, the artifact is the truth."""


class Resources(BaseModel):
    """What one actor that runs an operator needs. Never part of its identity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_cpus: float = Field(default=1.0, ge=0)
    num_gpus: float = Field(default=0.0, ge=0)
    memory_bytes: int | None = Field(default=None, gt=0)
    custom: dict[str, float] = Field(default_factory=dict)
    """Named resources of the cluster, as in `ray start --resources`."""


class SpeedOnly:
    """Marks a field that changes how fast results come and not what they are: `Annotated[int, SpeedOnly]`.

    Like resources, it is never part of an identity. It may stand in an operator or in a model among its fields.
    """


class FileRef(BaseModel):
    """The door through which files enter an operator; `FolderRef` is the one for folders.

    Its identity is the file's content, never its path.

    `uri` is a path (relative to the recipe), `package:PACKAGE/FILE` for a file that corpusmill ships,
    `step:NAME/FILE` for a file of a model artifact of the same recipe, or `hub:OWNER/NAME@COMMIT/FILE` for one of a
    repository of the Hugging Face hub. The driver pins it before anything runs: `path` is then where the file lies and
    `digest` what it must contain. A hub's file counts by its name and commit, and workers fetch it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str
    path: str | None = None
    digest: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_string(cls, value: Any) -> Any:  # Any: pydantic hands over raw input
        return {"uri": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _named_in_full(self) -> Self:
        if self.uri.startswith(HUB):
            self._check_hub_name()
        return self

    def _check_hub_name(self) -> None:
        name = HubName.of(self.uri)
        if name is None or name.file is None:
            raise ValueError(
                f"file {self.uri!r}: expected hub:OWNER/NAME@COMMIT/FILE with the 40 digits of a commit; name one, as "
                "the page of the repository's history shows it"
            )

    @model_serializer
    def _as_string(self) -> str:
        return self.uri

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Editors see what a recipe writes: a string."""
        del core_schema, handler
        return {
            "type": "string",
            "description": "A path, package:PACKAGE/FILE, step:NAME/FILE or hub:OWNER/NAME@COMMIT/FILE.",
        }

    @property
    def step(self) -> str | None:
        """The step whose artifact this file belongs to, if any."""
        return self.uri.removeprefix("step:").split("/", 1)[0] if self.uri.startswith("step:") else None

    @property
    def file_name(self) -> str:
        """The last component of the uri."""
        return self.uri.rsplit("/", 1)[-1]

    def locate(self, relative_to: Path) -> Path:
        """Where a path or package file lies on this machine. Not for `step:` files: the driver places those."""
        if self.uri.startswith("package:"):
            package, _, name = self.uri.removeprefix("package:").partition("/")
            try:
                return Path(str(files(package).joinpath(name)))
            except (ImportError, ValueError) as error:
                raise StorageError(
                    f"file {self.uri!r}: expected an installed package; {error}; correct its name"
                ) from error
        return relative_to / self.uri

    def pinned(self, relative_to: Path) -> "FileRef":
        """This reference bound to the file where it lies on this machine, or to a commit. Not for `step:` files."""
        name = HubName.of(self.uri)
        return self.pin(self.locate(relative_to)) if name is None else FileRef(uri=self.uri, digest=name.digest)

    def pin(self, path: Place, digest: str | None = None) -> "FileRef":
        """This reference bound to `path`; the content digest is computed unless given."""
        if not path.is_file():
            raise StorageError(f"file {self.uri!r}: expected a readable file; found none at {str(path)!r}")
        return FileRef(uri=self.uri, path=str(path), digest=digest or content_digest(Path(local_copy(str(path)))))

    def open_path(self) -> Path:
        """The pinned file's path, after checking that it is still what was pinned; fetched if it is a hub's."""
        name = HubName.of(self.uri)
        if name is not None:
            return name.fetched(f"file {self.uri!r}")
        if self.path is None or self.digest is None:
            raise PlanError(f"file {self.uri!r}: expected a pinned reference; call pin() first")
        path = Path(local_copy(self.path))
        found = content_digest(path)
        if found != self.digest:
            raise StorageError(
                f"file {self.uri!r}: expected content digest {self.digest}; found {found}; "
                "the file changed after the run was planned, so run again"
            )
        return path


def content_digest(path: Path) -> str:
    """The xxh3-128 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, xxhash.xxh3_128).hexdigest()


BoolArray = npt.NDArray[np.bool_]
RuleArray = npt.NDArray[np.int16]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a filter decided on D documents. `rule` indexes the filter's `rules()`; it counts only where not kept."""

    keep: BoolArray  # (D,)
    rule: RuleArray  # (D,)
    value: FloatArray  # (D,) what was measured; NaN where a rule has no number
    threshold: FloatArray  # (D,) what it was held against; NaN where a rule has no number
    survivor: pa.Array | None = None
    """(D,) binary(16): the doc_id that stays in a dropped row's place; null, or None for all rows, where none does."""
    detail: pa.Array | None = None
    """(D,) string: what was found, where a number does not say it; null, or None for all rows, where one does."""


@dataclass(frozen=True, slots=True)
class Edits:
    """What a transform changed on D documents: the replaced columns and, for each of its R rules, how much.

    The ledger gets one entry for each row and rule whose size is not 0, so a row may have several.
    """

    columns: pa.RecordBatch  # D rows
    sizes: FloatArray
    """(D, R) what each of the transform's `rules()` changed, in the unit that the operator documents; 0 where nothing,
    NaN where something that has no number."""

    @property
    def edited(self) -> BoolArray:
        """(D,) whether any rule changed the row."""
        edited: BoolArray = np.any(self.sizes != 0, axis=1)
        return edited


class Operator(BaseModel, ABC):
    """What all kinds share. Fields are configuration and identity; class variables describe the code."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False)

    name: ClassVar[str]
    """Stable name in the catalogue; recipes and fingerprints use it."""
    version: ClassVar[int] = 1
    """Raised whenever equal input may give other output."""
    determinism: ClassVar[Determinism] = Determinism.EXACT

    @property
    def title(self) -> str:
        """What plans and ledgers call it: its name, and that of the operator that it works with, if any."""
        return self.name

    def __hash__(self) -> int:
        """Equal operators have equal hashes; a mapping among the fields counts by its entries, in any order."""
        return hash((type(self), json.dumps(self.model_dump(mode="json"), sort_keys=True)))

    @property
    def resources(self) -> Resources:
        """What an actor needs to run this operator; a recipe may override it."""
        return Resources()

    @abstractmethod
    def requires(self) -> pa.Schema:
        """Columns and types that this operator reads."""

    @abstractmethod
    def output_schema(self, given: pa.Schema) -> pa.Schema:
        """The schema after this operator, for rows of schema `given`."""

    def derives(self) -> "tuple[Annotator, ...]":
        """Annotators whose columns this operator reads beside `requires()`.

        The engine runs them where they are needed, once for all operators that share them, again behind an operator
        that replaces what they read, and keeps their columns out of every artifact.
        """
        return ()

    def notes(self) -> tuple[str, ...]:
        """What a reader of the plan should know about these settings, a line each."""
        return ()

    def fallback(self) -> Self | None:
        """What the whole step uses in this operator's place once a function of it raised `FallBackNeeded`.

        It reads and gives the same columns, and equal rows wherever this operator was right. The step keeps its
        fingerprint: what it means does not change. None: there is nothing to fall back on.
        """
        return None

    def made_with(self) -> str | None:
        """What does the work on this worker where that may differ between machines: an engine and its version, as text.

        Asked after `open`. It stands in the record of every shard, and shards of one step agree on it, or the build
        stops. None: nothing that a reader of the artifact would need to know.
        """
        return None

    def file_refs(self) -> dict[str, FileRef]:
        """The operator's files by where they stand.

        A file of its own field goes by the field's name; one inside a tuple, a mapping or a model by the way to it,
        such as `lists.0` or `models.en.file`.
        """
        return {".".join(way): reference for way, reference in files_in(self)}

    def with_files(self, place: Callable[[FileRef], FileRef]) -> Self:
        """This operator with what `place` makes of each of its files."""
        placed: Self = _with_files(self, place)
        return placed


def files_in(value: object, way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], FileRef]]:
    """Files that `value` holds at any depth, each after the names and indices that lead to it."""
    if isinstance(value, FileRef):
        yield way, value
    elif isinstance(value, set | frozenset):
        if any(True for inner in value for _ in files_in(inner)):
            raise PlanError(
                f"file field {'.'.join(way)!r}: expected a tuple, a mapping or a model; found a set, which has no order"
            )
    else:
        for name, inner in _parts(value):
            yield from files_in(inner, (*way, name))


def _parts(value: object) -> Iterator[tuple[str, object]]:
    """What a model, a mapping or a sequence is made of, by name or index."""
    if isinstance(value, BaseModel):
        yield from value
    elif isinstance(value, Mapping):
        yield from ((str(key), inner) for key, inner in value.items())
    elif isinstance(value, tuple | list):
        yield from ((str(index), inner) for index, inner in enumerate(value))


def _with_files(value: Any, place: Callable[[FileRef], FileRef]) -> Any:  # Any: values of fields, of any type
    """`value` with each of its files replaced; what holds none stays the same object."""
    if isinstance(value, FileRef):
        return place(value)
    if not any(True for _ in files_in(value)):
        return value
    if isinstance(value, BaseModel):
        return value.model_copy(update={name: _with_files(inner, place) for name, inner in value})
    if isinstance(value, Mapping):
        return {key: _with_files(inner, place) for key, inner in value.items()}
    return type(value)(_with_files(inner, place) for inner in value)


def labels_of(titles: Sequence[str]) -> tuple[str, ...]:
    """What a step calls its operators: by their titles, and one that stands there for the second time `TITLE#2`."""
    times: dict[str, int] = {}
    labels = []
    for title in titles:
        times[title] = times.get(title, 0) + 1
        labels.append(title if times[title] == 1 else f"{title}#{times[title]}")
    return tuple(labels)


AnnotateFunction = Callable[[pa.RecordBatch], pa.RecordBatch]
FilterFunction = Callable[[pa.RecordBatch], Verdicts]
TransformFunction = Callable[[pa.RecordBatch], Edits]
PartitionFunction = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
ShardFunction = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


class Annotator(Operator):
    """Adds columns. Subclasses declare `adds()`."""

    window_rows: ClassVar[int | None] = None
    """Where results may depend on which rows are seen together, as a model's that pads them: each call gets exactly so
    many rows of its shard, the last one fewer, counted where the operator stands in its chain, whatever the execution's
    batches are. None: a call gets any batch. Another number is another `version`."""

    @abstractmethod
    def adds(self) -> pa.Schema:
        """The new columns."""

    def merged(self, other: "Annotator") -> "Annotator | None":
        """One annotator that adds the columns of both, value for value, in one pass; None where there is none."""
        return self if self == other else None

    def output_schema(self, given: pa.Schema) -> pa.Schema:
        """`given` and the new columns; a column that is already there is an error."""
        clash = sorted(set(self.adds().names) & set(given.names))
        if clash:
            raise SchemaError(f"{self.name}: adds columns {clash}, which exist already; available: {given.names}")
        return pa.schema([*given, *self.adds()])

    @abstractmethod
    def open(self) -> AnnotateFunction:
        """Loads what is needed on the worker, once, and returns the function."""


class Filter(Operator):
    """Decides which rows stay. Removes nothing itself: the engine applies the verdicts and writes the ledger."""

    @abstractmethod
    def rules(self) -> tuple[str, ...]:
        """Names of the rules that can drop a row, in the order in which they are judged."""

    def output_schema(self, given: pa.Schema) -> pa.Schema:
        """A filter changes no column."""
        return given

    @abstractmethod
    def open(self) -> FilterFunction:
        """Loads what is needed on the worker, once, and returns the function."""


class Transform(Operator):
    """Replaces columns that exist; a document's identity stays."""

    @abstractmethod
    def rules(self) -> tuple[str, ...]:
        """Names of the edits that it makes."""

    @abstractmethod
    def replaces(self) -> tuple[str, ...]:
        """Names of the columns that it rewrites."""

    def output_schema(self, given: pa.Schema) -> pa.Schema:
        """A transform keeps names and types."""
        return given

    @abstractmethod
    def open(self) -> TransformFunction:
        """Loads what is needed on the worker, once, and returns the function."""


RowOperator = Annotator | Filter | Transform


def columns_read(operator: Operator) -> pa.Schema:
    """What `operator` reads of its input: what it requires, and what the annotators that it derives from require."""
    fields = {field.name: field for field in operator.requires()}
    for annotator in operator.derives():
        for field in annotator.requires():
            fields.setdefault(field.name, field)
    return pa.schema(list(fields.values()))


class PartitionOperator(Operator):
    """Works on all rows of a key; legal only right after an exchange.

    The function gets one partition as a stream, sorted by key, the exchange's sort columns, then position: rows of a
    key are neighbours, but a key may go on in the next batch. After an exchange in order of arrival the rows stand as
    the map units sent them, and those of a key anywhere. Cutting the stream elsewhere must change no row. What a
    function holds back it emits at the stream's end.
    """

    takes_every_column: ClassVar[bool] = False
    """Whether all columns that the step writes travel to it, and not those alone that it requires."""

    @abstractmethod
    def open(self) -> PartitionFunction:
        """Loads what is needed on the worker, once, and returns the function."""


class ShardOperator(Operator):
    """Works on the rows of one shard in order; what remains at the end of the shard is emitted, never carried over."""

    @abstractmethod
    def open(self) -> ShardFunction:
        """Loads what is needed on the worker, once, and returns the function."""

    def conserves(self) -> tuple[str, str, str] | None:
        """(column summed over the input, column summed over the output, output column of what was cut), if declared.

        The engine refuses a shard whose sums do not satisfy input = output + cut.
        """
        return None


class RowReader(Protocol):
    """Rows of an artifact or a view, shard by shard in order."""

    @property
    def schema(self) -> pa.Schema:
        """Columns of the rows."""
        ...

    def batches(self, columns: tuple[str, ...] | None = None) -> Iterator[tuple[int, pa.RecordBatch]]:
        """(shard, batch) pairs in shard and row order; may be called again for another pass."""
        ...


@dataclass(frozen=True, slots=True)
class TaskInputs:
    """What a task may read, and where it may write."""

    rows: RowReader | None
    """The step's view, if it has one; a `position` column is there when the task requires it."""
    tables: Mapping[str, RowReader]
    """Table artifacts by the step's name."""
    base_rows: tuple[int, ...]
    """Rows of each shard of the view's base."""
    directory: Path
    """An empty folder on local disk: a model task leaves its files here; others may spill into it."""


TaskFunction = Callable[[TaskInputs], Iterator[tuple[int, pa.RecordBatch]]]


class Task(Operator):
    """Streams whole artifacts into one artifact.

    `produces` says what: `table` and `columns` yield (shard, rows) in shard order, a table as shard 0, columns with
    exactly the base's rows; `model` yields nothing and leaves files in the directory.
    """

    produces: ClassVar[Literal["table", "columns", "model"]]

    def fits(self, base_rows: Sequence[int]) -> bool:  # noqa: ARG002 -- a task that holds little need not look
        """Whether it may run over a base with so many rows a shard. If not, its step runs `beyond_memory` instead."""
        return True

    @abstractmethod
    def open(self) -> TaskFunction:
        """Loads what is needed on the worker, once, and returns the function."""


REMOVAL_SCHEMA = pa.schema(
    [
        pa.field("position", pa.uint64(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("value", pa.float64()),
        pa.field("threshold", pa.float64()),
        pa.field("survivor", pa.binary(16)),
    ]
)
"""What a PartitionOperator returns when it decides removals: the removed row's position in the base, why, and the
doc_id of the document that stays in its place."""
