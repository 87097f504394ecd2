"""What transforms of this folder share: a text column with some documents rewritten, and how many lines differ.

Arrays: D documents, C of them rewritten.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from operators.text.characters import document_text
from operators.text.units import end_of_line
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.kernel import Bytes, Offsets, kernel
from pipeline.operator import BoolArray, Edits, FloatArray

Counts = npt.NDArray[np.int64]


def text_edits(batch: pa.RecordBatch, texts: pa.Array, sizes: FloatArray) -> Edits:
    """Edits that replace the text column by `texts`, (D,), and no other."""
    schema = pa.schema([batch.schema.field(TEXT)])
    return Edits(columns=pa.record_batch([texts], schema=schema), sizes=sizes)


def with_replaced(texts: pa.Array, is_changed: BoolArray, changed: pa.Array | Sequence[bytes]) -> pa.Array:
    """(D,) `texts` with the (C,) texts `changed` in place of those that (D,) `is_changed` marks."""
    if not isinstance(changed, pa.Array):
        changed = pa.array(changed, pa.large_binary()).cast(TEXT_TYPE)
    return pc.replace_with_mask(texts, pa.array(is_changed), changed) if len(changed) else texts


@kernel
def _count_changed_lines(old: Bytes, old_offsets: Offsets, new: Bytes, new_offsets: Offsets, num_lines: Counts) -> None:
    for document in range(old_offsets.shape[0] - 1):
        d = np.uintp(document)
        i, end = np.uintp(old_offsets[d]), np.uintp(old_offsets[d + np.uintp(1)])
        j, new_end = np.uintp(new_offsets[d]), np.uintp(new_offsets[d + np.uintp(1)])
        while i < end or j < new_end:
            stop, new_stop = end_of_line(old, i, end), end_of_line(new, j, new_end)
            is_equal = stop - i == new_stop - j
            while is_equal and i < stop:
                is_equal = old[i] == new[j]
                i += np.uintp(1)
                j += np.uintp(1)
            num_lines[d] += np.int64(not is_equal)
            i, j = min(stop + np.uintp(1), end), min(new_stop + np.uintp(1), new_end)


def count_changed_lines(old: pa.Array, new: pa.Array) -> Counts:
    """How many lines of each document differ, (D,). Both have the same lines, some of them rewritten."""
    num_lines = np.zeros(len(old), np.int64)
    _count_changed_lines(*document_text(old), *document_text(new), num_lines)
    return num_lines
