"""Whether an index can be deduplicated against: its settings and its generations."""

from collections.abc import Iterator
from typing import ClassVar, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from operators.dedup.index_entry import GENERATION, GENERATION_TYPE, SETTINGS, Generation
from operators.dedup.index_settings import with_tokenizer
from pipeline.errors import PlanError, SchemaError
from pipeline.operator import FileRef, RowReader, Task, TaskFunction, TaskInputs

_SCHEMA: Final = pa.schema(
    [
        pa.field("index", pa.string(), nullable=False),
        pa.field(GENERATION, GENERATION_TYPE, nullable=False),
        pa.field("num_documents", pa.int64(), nullable=False),
    ]
)
_READ: Final = {GENERATION: GENERATION_TYPE, SETTINGS: pa.string()}


class IndexCheck(Task):
    """Refuses an index whose signatures cannot be compared with this build's, or whose documents are not older.

    Columns:
        generation, signature_settings: read from every table of the step.
        index, generation, num_documents: written; one row for each generation of a table: its name, and how many
            documents are of that generation.

    Determinism:
        Exact.

    Raises:
        PlanError: signatures were made with other settings, or a generation is not smaller than this build's.
        SchemaError: a table is no index.

    Source:
        None.

    Cost:
        One pass over two columns that hold one value a generation: some nanoseconds a document.
    """

    name: ClassVar[str] = "index_check"
    produces: ClassVar[Literal["table", "columns", "model"]] = "table"

    settings: str = Field(min_length=1)
    """Of this build's signatures, as `operators.dedup.index_settings.spelled_settings` spells them."""
    tokenizer: FileRef | None = None
    """Of this build's signatures, if they are made of tokens."""
    generation: Generation = 1
    """Of this build's documents."""

    def requires(self) -> pa.Schema:
        """Nothing of a view: an index is a table."""
        return pa.schema([])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- a task writes its own columns alone
        """What was found."""
        return _SCHEMA

    def open(self) -> TaskFunction:
        """Spells the settings."""
        settings = with_tokenizer(self.settings, self.tokenizer)

        def check(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
            for name, table in inputs.tables.items():
                counts = _counts(name, table, settings)
                self._check_generations(name, counts)
                generations = sorted(counts)
                rows = [pa.repeat(name, len(counts)), generations, [counts[number] for number in generations]]
                columns = [pa.array(values, field.type) for values, field in zip(rows, _SCHEMA, strict=True)]
                yield 0, pa.record_batch(columns, schema=_SCHEMA)

        return check

    def _check_generations(self, name: str, counts: dict[int, int]) -> None:
        newest = max(counts, default=-1)
        if newest >= self.generation:
            raise PlanError(
                f"index_check: table {name!r}: expected generations below {self.generation}, that of this build's "
                f"documents; found {newest}; set generation to {newest + 1} or more"
            )


def _counts(name: str, table: RowReader, settings: str) -> dict[int, int]:
    """Documents by generation."""
    for column, kind in _READ.items():
        index = table.schema.get_field_index(column)
        if index < 0 or table.schema.field(index).type != kind:
            raise SchemaError(
                f"index_check: expected column {column!r} ({kind}) in table {name!r}; available: {table.schema.names}; "
                "name an index: the step NAME.index of a minhash_deduplication with index: true"
            )
    counts: dict[int, int] = {}
    for _, batch in table.batches(tuple(_READ)):
        for found in pc.unique(batch.column(SETTINGS)).to_pylist():
            if found != settings:
                raise PlanError(_mismatch(name, settings, found))
        for entry in pc.value_counts(batch.column(GENERATION)).to_pylist():
            counts[entry["values"]] = counts.get(entry["values"], 0) + entry["counts"]
    return counts


def _mismatch(name: str, expected: str, found: str) -> str:
    """Only the settings that differ."""
    ours, theirs = (dict(setting.split("=", 1) for setting in text.split()) for text in (expected, found))
    differing = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
    wanted, there = (", ".join(f"{key} {values.get(key, 'none')}" for key in differing) for values in (ours, theirs))
    return (
        f"index_check: table {name!r}: expected signatures with {wanted}, as this build makes them; found {there}; "
        "deduplicate with the index's settings, or build the index again"
    )
