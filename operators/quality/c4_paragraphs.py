"""mC4's rule for documents: enough long paragraphs."""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from operators.quality.bounds import Count
from operators.text.characters import count_characters, document_text
from operators.text.units import end_of_line
from pipeline.document import TEXT
from pipeline.kernel import Bytes, Offsets, kernel
from pipeline.operator import FloatArray
from pipeline.rule_set import Limit, MeasureFunction, RuleSet


@kernel
def count_long_paragraphs(
    data: Bytes, offsets: Offsets, min_chars: np.int64, num_paragraphs: npt.NDArray[np.int64]
) -> None:
    """Fills (D,) `num_paragraphs` with the lines between line feeds that have at least `min_chars` characters."""
    for k in range(offsets.shape[0] - 1):
        d = np.uintp(k)
        end = np.uintp(offsets[d + np.uintp(1)])
        i = np.uintp(offsets[d])
        is_last = False
        while not is_last:  # an empty text has one line
            stop = end_of_line(data, i, end)
            num_paragraphs[d] += np.int64(count_characters(data, i, stop) >= min_chars)
            is_last = stop == end
            i = stop + np.uintp(1)


class C4Paragraphs(RuleSet):
    """Keeps documents with enough long paragraphs.

    A paragraph is a line between line feeds, counted with the whitespace around it.

    Columns:
        Reads `text` (large_string). A verdict's value is the number of long paragraphs.

    Determinism:
        EXACT.

    Raises:
        ValidationError: at construction, for a negative count.

    Source:
        mC4 (Xue et al. 2021, arXiv 2010.11934, section 3.1): at least three lines of 200 or more characters; as
        `C4ParagraphFilter` of datatrove 0.10.1 and `c4_utils` of TensorFlow Datasets decide.

    Cost:
        Linear in bytes.
    """

    name: ClassVar[str] = "c4_paragraphs"

    min_paragraphs: Count = 3
    min_paragraph_chars: int = Field(default=200, ge=0)
    """Characters from which a paragraph is long."""

    def limits(self) -> tuple[Limit, ...]:
        """The only rule."""
        return (Limit("too_few_paragraphs", "min", self.min_paragraphs),)

    def open_measure(self) -> MeasureFunction:
        """The function that counts; it holds no state."""
        return self._measure

    def _measure(self, batch: pa.RecordBatch) -> FloatArray:
        data, offsets = document_text(batch.column(TEXT))
        num_paragraphs = np.zeros(batch.num_rows, np.int64)
        count_long_paragraphs(data, offsets, np.int64(self.min_paragraph_chars), num_paragraphs)
        return num_paragraphs.astype(np.float64)[:, np.newaxis]
