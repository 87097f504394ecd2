"""The rank of a document's source, as a column to order by."""

from typing import ClassVar, Final

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from pipeline.document import SOURCE
from pipeline.operator import AnnotateFunction, Annotator

SOURCE_PRIORITY: Final = "source_priority"


class SourcePriority(Annotator):
    """Adds the place of each document's source in `sources`: 0 for the most wanted.

    With it, `order_by: [source_priority, ...]` of a deduplication lets the copy of the preferred source stay.

    Columns:
        source: read.
        source_priority: written; int32, from 0 for the first of `sources`. Sources that are not listed come last, all
            with the number of listed ones.

    Determinism:
        Exact.

    Cost:
        Some nanoseconds a document.
    """

    name: ClassVar[str] = "source_priority"

    sources: tuple[str, ...] = Field(min_length=1)
    """Names as the recipe gives them to its sources, the most wanted first."""

    @field_validator("sources")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            raise ValueError(f"sources: expected distinct names; found {list(value)}")
        return value

    def requires(self) -> pa.Schema:
        """The source."""
        return pa.schema([pa.field(SOURCE, pa.string(), nullable=False)])

    def adds(self) -> pa.Schema:
        """Its place."""
        return pa.schema([pa.field(SOURCE_PRIORITY, pa.int32())])

    def open(self) -> AnnotateFunction:
        """Nothing to load."""
        return self._rank

    def _rank(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        places = pc.index_in(batch.column(SOURCE), pa.array(self.sources, pa.string()))
        return pa.record_batch([pc.fill_null(places, len(self.sources))], schema=self.adds())
