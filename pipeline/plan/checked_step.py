"""A step whose columns and types are known: what checking leaves, and what planning and building read."""

from dataclasses import dataclass

import pyarrow as pa

from pipeline.document import DOC_ID, INPUT_ID
from pipeline.plan.logical import ArtifactKind, Step

RECORD_COLUMNS = frozenset({DOC_ID, INPUT_ID})
"""Columns of documents that a first reading of sources leaves in identity files."""


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
