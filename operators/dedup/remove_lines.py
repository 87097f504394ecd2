"""Removal of the lines that a deduplication across the corpus decided on."""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from operators.dedup.repeated_lines import ORDINALS_TYPE, repeated_column
from operators.text.characters import character_classes
from operators.text.units import Unit, cut_units
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.operator import Edits, Transform, TransformFunction


class RemoveLines(Transform):
    """Cuts the lines, or paragraphs, out of the text that the column `repeated_lines` names.

    What is left stays as it is, byte for byte, and a text whose last line goes still ends with a line feed, or
    without one, as before. It must be the text that the column was made from: put this operator before any that
    changes text.

    Columns:
        text: read and replaced.
        repeated_lines, or repeated_paragraphs: read; list of uint32, ascending. Replaced by an empty list where lines
            went, so that they cannot go twice; null where none did.

    Determinism:
        Exact.

    Raises:
        ValueError: a text has fewer lines than its list names, so it is another text; the row goes to quarantine.

    Cost:
        A copy of the text of batches in which a line goes; nothing else.
    """

    name: ClassVar[str] = "remove_lines"

    unit: Unit = "line"

    def requires(self) -> pa.Schema:
        """The text, and what goes of it."""
        ordinals = pa.field(repeated_column(self.unit), ORDINALS_TYPE)
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False), ordinals])

    def rules(self) -> tuple[str, ...]:
        """One; its value is the number of lines that went."""
        return (repeated_column(self.unit),)

    def replaces(self) -> tuple[str, ...]:
        """The text, and what is still to go of it."""
        return (TEXT, repeated_column(self.unit))

    def open(self) -> TransformFunction:
        """Loads the classes of characters."""
        character_classes()
        return self._edits

    def _edits(self, batch: pa.RecordBatch) -> Edits:
        name = repeated_column(self.unit)
        ordinals = batch.column(name)
        num_lines = pc.fill_null(pc.list_value_length(ordinals), 0).to_numpy().astype(np.int64)
        replaced = {TEXT: batch.column(TEXT), name: ordinals}
        if num_lines.any():
            offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(num_lines)])
            replaced[TEXT] = cut_units(batch.column(TEXT), offsets, ordinals.flatten().to_numpy(), unit=self.unit)
            replaced[name] = _emptied(ordinals)
        columns = {column: replaced[column] for column in batch.schema.names if column in replaced}
        return Edits(
            columns=pa.record_batch(columns, schema=pa.schema([batch.schema.field(column) for column in columns])),
            sizes=num_lines.astype(np.float64)[:, np.newaxis],
        )


def _emptied(ordinals: pa.Array) -> pa.Array:
    """Empty lists, null where there was none."""
    offsets: npt.NDArray[np.int32] = np.zeros(len(ordinals) + 1, np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array([], pa.uint32()), mask=ordinals.is_null())
