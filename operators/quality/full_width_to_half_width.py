"""Chinese punctuation marks as ASCII marks, as MAP-NEO unifies them."""

from functools import lru_cache
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.repair.edited_text import text_edits
from operators.text.characters import decode, document_text
from operators.text.written_text import written_text
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.kernel import Bytes, Offsets, kernel
from pipeline.operator import Edits, Transform, TransformFunction

Counts = npt.NDArray[np.int64]

FIRST_FULL_WIDTH: Final = 0xFF01
LAST_FULL_WIDTH: Final = 0xFF5E
FULL_WIDTH_OFFSET: Final = 0xFEE0
"""From an ASCII character to its full-width form."""
NOT_REPLACED: Final = (0xFF02, 0xFF07, 0xFF0E)
"""The full-width straight quotation mark, apostrophe and full stop."""
OTHER_MARKS: Final = {0x3002: ".", 0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"'}
"""The ideographic full stop and the quotation marks."""


@lru_cache(maxsize=1)
def half_width_marks() -> Bytes:
    """The ASCII mark of each code point up to LAST_FULL_WIDTH that has one, else 0. One shared table: read it only."""
    marks = np.zeros(LAST_FULL_WIDTH + 1, np.uint8)
    for code_point in range(FIRST_FULL_WIDTH, LAST_FULL_WIDTH + 1):
        if not chr(code_point - FULL_WIDTH_OFFSET).isalnum() and code_point not in NOT_REPLACED:
            marks[code_point] = code_point - FULL_WIDTH_OFFSET
    for code_point, mark in OTHER_MARKS.items():
        marks[code_point] = ord(mark)
    marks.flags.writeable = False
    return marks


@kernel
def _put_half_width(
    data: Bytes, offsets: Offsets, marks: Bytes, out: Bytes, out_offsets: Offsets, num_marks: Counts
) -> None:
    """Writes the documents with ASCII marks to `out`; `num_marks` (D,) takes how many marks each has."""
    at = np.uintp(0)
    for k in range(offsets.shape[0] - 1):
        d = np.uintp(k)
        i, end = np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)])
        while i < end:
            code_point, width = decode(data, i)
            mark = marks[code_point] if code_point < np.uint32(marks.shape[0]) else np.uint8(0)
            if mark != np.uint8(0):
                out[at] = mark
                at += np.uintp(1)
                num_marks[d] += np.int64(1)
            else:
                for j in range(i, i + width):
                    out[at] = data[np.uintp(j)]
                    at += np.uintp(1)
            i += width
        out_offsets[d + np.uintp(1)] = np.int64(at)


class FullWidthToHalfWidth(Transform):
    """Replaces full-width punctuation marks, the ideographic full stop and Chinese quotation marks by ASCII marks.

    Letters and digits stay as they are, and so do the ideographic comma, the full-width full stop and straight quotes,
    and brackets of other shapes. `unicode_normalization` with `form: NFKC` replaces letters, digits and more.

    Columns:
        text: read and replaced. An edit's value is the number of marks.

    Determinism:
        Exact.

    Source:
        MAP-NEO, commit 81f3cad, `chinese_data_clean_pipeline/filter/filter.py`, `unify_format`.

    Cost:
        One pass over the text, and a copy of it.
    """

    name: ClassVar[str] = "full_width_to_half_width"

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def rules(self) -> tuple[str, ...]:
        """One."""
        return ("full_width_marks",)

    def replaces(self) -> tuple[str, ...]:
        """The text."""
        return (TEXT,)

    def open(self) -> TransformFunction:
        """Makes the table of marks."""
        half_width_marks()
        return _edits


def _edits(batch: pa.RecordBatch) -> Edits:
    texts = batch.column(TEXT)
    data, offsets = document_text(texts)
    out = np.empty(int(offsets[-1] - offsets[0]), np.uint8)
    out_offsets = np.zeros(batch.num_rows + 1, np.int64)
    num_marks = np.zeros(batch.num_rows, np.int64)
    _put_half_width(data, offsets, half_width_marks(), out, out_offsets, num_marks)
    replaced = written_text(out, out_offsets) if num_marks.any() else texts
    return text_edits(batch, replaced, num_marks.astype(np.float64)[:, np.newaxis])
