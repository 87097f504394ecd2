"""Removal of documents of which deduplication left nothing."""

from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.dedup.repeated_lines import ORDINALS_TYPE, repeated_column
from operators.text.characters import Classes, character_classes, document_text, skip_whitespace
from operators.text.units import Unit
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.kernel import Bytes, Offsets, kernel
from pipeline.operator import Filter, FilterFunction, Verdicts

EMPTY: Final = "empty_after_line_deduplication"


@kernel
def _find_blank(data: Bytes, offsets: Offsets, classes: Classes, out: npt.NDArray[np.bool_]) -> None:
    """Writes which documents hold nothing but white space, (D,)."""
    for document in range(out.shape[0]):
        d = np.uintp(document)
        end = np.uintp(offsets[d + np.uintp(1)])
        out[d] = skip_whitespace(data, np.uintp(offsets[d]), end, classes) == end


class DropEmptied(Filter):
    """Drops documents that lost lines, or paragraphs, to deduplication and have nothing but white space left.

    Documents that were empty before stay: they are for another filter to judge.

    Columns:
        text: read, as `remove_lines` left it.
        repeated_lines, or repeated_paragraphs: read; null for a document that lost nothing.

    Determinism:
        Exact.

    Cost:
        The white space that a text begins with.
    """

    name: ClassVar[str] = "drop_emptied"

    unit: Unit = "line"
    """As of `remove_lines`."""

    def requires(self) -> pa.Schema:
        """The text, and whether it lost anything."""
        ordinals = pa.field(repeated_column(self.unit), ORDINALS_TYPE)
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False), ordinals])

    def rules(self) -> tuple[str, ...]:
        """One, without a number."""
        return (EMPTY,)

    def open(self) -> FilterFunction:
        """Loads the classes of characters."""
        classes = character_classes()
        name = repeated_column(self.unit)

        def judge(batch: pa.RecordBatch) -> Verdicts:
            is_blank = np.empty(batch.num_rows, np.bool_)
            _find_blank(*document_text(batch.column(TEXT)), classes, is_blank)
            lost = batch.column(name).is_valid().to_numpy(zero_copy_only=False)
            numbers = np.full(batch.num_rows, np.nan)
            return Verdicts(~(is_blank & lost), np.zeros(batch.num_rows, np.int16), numbers, numbers)

        return judge
