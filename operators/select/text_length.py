"""The length of a document's text, as a column to order or select by."""

from typing import ClassVar, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.document import TEXT, TEXT_TYPE
from pipeline.operator import AnnotateFunction, Annotator

TEXT_LENGTH: Final = "text_length"


class TextLength(Annotator):
    """Adds the length of each document's text.

    With it, `order_by: [-text_length, ...]` of a deduplication lets the longest copy stay.

    Columns:
        text: read.
        text_length: written; int64, in `unit`.

    Determinism:
        Exact.

    Cost:
        Nanoseconds a document for bytes; characters are counted at memory speed.
    """

    name: ClassVar[str] = "text_length"

    unit: Literal["bytes", "characters"] = "bytes"
    """Bytes of UTF-8, or Unicode characters (code points)."""

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def adds(self) -> pa.Schema:
        """The length."""
        return pa.schema([pa.field(TEXT_LENGTH, pa.int64())])

    def open(self) -> AnnotateFunction:
        """Nothing to load."""
        measure = pc.binary_length if self.unit == "bytes" else pc.utf8_length

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            return pa.record_batch([pc.cast(measure(batch.column(TEXT)), pa.int64())], schema=self.adds())

        return annotate
